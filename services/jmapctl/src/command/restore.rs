//! Bringing back what was deleted.

use clap::Args;
use jmap_proto::layerdata::RestoreElementsRequest;

use crate::{
    client::call,
    command::{
        Context, request_id,
        revert::{Outcome, report},
    },
    error::Failure,
    output::Report,
    resolve::{self, LayerReference},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl restore Town/trees 17
  jmapctl restore Town/trees 17 18 19 --dry-run

The elements come back as they were last, with their ids and their creators: all of them, or none. This needs `add` and
`delete`; with the option *edit only own elements*, only your own come back.";

/// Bring back elements that were deleted
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The elements' ids
    #[arg(required = true)]
    elements: Vec<i64>,
    /// Check everything and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Restore {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let message = RestoreElementsRequest {
            layer_id: resolve::layer_id(client, &self.layer).await?,
            element_ids: self.elements,
            request_id: request_id(),
            validate_only: self.dry_run,
        };
        let answer = call!(client, client.history().await?, restore_elements, message);
        let outcome = Outcome {
            count: answer.restored_count,
            revision: answer.data_revision,
            conflicts: answer.conflicts,
            conflict_count: answer.conflict_count,
        };
        let words = if self.dry_run {
            "would restore"
        } else {
            "restored"
        };
        report(words, outcome)
    }
}
