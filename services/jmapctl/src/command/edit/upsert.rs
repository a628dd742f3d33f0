//! Creating an element, or changing the one that has the same value of a unique attribute.

use clap::Args;
use jmap_proto::layerdata::{UpsertEdit, UpsertElementRequest};

use super::{Values, edited};
use crate::{
    client::call,
    command::{Context, layers, request_id},
    condition,
    error::Failure,
    geometry::wkb_of_wkt,
    output::Report,
    resolve::LayerReference,
};

/// Create an element, or change the one that has the same value of a unique attribute
#[derive(Args, Debug)]
pub(crate) struct Upsert {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The unique attribute by whose value the element is found; `--set` gives the value
    #[arg(long, value_name = "NAME")]
    key: String,
    /// The geometry as WKT; without it only an element that exists is changed
    #[arg(long, value_name = "WKT")]
    geometry: Option<String>,
    #[command(flatten)]
    values: Values,
}

impl Upsert {
    pub(super) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let client = &context.client;
        let layer = layers::get(client, &self.layer).await?;
        let definition = layer.definition.as_ref();
        let attributes = definition.map_or(&[][..], |definition| &definition.attributes);
        let key = condition::find(&self.key, attributes).map_err(Failure::usage)?;
        let geometry = self.geometry.as_deref().map(wkb_of_wkt).transpose();
        let upsert = UpsertEdit {
            key: Some(condition::reference(key)),
            geometry: geometry.map_err(Failure::usage)?.map(Into::into),
            values: self.values.bind(&layer)?,
        };
        let message = UpsertElementRequest {
            layer_id: layer.layer_id,
            upsert: Some(upsert),
            request_id: request_id(),
        };
        let answer = call!(client, client.elements().await?, upsert_element, message);
        let created = answer.element.as_ref().is_some_and(|one| one.created);
        edited(if created { "created" } else { "changed" }, answer.element)
    }
}
