//! Statistics of elements.

use clap::Args;
use jmap_proto::{
    layerdata::{
        AttributeRef, AttributeStatistics, ComputeStatisticsRequest, ComputeStatisticsResponse,
        StatisticsGroup, attribute_statistics as wire,
    },
    types::AttributeDefinition,
};
use serde_json::{Value as Json, json};

use crate::{
    client::call,
    command::{Context, layers, selection::SelectionArgs},
    condition,
    error::Failure,
    output::{Report, rows},
    resolve::LayerReference,
    value,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl stats Atlas/cities --attributes population
  jmapctl stats Atlas/cities --attributes population --group-by country --where 'population >= 5000000'
  jmapctl stats Atlas/cities --attributes country --distinct 300 --bbox -10,35,30,60 --extent

The deviation is that of the whole population: divided by the number of values, not by one less. Groups and distinct
values of a layer as a whole, without ids, box, geometry or condition, need `export`.";

/// Compute statistics of attributes
#[derive(Args, Debug)]
pub(crate) struct Stats {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// Sum up these attributes
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    attributes: Vec<String>,
    /// Separately for elements that differ in these attributes
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    group_by: Vec<String>,
    /// Show the distinct values, where there are no more than this many
    #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true,
        value_parser = clap::value_parser!(i32).range(0..=1000))]
    distinct: i32,
    /// Measure the extents
    #[arg(long)]
    extent: bool,
    /// Show extents in this reference system instead of the layer's own
    #[arg(
        long,
        value_name = "CODE",
        default_value_t = 0,
        hide_default_value = true
    )]
    epsg: i32,
    #[command(flatten)]
    selection: SelectionArgs,
}

impl Stats {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let selection = self.selection.bind(&layer)?;
        let attributes = layer.definition.unwrap_or_default().attributes;
        let message = ComputeStatisticsRequest {
            layer_id: layer.layer_id,
            selection: Some(selection),
            attributes: references(&self.attributes, &attributes)?,
            group_by: references(&self.group_by, &attributes)?,
            distinct_limit: self.distinct,
            extent: self.extent,
            output_epsg: self.epsg,
        };
        let answer = call!(
            client,
            client.elements().await?,
            compute_statistics,
            message
        );
        let name = |id: i64| {
            let found = attributes.iter().find(|known| known.attribute_id == id);
            found.map_or_else(|| id.to_string(), |known| known.name.clone())
        };
        Report::new(table(&answer, &name), &json(&answer, &name))
    }
}

fn references(
    names: &[String],
    attributes: &[AttributeDefinition],
) -> Result<Vec<AttributeRef>, Failure> {
    let find = |name: &String| condition::find(name, attributes).map(condition::reference);
    let found = names.iter().map(find).collect::<Result<_, _>>();
    found.map_err(Failure::usage)
}

/// A row for each attribute of each group, or for each group where no attributes were asked for.
fn table(answer: &ComputeStatisticsResponse, name: &impl Fn(i64) -> String) -> String {
    let keys: Vec<String> = answer.group_by.iter().map(|id| name(*id)).collect();
    let summed = answer
        .groups
        .first()
        .is_some_and(|group| !group.attributes.is_empty());
    let measured = answer.groups.iter().any(|group| group.extent.is_some());
    let mut headings: Vec<&str> = keys.iter().map(String::as_str).collect();
    headings.push("elements");
    if measured {
        headings.push("extent");
    }
    if summed {
        headings.extend([
            "attribute",
            "values",
            "min",
            "max",
            "sum",
            "mean",
            "deviation",
            "distinct",
        ]);
    }
    if answer.groups.is_empty() {
        return "none".to_owned();
    }
    let lines = answer.groups.iter().flat_map(|group| {
        let mut start = beginning(group);
        if measured {
            let edges = edges(group).map(|edges| edges.map(|edge| edge.to_string()).join(","));
            start.push(edges.unwrap_or_default());
        }
        let mut lines: Vec<Vec<String>> = group
            .attributes
            .iter()
            .map(|attribute| [start.clone(), cells(attribute, name)].concat())
            .collect();
        if lines.is_empty() {
            lines.push(start);
        }
        lines
    });
    rows(&headings, lines)
}

fn beginning(group: &StatisticsGroup) -> Vec<String> {
    let mut cells: Vec<String> = group.keys.iter().map(value::text).collect();
    cells.push(group.count.to_string());
    cells
}

/// The edges of a group's extent.
fn edges(group: &StatisticsGroup) -> Option<[f64; 4]> {
    let extent = group.extent.as_ref()?;
    Some([extent.min_x, extent.min_y, extent.max_x, extent.max_y])
}

