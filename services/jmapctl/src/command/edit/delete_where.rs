//! Deleting the elements that conditions find.

use clap::{ArgGroup, Args};
use jmap_proto::layerdata::{DeleteElementsRequest, DeleteElementsResponse};
use serde_json::json;

use crate::{
    client::call,
    command::{Context, layers, request_id, selection::SelectionArgs},
    error::Failure,
    output::Report,
    resolve::LayerReference,
};

/// Delete the elements that conditions find: all of them, or none
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).multiple(true)
    .args(["all", "ids", "bbox", "conditions", "filter", "intersects", "within", "contains", "disjoint"])))]
pub(crate) struct DeleteWhere {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// Most elements that you mean: when more are found, nothing is deleted
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(i32).range(1..=10_000))]
    maximum: i32,
    /// Check everything and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// All elements of the layer
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    selection: SelectionArgs,
}

impl DeleteWhere {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let message = DeleteElementsRequest {
            layer_id: layer.layer_id,
            selection: Some(self.selection.bind(&layer)?),
            maximum: self.maximum,
            request_id: request_id(),
            validate_only: self.dry_run,
        };
        let answer = call!(client, client.elements().await?, delete_elements, message);
        report(&answer, self.dry_run)
    }
}

fn report(answer: &DeleteElementsResponse, is_dry: bool) -> Result<Report, Failure> {
    let DeleteElementsResponse {
        deleted_count: count,
        data_revision: revision,
    } = *answer;
    let elements = if count == 1 { "element" } else { "elements" };
    let text = if is_dry {
        format!("would delete {count} {elements}")
    } else if count == 0 {
        "found nothing to delete".to_owned()
    } else {
        format!("deleted {count} {elements} at revision {revision}")
    };
    let value = json!({"deleted_count": count, "revision": revision, "dry_run": is_dry});
    Report::new(text, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_deleted_is_told_apart_from_what_would_be() {
        let told = |deleted_count, data_revision, is_dry| {
            let answer = DeleteElementsResponse {
                deleted_count,
                data_revision,
            };
            report(&answer, is_dry).unwrap().text
        };
        assert_eq!(told(1, 7, false), "deleted 1 element at revision 7");
        assert_eq!(told(3, 0, true), "would delete 3 elements");
        assert_eq!(told(0, 0, false), "found nothing to delete");
    }
}
