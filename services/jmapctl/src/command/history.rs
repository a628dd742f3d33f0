//! What happened to an element.

use clap::Args;
use jmap_proto::layerdata::{
    ElementChangeKind, ElementHeader, ElementRevision, ListElementChangesRequest,
    ListElementChangesResponse,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    client::call,
    command::{
        Context,
        element::{ElementView, headings, row},
        layers,
    },
    error::Failure,
    output::{Report, rows},
    resolve::LayerReference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl history Atlas/cities 17                    every change, with what the element was like after it
  jmapctl query Atlas/cities --ids 17 --as-of 42     the element as it was at a revision
  jmapctl query Atlas/cities --as-of 2026-11-17T12:00Z --count

The row before tells what the element was like before a change. An element that was deleted has its history still.
Reading the past of more than one element needs `export`.";

/// Tell what happened to an element
#[derive(Args, Debug)]
pub(crate) struct History {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The element's id
    element: i64,
    /// About how many changes the answer has at most, 1 to 1000
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i32).range(1..=1000))]
    limit: i32,
    /// Go on where an earlier answer ended
    #[arg(
        long,
        value_name = "TOKEN",
        default_value = "",
        hide_default_value = true
    )]
    page_token: String,
}

/// A change as programs see it.
#[derive(Debug, Serialize)]
struct ChangeView {
    revision: i64,
    time: String,
    actor_id: i64,
    change: &'static str,
    /// What the element was like afterwards; null when it was deleted.
    element: Option<ElementView>,
}

impl History {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let message = ListElementChangesRequest {
            layer_id: layer.layer_id,
            element_id: self.element,
            mask: None,
            page_size: self.limit,
            page_token: self.page_token,
        };
        let page = call!(
            client,
            client.history().await?,
            list_element_changes,
            message
        );
        report(&page)
    }
}

fn report(page: &ListElementChangesResponse) -> Result<Report, Failure> {
    let header = page.header.clone().unwrap_or_default();
    let views = page.changes.iter().map(|change| view(&header, change));
    let views: Vec<_> = views.collect();
    let table = rows(
        &headings(&header, &["revision", "time", "actor", "change"]),
        page.changes.iter().map(cells),
    );
    let text = match page.next_page_token.as_str() {
        "" => table,
        token => format!("{table}\n\nthere are more: repeat with --page-token {token}"),
    };
    let value = json!({"changes": views, "next_page_token": page.next_page_token});
    Report::new(text, &value)
}

fn view(header: &ElementHeader, change: &ElementRevision) -> ChangeView {
    let element = change.element.as_ref();
    ChangeView {
        revision: change.revision,
        time: time(change),
        actor_id: change.actor_id,
        change: word(change.kind()),
        element: element.map(|element| ElementView::new(header, element)),
    }
}

fn cells(change: &ElementRevision) -> Vec<String> {
    let first = [
        change.revision.to_string(),
        time(change),
        change.actor_id.to_string(),
        word(change.kind()).to_owned(),
    ];
    let element = change.element.as_ref().map(row).unwrap_or_default();
    first.into_iter().chain(element).collect()
}

fn time(change: &ElementRevision) -> String {
    let time = change.time.as_ref();
    let time = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

const fn word(kind: ElementChangeKind) -> &'static str {
    match kind {
        ElementChangeKind::Unspecified => "unknown",
        ElementChangeKind::Created => "created",
        ElementChangeKind::Updated => "changed",
        ElementChangeKind::Deleted => "deleted",
        ElementChangeKind::Oldest => "oldest kept",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_programs_see_a_deletion() {
        let deletion = ElementRevision {
            revision: 7,
            actor_id: 3,
            kind: ElementChangeKind::Deleted.into(),
            ..Default::default()
        };
        let page = ListElementChangesResponse {
            changes: vec![deletion],
            ..Default::default()
        };
        let report = report(&page).unwrap();
        assert!(report.text.contains("deleted"), "{}", report.text);
        let change = &report.value["changes"][0];
        assert_eq!(change["change"], "deleted");
        assert_eq!(change["element"], json!(null));
    }
}
