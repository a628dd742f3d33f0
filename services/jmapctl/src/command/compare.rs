//! What lies between two states of a layer.

use clap::Args;
use jmap_proto::layerdata::{
    CompareRevisionsRequest, CompareRevisionsResponse, ComparisonTrailer, Element,
    ElementDifference, ElementDifferenceKind, ElementHeader, compare_revisions_response::Part,
};
use serde::Serialize;
use serde_json::json;
use tonic::Streaming;

use crate::{
    command::{
        Context,
        element::{ElementView, headings, row},
        layers,
        selection::{LayerMoment, SelectionArgs},
    },
    error::Failure,
    output::{Report, rows},
    resolve::LayerReference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl compare Atlas/cities 40                       what changed since revision 40
  jmapctl compare Atlas/cities 40 44 --json             between two revisions
  jmapctl compare Atlas/cities 2026-11-17T12:00Z --bbox -10,35,5,45
  jmapctl compare Atlas/cities 40 --ids 17              what became of one element

With a selection the elements that it means in each state are compared: one that left the box is told as removed.
Comparing more than one element needs `export`.";

/// Tell what was added, changed and removed between two states of a layer
#[derive(Args, Debug)]
pub(crate) struct Compare {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The one state: a revision, or a time such as `2026-11-17T12:00Z`
    #[arg(value_name = "REVISION|TIME")]
    from: LayerMoment,
    /// The other one; the present one unless given
    #[arg(value_name = "REVISION|TIME")]
    to: Option<LayerMoment>,
    /// Most differences that are shown; all are counted
    #[arg(long, default_value_t = 1_000)]
    limit: usize,
    #[command(flatten)]
    selection: SelectionArgs,
}

/// A difference as programs see it.
#[derive(Debug, Serialize)]
struct DifferenceView {
    difference: &'static str,
    before: Option<ElementView>,
    after: Option<ElementView>,
}

/// A comparison as it arrives.
#[derive(Debug, Default)]
struct Shown {
    header: ElementHeader,
    differences: Vec<ElementDifference>,
    counts: ComparisonTrailer,
}

impl Compare {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let message = CompareRevisionsRequest {
            layer_id: layer.layer_id,
            from: Some(self.from.as_of()),
            to: self.to.map(LayerMoment::as_of),
            selection: Some(self.selection.bind(&layer)?),
            mask: None,
        };
        let request = client.stream_request(message).await?;
        let mut stub = client.history().await?;
        let parts = stub.compare_revisions(request).await?.into_inner();
        take(parts, self.limit).await?.report()
    }
}

async fn take(
    mut parts: Streaming<CompareRevisionsResponse>,
    limit: usize,
) -> Result<Shown, Failure> {
    let mut shown = Shown::default();
    while let Some(response) = parts.message().await? {
        match response.part {
            Some(Part::Header(header)) => shown.header = header,
            Some(Part::Batch(batch)) => {
                let room = limit.saturating_sub(shown.differences.len());
                shown
                    .differences
                    .extend(batch.differences.into_iter().take(room));
            }
            Some(Part::Trailer(counts)) => return Ok(Shown { counts, ..shown }),
            None => {}
        }
    }
    Err(Failure::incomplete("the end of the comparison"))
}

impl Shown {
    fn report(&self) -> Result<Report, Failure> {
        let ComparisonTrailer {
            added_count,
            changed_count,
            removed_count,
        } = self.counts;
        let counts =
            format!("{added_count} added, {changed_count} changed, {removed_count} removed");
        let text = if self.differences.is_empty() {
            counts
        } else {
            let headings = headings(&self.header, &["difference", "id", "revision"]);
            let table = rows(&headings, self.differences.iter().flat_map(lines));
            format!("{table}\n\n{counts}")
        };
        let views = self.differences.iter().map(|one| self.view(one));
        let value = json!({
            "differences": views.collect::<Vec<_>>(),
            "added_count": added_count,
            "changed_count": changed_count,
            "removed_count": removed_count,
        });
        Report::new(text, &value)
    }

    fn view(&self, difference: &ElementDifference) -> DifferenceView {
        let element = |element: &Element| ElementView::new(&self.header, element);
        DifferenceView {
            difference: match difference.kind() {
                ElementDifferenceKind::Unspecified => "unknown",
                ElementDifferenceKind::Added => "added",
                ElementDifferenceKind::Changed => "changed",
                ElementDifferenceKind::Removed => "removed",
            },
            before: difference.before.as_ref().map(element),
            after: difference.after.as_ref().map(element),
        }
    }
}

/// A row for what was and one for what is.
fn lines(difference: &ElementDifference) -> Vec<Vec<String>> {
    let line = |sign: &str, element: &Element| {
        let first = [
            sign.to_owned(),
            element.element_id.to_string(),
            element.revision.to_string(),
        ];
        first.into_iter().chain(row(element)).collect()
    };
    let before = difference.before.iter().map(|element| line("-", element));
    let after = difference.after.iter().map(|element| line("+", element));
    before.chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_see_both_states_and_how_many_there_are() {
        let element = |revision| {
            Some(Element {
                element_id: 17,
                revision,
                ..Default::default()
            })
        };
        let shown = Shown {
            differences: vec![ElementDifference {
                kind: ElementDifferenceKind::Changed.into(),
                before: element(4),
                after: element(9),
            }],
            counts: ComparisonTrailer {
                changed_count: 3,
                ..Default::default()
            },
            ..Default::default()
        };
        let report = shown.report().unwrap();
        let ends = "0 added, 3 changed, 0 removed";
        assert!(report.text.ends_with(ends), "{}", report.text);
        assert_eq!(lines(&shown.differences[0]).len(), 2);
        assert_eq!(report.value["differences"][0]["before"]["revision"], 4);
    }
}
