//! What becomes of polygons that are not valid.

use clap::Args;
use jmap_proto::layerdata::{SetInvalidPolygonPolicy, definition_change::Change};

use super::{Layer, Place};
use crate::{command::Context, error::Failure, output::Report, words::PolicyWord};

/// Say what becomes of polygons that are not valid
#[derive(Args, Debug)]
pub(crate) struct GeometryPolicy {
    #[command(flatten)]
    place: Place,
    /// The policy; when none is to be taken any more, those that exist must be valid as well
    #[arg(value_enum)]
    policy: PolicyWord,
}

impl GeometryPolicy {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let layer = Layer::read(&context.client, &self.place).await?;
        let policy = self.policy.policy().into();
        let change = SetInvalidPolygonPolicy { policy };
        layer.change(vec![Change::SetInvalidPolygons(change)]).await
    }
}
