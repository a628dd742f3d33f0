//! Creating, changing and deleting elements, one by one and in batches.

use jmap_domain::LayerId;
use jmap_proto::layerdata::{
    BatchEditElementsRequest, BatchEditElementsResponse, CreateElementRequest,
    CreateElementResponse, DeleteElementRequest, DeleteElementResponse, Edit, UpdateElementRequest,
    UpdateElementResponse, UpsertElementRequest, UpsertElementResponse, edit::Act,
};
use jmap_wire::{Failure, FieldPath, Violation, id, required};
use layer_data_core::{
    edit::{BatchInput, EditInput, EditMode},
    ports::{Authorizer, Call, LayerStore, Registry},
};

use crate::{
    Api, answer,
    parse::{
        batch_edit, change, each_element_once, edit_mode, expected, intent, new_element,
        upsert_edit,
    },
    request_key::request_key,
    status::{self, of_layer},
};

/// Most edits of a batch, as the contract says. A server may be configured to take fewer.
pub(crate) const MAX_EDITS: usize = 10_000;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn create(
        &self,
        call: &Call,
        request: CreateElementRequest,
    ) -> Result<CreateElementResponse, Failure> {
        let key = request_key(&request.request_id, || CreateElementRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let CreateElementRequest {
            layer_id,
            element,
            request_id: _,
        } = request;
        let (layer, base) = (id("layer_id", layer_id)?, FieldPath::of("element"));
        let element = new_element(&base, required(base.clone(), element)?)?;
        let done = self.data.edit(call, layer, EditInput::Create(element), key);
        let done = done
            .await
            .map_err(|error| of_layer(status::edit(error, &base), layer))?;
        Ok(CreateElementResponse {
            element: Some(answer::edited(done)),
        })
    }

    pub(super) async fn update(
        &self,
        call: &Call,
        request: UpdateElementRequest,
    ) -> Result<UpdateElementResponse, Failure> {
        let key = request_key(&request.request_id, || UpdateElementRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let UpdateElementRequest {
            layer_id,
            element_id,
            expected: belief,
            change: wanted,
            request_id: _,
        } = request;
        let (layer, base) = (id("layer_id", layer_id)?, FieldPath::of("change"));
        let edit = EditInput::Update {
            element: id("element_id", element_id)?,
            expected: expected(&"expected".into(), belief)?,
            change: change(&base, required(base.clone(), wanted)?)?,
        };
        let done = self.data.edit(call, layer, edit, key);
        let done = done
            .await
            .map_err(|error| of_layer(status::edit(error, &base), layer))?;
        Ok(UpdateElementResponse {
            element: Some(answer::edited(done)),
        })
    }

    pub(super) async fn delete(
        &self,
        call: &Call,
        request: DeleteElementRequest,
    ) -> Result<DeleteElementResponse, Failure> {
        let key = request_key(&request.request_id, || DeleteElementRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let DeleteElementRequest {
            layer_id,
            element_id,
            expected: belief,
            request_id: _,
        } = request;
        let layer = id("layer_id", layer_id)?;
        let edit = EditInput::Delete {
            element: id("element_id", element_id)?,
            expected: expected(&"expected".into(), belief)?,
        };
        let done = self.data.edit(call, layer, edit, key).await;
        let done =
            done.map_err(|error| of_layer(status::edit(error, &FieldPath::default()), layer))?;
        Ok(DeleteElementResponse {
            element: Some(answer::edited(done)),
        })
    }

    pub(super) async fn upsert(
        &self,
        call: &Call,
        request: UpsertElementRequest,
    ) -> Result<UpsertElementResponse, Failure> {
        let key = request_key(&request.request_id, || UpsertElementRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let UpsertElementRequest {
            layer_id,
            upsert,
            request_id: _,
        } = request;
        let (layer, base) = (id("layer_id", layer_id)?, FieldPath::of("upsert"));
        let upsert = upsert_edit(&base, required(base.clone(), upsert)?)?;
        let done = self.data.edit(call, layer, EditInput::Upsert(upsert), key);
        let done = done
            .await
            .map_err(|error| of_layer(status::edit(error, &base), layer))?;
        Ok(UpsertElementResponse {
            element: Some(answer::edited(done)),
        })
    }

    pub(super) async fn batch(
        &self,
        call: &Call,
        request: BatchEditElementsRequest,
    ) -> Result<BatchEditElementsResponse, Failure> {
        let key = request_key(&request.request_id, || BatchEditElementsRequest {
            request_id: String::new(),
            ..request.clone()
        })?;
        let BatchEditElementsRequest {
            edits,
            mode,
            request_id: _,
            validate_only,
        } = request;
        let path = FieldPath::of("edits");
        if edits.len() > MAX_EDITS {
            let maximum = MAX_EDITS;
            return Err(path.violates(Violation::TooMany { maximum }).into());
        }
        let bases: Vec<FieldPath> = edits.iter().map(payload).collect();
        let parse = |(index, edit)| batch_edit(&path.item(index), edit);
        let edits = edits.into_iter().enumerate().map(parse);
        let edits: Vec<_> = edits.collect::<Result<_, _>>()?;
        each_element_once(&path, &edits)?;
        let layers = edits.iter().map(|(layer, _)| *layer);
        let bases: Vec<(LayerId, FieldPath)> = layers.zip(bases).collect();
        let batch = BatchInput {
            edits,
            mode: edit_mode("mode", mode, EditMode::Atomic)?,
            intent: intent(validate_only),
            request: key,
        };
        let report = self.data.edit_batch(call, batch).await;
        let report = report.map_err(|error| status::edit(error, &path))?;
        Ok(answer::batch_report(report, &bases))
    }
}

/// The path of what an edit carries, within the edit.
fn payload(edit: &Edit) -> FieldPath {
    match edit.act {
        Some(Act::Create(_)) => FieldPath::of("create"),
        Some(Act::Update(_)) => FieldPath::of("update").field("change"),
        Some(Act::Upsert(_)) => FieldPath::of("upsert"),
        Some(Act::Delete(_)) | None => FieldPath::default(),
    }
}
