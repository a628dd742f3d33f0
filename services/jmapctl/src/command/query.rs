//! Reading elements.

use clap::Args;
use jmap_proto::{
    layerdata::{
        ElementMask, ListElementsRequest, ListElementsResponse, SummarizeElementsRequest,
        SummarizeElementsResponse, summarize_elements_response::Count,
    },
    types::AttributeDefinition,
};
use serde_json::json;

use crate::{
    client::call,
    command::{
        Context,
        element::{ElementView, feature, table},
        layers,
        order::{self, SortSpec},
        selection::SelectionArgs,
    },
    condition,
    error::Failure,
    output::Report,
    resolve::LayerReference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl query Atlas/cities --where 'population >= 5000000 and country = JP'
  jmapctl query Atlas/cities --bbox -10,35,5,45 --count
  jmapctl query Atlas/cities --where 'country = JP' --count --count-cap 500
  jmapctl query Atlas/cities --intersects 'POLYGON((2 48,3 48,3 49,2 48))' --geojson
  jmapctl query Atlas/cities --where 'country = JP' --sort -population,name --page-size 20
  jmapctl query Atlas/cities --within 'circle 2.35,48.85,50000' --filter \"casei(name) like casei('saint%')\"
  jmapctl query Atlas/rivers --filter 'length_km > 1000 and not number in (1, 2)' --count
  jmapctl query Atlas/rivers --bbox 0,40,10,50 --epsg 3857 --simplify 500 --geojson
  jmapctl query Atlas/cities --ids 1,2,3 --attributes name,population --json
  jmapctl query Atlas/cities --ids 1 --as-of 2026-11-17T12:00Z

`--filter` takes OGC CQL2 text: = <> < <= > >=, in, between, like with % and _, is null, and, or, not, brackets,
casei(ATTRIBUTE), DATE('2024-02-29'), TIMESTAMP('2024-02-29T12:00:00Z'), t_during(ATTRIBUTE, INTERVAL(...)), and
s_intersects, s_within, s_contains, s_disjoint of `geometry` and WKT. A shape of --within and its like is WKT, or
`circle X,Y,METRES` on the ellipsoid; a line between two positions is straight in the layer's reference system.

Elements come page by page, in the order of their ids unless `--sort` says otherwise; elements without a value
come last. Where there are more, the answer says how to go on.
Reading a layer as a whole, without ids, box, geometry or condition, needs `export`; so does reading more than one
element as of the past.";

/// Read elements
#[derive(Args, Debug)]
pub(crate) struct Query {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// Only these attributes, in this order
    #[arg(long, value_name = "NAME,...", value_delimiter = ',')]
    attributes: Vec<String>,
    /// Most elements in the answer, 1 to 1000
    #[arg(long, visible_alias = "page-size", default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=1000))]
    limit: i32,
    /// Sort by these attributes, the deciding one first; with a minus the greatest comes first
    #[arg(
        long,
        value_name = "[-]NAME,...",
        value_delimiter = ',',
        allow_hyphen_values = true,
        conflicts_with = "count"
    )]
    sort: Vec<SortSpec>,
    /// Go on where an earlier answer ended, of the same query
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    page_token: String,
    /// Show geometries in this reference system instead of the layer's own
    #[arg(
        long,
        value_name = "CODE",
        default_value_t = 0,
        hide_default_value = true
    )]
    epsg: i32,
    /// Leave out what is smaller than this of lines and polygons, in units of the reference system
    #[arg(
        long,
        value_name = "LENGTH",
        default_value_t = 0.0,
        hide_default_value = true
    )]
    simplify: f64,
    /// Count the elements and measure their extent instead
    #[arg(long, conflicts_with_all = ["geojson", "page_token"])]
    count: bool,
    /// Count one by one only up to so many, and say about how many there are beyond that
    #[arg(long, value_name = "N", requires = "count", default_value_t = 0, hide_default_value = true, value_parser = clap::value_parser!(i64).range(0..))]
    count_cap: i64,
    /// Answer with a GeoJSON feature collection
    #[arg(long, conflicts_with = "json")]
    geojson: bool,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// How a page is shown.
#[derive(Clone, Copy, Debug)]
enum Form {
    /// As a table, or as an object.
    Listing,
    /// As a GeoJSON feature collection.
    Collection,
}

