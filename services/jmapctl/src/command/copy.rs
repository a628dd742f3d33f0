//! Copying elements from layer to layer.

use std::str::FromStr;

use clap::Args;
use jmap_proto::layerdata::{
    AttributeMapping, AttributeMappings, AttributeRef, CopyElementError, CopyElementsRequest,
    CopyOrder, CopyProgress, CopySummary, EditMode, PrepareCopyRequest, attribute_ref::Attribute,
    copy_elements_response::Event,
};
use serde::Serialize;

use crate::{
    client::{Client, call},
    command::{Context, layers, selection::SelectionArgs},
    console::Console,
    error::Failure,
    output::{Outcome, Report, rows},
    resolve::{self, LayerReference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl copy Atlas/cities Atlas/capitals --where 'capital = true'
  jmapctl copy Atlas/cities Town/places --map name=label --map population=people
  jmapctl copy Atlas/cities Atlas/cities-2025 --as-of 2025-12-31T23:59Z --atomic

Copying needs `export` on the first layer and `add` on the second, and you become the creator of every copy. What
is copied is the layer as it is when the copy begins. Values go to the attribute of the same name unless --map says
otherwise. Elements that do not fit are listed and the others are copied; the exit code is then 1. A copy that was
interrupted goes on with the same command and --resume with the token that the failure tells: each element is copied
once.";

/// Most refused elements that are listed for people.
const LISTED: usize = 20;

/// Copy elements from layer to layer
#[derive(Args, Debug)]
pub(crate) struct Copy {
    /// PROJECT/LAYER, @me/LAYER or id of the layer to copy from
    source: LayerReference,
    /// PROJECT/LAYER, @me/LAYER or id of the layer to copy to
    target: LayerReference,
    /// Whose values go where, by name; may be repeated, and no others go along
    #[arg(long = "map", value_name = "FROM=TO")]
    mappings: Vec<Pair>,
    /// Copy geometries alone
    #[arg(long, conflicts_with = "mappings")]
    no_values: bool,
    /// Copy nothing when one element does not fit
    #[arg(long)]
    atomic: bool,
    /// Go on with a copy that was interrupted
    #[arg(long, value_name = "TOKEN")]
    resume: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// The name of an attribute and that of the one which gets its values.
#[derive(Clone, Debug, PartialEq)]
struct Pair(String, String);

impl FromStr for Pair {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let (from, to) = text.split_once('=').ok_or("is not written as FROM=TO")?;
        Ok(Self(from.trim().to_owned(), to.trim().to_owned()))
    }
}

/// What became of a copy.
#[derive(Debug, Default, Serialize)]
struct CopyView {
    copied_elements: i64,
    failed_elements: i64,
    ignored_attributes: Vec<String>,
    element_errors: Vec<ElementErrorView>,
}

#[derive(Debug, Serialize)]
struct ElementErrorView {
    element_id: i64,
    reason: String,
    field: String,
    message: String,
}

impl From<CopyElementError> for ElementErrorView {
    fn from(CopyElementError { element_id, error }: CopyElementError) -> Self {
        let error = error.unwrap_or_default();
        Self {
            element_id,
            reason: error.reason,
            field: error.field,
            message: error.message,
        }
    }
}

impl Copy {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let order = self.order(client).await?;
        let (token, ignored_attributes) = match self.resume {
            Some(token) => (token, Vec::new()),
            None => prepare(client, &order).await?,
        };
        let mut view = CopyView {
            ignored_attributes,
            ..CopyView::default()
        };
        let mut running = Running { order, token };
        let done = running.run(client, &mut view).await;
        done.map_err(|failure| running.resumable(failure))?;
        view.report()
    }

    async fn order(&self, client: &Client) -> Result<CopyOrder, Failure> {
        let source = layers::get(client, &self.source).await?;
        let mode = if self.atomic {
            EditMode::Atomic
        } else {
            EditMode::Partial
        };
        Ok(CopyOrder {
            source_layer_id: source.layer_id,
            selection: Some(self.selection.bind(&source)?),
            target_layer_id: resolve::layer_id(client, &self.target).await?,
            mapping: self.mapping(),
            mode: mode.into(),
        })
    }

    fn mapping(&self) -> Option<AttributeMappings> {
        let by_name = |name: &String| {
            Some(AttributeRef {
                attribute: Some(Attribute::Name(name.clone())),
            })
        };
        let mappings = self.mappings.iter().map(|Pair(from, to)| AttributeMapping {
            source: by_name(from),
            target: by_name(to),
        });
        let mappings: Vec<_> = mappings.collect();
        (self.no_values || !mappings.is_empty()).then_some(AttributeMappings { mappings })
    }
}

/// The token of a copy that may begin, and the attributes whose values go nowhere.
async fn prepare(client: &Client, order: &CopyOrder) -> Result<(String, Vec<String>), Failure> {
    let message = PrepareCopyRequest {
        order: Some(order.clone()),
    };
    let answer = call!(client, client.transfers().await?, prepare_copy, message);
    Ok((answer.copy_token, answer.ignored_attributes))
}

/// A copy that has begun, with its newest token.
struct Running {
    order: CopyOrder,
    token: String,
}

impl Running {
    async fn run(&mut self, client: &Client, view: &mut CopyView) -> Result<(), Failure> {
        let message = CopyElementsRequest {
            order: Some(self.order.clone()),
            copy_token: self.token.clone(),
        };
        let request = client.stream_request(message).await?;
        let mut stub = client.transfers().await?;
        let mut events = stub.copy_elements(request).await?.into_inner();
        let bar = Console::bar(0, "copy");
        while let Some(response) = events.message().await? {
            match response.event {
                Some(Event::Progress(CopyProgress {
                    copied_elements,
                    failed_elements: _,
                    copy_token,
                })) => {
                    bar.set_position(copied_elements.unsigned_abs());
                    self.token = copy_token;
                }
                Some(Event::ElementError(error)) => view.element_errors.push(error.into()),
                Some(Event::Summary(CopySummary {
                    copied_elements,
                    failed_elements,
                })) => {
                    bar.finish_and_clear();
                    view.copied_elements = copied_elements;
                    view.failed_elements = failed_elements;
                    return Ok(());
                }
                None => {}
            }
        }
        Err(Failure::incomplete("the summary of the copy"))
    }

    /// What was copied stays, and the copy can go on.
    fn resumable(&self, failure: Failure) -> Failure {
        failure.hint(format!(
            "the same command with --resume {} goes on, within 12 hours from the beginning",
            self.token
        ))
    }
}

impl CopyView {
    fn report(&self) -> Result<Report, Failure> {
        let mut parts = vec![format!("copied {} elements", self.copied_elements)];
        if !self.ignored_attributes.is_empty() {
            let ignored = self.ignored_attributes.join(", ");
            parts.push(format!("values that go nowhere: {ignored}"));
        }
        if self.failed_elements == 0 {
            return Report::new(parts.join("\n"), self);
        }
        let failed = self.failed_elements;
        parts.push(format!(
            "{failed} elements were not taken:\n\n{}",
            self.table()
        ));
        let report = Report::new(parts.join("\n"), self)?;
        Ok(Report {
            outcome: Outcome::Partial,
            ..report
        })
    }

    fn table(&self) -> String {
        let row = |error: &ElementErrorView| {
            vec![
                error.element_id.to_string(),
                error.field.clone(),
                error.message.clone(),
                error.reason.clone(),
            ]
        };
        let listed = self.element_errors.iter().take(LISTED);
        rows(&["id", "field", "why", "reason"], listed.map(row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_names_both_attributes() {
        let pair = |from: &str, to: &str| Ok(Pair(from.to_owned(), to.to_owned()));
        assert_eq!("name=label".parse(), pair("name", "label"));
        assert_eq!("a = b=c".parse(), pair("a", "b=c"));
        assert!("name".parse::<Pair>().is_err());
    }
}