fn cells(attribute: &AttributeStatistics, name: &impl Fn(i64) -> String) -> Vec<String> {
    let shown = |value: &Option<_>| value.as_ref().map(value::text).unwrap_or_default();
    let number = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    let sum = match &attribute.sum {
        Some(wire::Sum::IntegerSum(sum)) => sum.to_string(),
        Some(wire::Sum::LargeSum(sum)) => sum.clone(),
        Some(wire::Sum::DoubleSum(sum)) => sum.to_string(),
        None => String::new(),
    };
    let distinct = match &attribute.distinct {
        Some(wire::Distinct::DistinctValues(distinct)) => {
            let told = distinct.values.iter().map(|distinct| {
                let value = distinct.value.as_ref().map(value::text);
                format!("{} ({})", value.unwrap_or_default(), distinct.count)
            });
            told.collect::<Vec<_>>().join(", ")
        }
        Some(wire::Distinct::TooManyValues(_)) => "too many".to_owned(),
        None => String::new(),
    };
    vec![
        name(attribute.attribute_id),
        attribute.count.to_string(),
        shown(&attribute.min_value),
        shown(&attribute.max_value),
        sum,
        number(attribute.mean),
        number(attribute.deviation),
        distinct,
    ]
}

fn json(answer: &ComputeStatisticsResponse, name: &impl Fn(i64) -> String) -> Json {
    let keys: Vec<String> = answer.group_by.iter().map(|id| name(*id)).collect();
    let group = |group: &StatisticsGroup| {
        let values = keys.iter().cloned().zip(group.keys.iter().map(value::json));
        let attributes = group.attributes.iter();
        let attributes =
            attributes.map(|attribute| (name(attribute.attribute_id), of_attribute(attribute)));
        json!({
            "keys": values.collect::<serde_json::Map<_, _>>(),
            "count": group.count,
            "extent": edges(group),
            "attributes": attributes.collect::<serde_json::Map<_, _>>(),
        })
    };
    let groups: Vec<Json> = answer.groups.iter().map(group).collect();
    json!({"groups": groups, "data_revision": answer.data_revision})
}

fn of_attribute(attribute: &AttributeStatistics) -> Json {
    let sum = match &attribute.sum {
        Some(wire::Sum::IntegerSum(sum)) => json!(sum),
        Some(wire::Sum::LargeSum(sum)) => json!(sum),
        Some(wire::Sum::DoubleSum(sum)) => json!(sum),
        None => Json::Null,
    };
    let distinct = match &attribute.distinct {
        Some(wire::Distinct::DistinctValues(distinct)) => {
            let values = distinct.values.iter().map(|distinct| {
                let value = distinct.value.as_ref().map(value::json);
                json!({"value": value, "count": distinct.count})
            });
            json!(values.collect::<Vec<_>>())
        }
        Some(wire::Distinct::TooManyValues(_)) => json!("too many"),
        None => Json::Null,
    };
    json!({
        "count": attribute.count,
        "min": attribute.min_value.as_ref().map(value::json),
        "max": attribute.max_value.as_ref().map(value::json),
        "sum": sum,
        "mean": attribute.mean,
        "deviation": attribute.deviation,
        "distinct": distinct,
    })
}

#[cfg(test)]
mod tests {
    use jmap_proto::types::{Value, value::Kind};

    use super::*;

    fn answer() -> ComputeStatisticsResponse {
        let text = |text: &str| Value {
            kind: Some(Kind::String(text.to_owned())),
        };
        let integer = |number| {
            Some(Value {
                kind: Some(Kind::Integer(number)),
            })
        };
        let attribute = AttributeStatistics {
            attribute_id: 2,
            count: 2,
            min_value: integer(3),
            max_value: integer(5),
            sum: Some(wire::Sum::IntegerSum(8)),
            mean: Some(4.0),
            deviation: Some(1.0),
            distinct: None,
        };
        ComputeStatisticsResponse {
            groups: vec![StatisticsGroup {
                keys: vec![text("JP")],
                count: 2,
                extent: None,
                attributes: vec![attribute],
            }],
            group_by: vec![1],
            data_revision: 7,
        }
    }

    #[test]
    fn people_get_a_row_for_each_attribute_of_each_group() {
        let shown = table(&answer(), &|id| format!("a{id}"));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(
            lines[0].split_whitespace().collect::<Vec<_>>(),
            [
                "A1",
                "ELEMENTS",
                "ATTRIBUTE",
                "VALUES",
                "MIN",
                "MAX",
                "SUM",
                "MEAN",
                "DEVIATION",
                "DISTINCT"
            ]
        );
        assert_eq!(
            lines[1].split_whitespace().collect::<Vec<_>>(),
            ["JP", "2", "a2", "2", "3", "5", "8", "4", "1"]
        );
    }

    #[test]
    fn programs_get_names_and_numbers() {
        let shown = json(&answer(), &|id| format!("a{id}"));
        assert_eq!(shown["groups"][0]["keys"], json!({"a1": "JP"}));
        assert_eq!(shown["groups"][0]["attributes"]["a2"]["sum"], json!(8));
    }
}
