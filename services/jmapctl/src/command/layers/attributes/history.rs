//! How long the history of the elements is kept.

use clap::Args;
use jmap_proto::layerdata::{SetHistoryRetention, definition_change::Change};

use super::{Layer, Place};
use crate::{
    command::{Context, definition::DefinitionView},
    error::Failure,
    output::Report,
    span::Keep,
};

/// Say how long the history of the elements is kept
#[derive(Args, Debug)]
pub(crate) struct KeepHistory {
    #[command(flatten)]
    place: Place,
    /// For how long, such as 12h, 90d or 10y, an hour at least, or `forever`; what is older goes for good
    #[arg(value_name = "DURATION")]
    keep: Keep,
}

impl KeepHistory {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let layer = Layer::read(&context.client, &self.place).await?;
        let keep_for = self.keep.to_proto();
        let change = SetHistoryRetention { keep_for };
        let changes = vec![Change::SetHistoryRetention(change)];
        let told = |view: &DefinitionView| format!("history is kept {}", view.kept());
        layer.change_telling(changes, told).await
    }
}
