//! Layers whose definition is changed.

use jmap_proto::layerdata::{
    ChangeLayerDefinitionRequest, ChangeLayerDefinitionResponse, ListDroppedAttributesRequest,
    ListDroppedAttributesResponse,
};
use jmap_wire::{Failure, id};
use layer_data_core::ports::{Authorizer, Call, LayerStore, Registry};

use crate::{Api, answer, parse, request_key::request_key, status};

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(crate) async fn change_definition_for(
        &self,
        call: &Call,
        request: ChangeLayerDefinitionRequest,
    ) -> Result<ChangeLayerDefinitionResponse, Failure> {
        let key = request_key(&request.request_id, || ChangeLayerDefinitionRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let change = parse::structure_change(request, key)?;
        let layer = change.layer;
        let changed = self.data.change_structure(call, change).await;
        let changed = changed.map_err(|error| status::structure(error, layer))?;
        Ok(ChangeLayerDefinitionResponse {
            definition: Some(answer::definition(&changed)),
        })
    }

    pub(crate) async fn list_dropped_for(
        &self,
        call: &Call,
        request: ListDroppedAttributesRequest,
    ) -> Result<ListDroppedAttributesResponse, Failure> {
        let ListDroppedAttributesRequest { layer_id } = request;
        let layer = id("layer_id", layer_id)?;
        let stored = self.data.structure(call, layer).await;
        let stored = stored.map_err(|error| status::structure(error, layer))?;
        Ok(answer::dropped(&stored))
    }
}