impl Query {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let layer = layers::get(&context.client, &self.layer).await?;
        let selection = self.selection.bind(&layer)?;
        let attributes = layer.definition.unwrap_or_default().attributes;
        let mask = self.mask(&attributes)?;
        let order_by = order::bind(&self.sort, &attributes)?;
        if self.count {
            let message = SummarizeElementsRequest {
                layer_id: layer.layer_id,
                selection: Some(selection),
                count_cap: self.count_cap,
            };
            count(context, message).await
        } else {
            let message = ListElementsRequest {
                layer_id: layer.layer_id,
                selection: Some(selection),
                mask,
                page_size: self.limit,
                page_token: self.page_token,
                order_by,
                output_epsg: self.epsg,
                simplify_tolerance: self.simplify,
                quantization: None,
            };
            let form = if self.geojson {
                Form::Collection
            } else {
                Form::Listing
            };
            page(context, message, form).await
        }
    }

    fn mask(&self, attributes: &[AttributeDefinition]) -> Result<Option<ElementMask>, Failure> {
        if self.attributes.is_empty() {
            return Ok(None);
        }
        let find = |name: &String| condition::find(name, attributes).map(condition::reference);
        let wanted = self.attributes.iter().map(find).collect::<Result<_, _>>();
        Ok(Some(ElementMask {
            geometry: true,
            attributes: wanted.map_err(Failure::usage)?,
            stamps: false,
        }))
    }
}

async fn page(
    context: &Context,
    message: ListElementsRequest,
    form: Form,
) -> Result<Report, Failure> {
    let client = &context.client;
    let page = call!(client, client.elements().await?, list_elements, message);
    match form {
        Form::Collection => collection(&page),
        Form::Listing => listing(&page),
    }
}

fn listing(page: &ListElementsResponse) -> Result<Report, Failure> {
    let header = page.header.clone().unwrap_or_default();
    let views = page
        .elements
        .iter()
        .map(|element| ElementView::new(&header, element));
    let views: Vec<_> = views.collect();
    let mut lines = vec![if views.is_empty() {
        "none".to_owned()
    } else {
        table(&header, &page.elements)
    }];
    if !page.next_page_token.is_empty() {
        let token = &page.next_page_token;
        lines.push(format!("there are more: repeat with --page-token {token}"));
    }
    let text = lines.join(
        "

",
    );
    let value = json!({"elements": views, "next_page_token": page.next_page_token});
    Report::new(text, &value)
}

/// What a page leaves out is said in a member that readers of GeoJSON pass over.
fn collection(page: &ListElementsResponse) -> Result<Report, Failure> {
    let header = page.header.clone().unwrap_or_default();
    let features: Vec<_> = page
        .elements
        .iter()
        .map(|element| feature(&header, element))
        .collect();
    let mut value = json!({"type": "FeatureCollection", "features": features});
    if let (Some(object), false) = (value.as_object_mut(), page.next_page_token.is_empty()) {
        object.insert("next_page_token".to_owned(), json!(page.next_page_token));
    }
    Report::new(value.to_string(), &value)
}

async fn count(context: &Context, message: SummarizeElementsRequest) -> Result<Report, Failure> {
    let client = &context.client;
    let SummarizeElementsResponse {
        count,
        extent,
        data_revision,
    } = call!(
        client,
        client.elements().await?,
        summarize_elements,
        message
    );
    let (count, kind, about) = match count {
        Some(Count::ExactCount(count)) => (count, "exact", ""),
        Some(Count::EstimatedCount(count)) => (count, "estimated", "about "),
        Some(Count::LeastCount(count)) => (count, "least", "at least "),
        None => return Err(Failure::incomplete("a count")),
    };
    let extent = extent.map(|extent| [extent.min_x, extent.min_y, extent.max_x, extent.max_y]);
    let value = json!({
        "count": count,
        "exact": kind == "exact",
        "kind": kind,
        "extent": extent,
        "data_revision": data_revision,
    });
    let text = match extent {
        Some([min_x, min_y, max_x, max_y]) => {
            format!("{about}{count} elements within {min_x},{min_y},{max_x},{max_y}")
        }
        None => format!("{about}{count} elements"),
    };
    Report::new(text, &value)
}
