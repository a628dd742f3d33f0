//! Deleting what a selection finds.

use std::num::NonZeroU32;

use jmap_domain::DataRevision;
use jmap_proto::layerdata::{DeleteElementsRequest, DeleteElementsResponse};
use jmap_wire::{Failure, FieldPath, FieldViolation, id, required};
use layer_data_core::{
    edits::{Deleted, DeletionInput},
    ports::{Authorizer, Call, LayerStore, Registry},
};

use crate::{
    Api,
    parse::{intent, selection},
    request_key::request_key,
    status::{self, of_layer},
};

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn delete_selected(
        &self,
        call: &Call,
        request: DeleteElementsRequest,
    ) -> Result<DeleteElementsResponse, Failure> {
        let key = request_key(&request.request_id, || DeleteElementsRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let DeleteElementsRequest {
            layer_id,
            selection: wanted,
            maximum: most,
            request_id: _,
            validate_only,
        } = request;
        let layer = id("layer_id", layer_id)?;
        let path = FieldPath::of("selection");
        let input = DeletionInput {
            layer,
            selection: selection(&path, Some(required(path.clone(), wanted)?))?,
            maximum: maximum("maximum".into(), most)?,
            intent: intent(validate_only),
            request: key,
        };
        let deleted = self.data.delete_selected(call, input).await;
        let deleted = deleted.map_err(|error| of_layer(status::deletion(error), layer))?;
        Ok(answer(deleted))
    }
}

/// Parses the greatest number of elements that the caller means.
fn maximum(path: FieldPath, maximum: i32) -> Result<NonZeroU32, FieldViolation> {
    let number = u32::try_from(maximum).ok().and_then(NonZeroU32::new);
    number.ok_or_else(|| path.invalid("is not a positive number"))
}

fn answer(deleted: Deleted) -> DeleteElementsResponse {
    let Deleted { count, revision } = deleted;
    DeleteElementsResponse {
        deleted_count: i64::try_from(count).unwrap_or(i64::MAX),
        data_revision: revision.map_or(0, DataRevision::get),
    }
}
