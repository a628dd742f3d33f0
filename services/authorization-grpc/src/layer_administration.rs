//! `LayerAdministrationService`: names, order, the editing switch and the permission tables of layers
//! (R23, R28, R31, R41, R42, R46, R83).

pub(crate) mod table;

use std::{collections::BTreeSet, sync::Arc};

use authorization_core::{
    Refusal, Resource,
    layer_permissions::{CandidatesWanted, LayerTable, Search, TableError},
    model::{Editing, Layer, Placement},
    ports::{Platform, PolicyStore},
    registry::{LayerUpdate, RegistryError},
};
use jmap_domain::{ConnectionId, LayerId};
use jmap_proto::authorization::{
    self as pb, layer_administration_service_server::LayerAdministrationService,
};
use jmap_wire::{
    FieldPath, FieldViolation, Violation, field_mask, format_policy_token, id, required,
};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    page::{Asked, LONG, Page, SHORT},
    parse, principals,
    status::{Rejection, stale},
};
use table::{candidate, parse_edits, place_from_bytes, place_to_bytes, table_row};

/// Most tables in one answer.
const MAX_TABLES: usize = 1000;
/// Longest text to search for, in characters.
const MAX_SEARCH: usize = 200;
/// Most layers in one order.
const MAX_LAYERS: usize = 10_000;

#[derive(Debug)]
pub(crate) struct LayerAdministrationApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> LayerAdministrationService for LayerAdministrationApi<S, P> {
    async fn list_layer_registrations(
        &self,
        request: Request<pb::ListLayerRegistrationsRequest>,
    ) -> Result<Response<pb::ListLayerRegistrationsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListLayerRegistrationsRequest {
                project_id,
                page_size,
                page_token,
            } = message;
            let project = id("project_id", project_id)?;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let query = format!("registrations {project}");
            let page = Page::parse(&self.0.pages, query, asked, LONG)?;
            let layers = self
                .0
                .authority
                .list_administered_layers(&caller, project)?;
            let (layers, next_page_token) = page.take(layers, |layer| place(layer));
            let layers = layers.iter().map(|layer| registration(layer)).collect();
            Ok(pb::ListLayerRegistrationsResponse {
                layers,
                next_page_token,
            })
        })
        .await
    }

    async fn update_layer_registration(
        &self,
        request: Request<pb::UpdateLayerRegistrationRequest>,
    ) -> Result<Response<pb::UpdateLayerRegistrationResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let (layer, update) = parse_update(message)?;
            let result = self.0.authority.update_layer(&caller, layer, update).await;
            let made = result.map_err(|error| self.registry_rejection(error))?;
            let layer = Some(registration(&made.value));
            Ok(pb::UpdateLayerRegistrationResponse {
                layer,
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn reorder_layers(
        &self,
        request: Request<pb::ReorderLayersRequest>,
    ) -> Result<Response<pb::ReorderLayersResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ReorderLayersRequest {
                project_id,
                layer_ids,
            } = message;
            let project = id("project_id", project_id)?;
            let order: Vec<LayerId> = parse::ids(&"layer_ids".into(), &layer_ids, MAX_LAYERS)?;
            let made = self
                .0
                .authority
                .order_layers(&caller, project, &order)
                .await?;
            Ok(pb::ReorderLayersResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn get_layer_permissions(
        &self,
        request: Request<pb::GetLayerPermissionsRequest>,
    ) -> Result<Response<pb::GetLayerPermissionsResponse>, Status> {
        answer(async {
            let (caller, pb::GetLayerPermissionsRequest { layer_id }) = receive(request)?;
            let table = self
                .0
                .authority
                .layer_table(&caller, id("layer_id", layer_id)?)?;
            let pb::LayerPermissionTable {
                layer_id: _asked_for,
                rows,
                grants_revision,
            } = self.show_table(&table);
            Ok(pb::GetLayerPermissionsResponse {
                rows,
                grants_revision,
            })
        })
        .await
    }

    async fn batch_get_layer_permissions(
        &self,
        request: Request<pb::BatchGetLayerPermissionsRequest>,
    ) -> Result<Response<pb::BatchGetLayerPermissionsResponse>, Status> {
        answer(async {
            let (caller, pb::BatchGetLayerPermissionsRequest { layer_ids }) = receive(request)?;
            let layers = parse_layers(&layer_ids)?;
            let (tables, token) = self.0.authority.layer_tables(&caller, &layers)?;
            Ok(pb::BatchGetLayerPermissionsResponse {
                tables: tables.iter().map(|table| self.show_table(table)).collect(),
                policy_token: format_policy_token(token),
            })
        })
        .await
    }

    async fn list_grant_candidates(
        &self,
        request: Request<pb::ListGrantCandidatesRequest>,
    ) -> Result<Response<pb::ListGrantCandidatesResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListGrantCandidatesRequest {
                layer_id,
                search,
                page_size,
                page_token,
            } = message;
            let layer = id("layer_id", layer_id)?;
            if search.chars().count() > MAX_SEARCH {
                let path = FieldPath::of("search");
                return Err(path.invalid("is longer than 200 characters").into());
            }
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let query = format!("candidates {layer} {search}");
            let page = Page::parse(&self.0.pages, query, asked, SHORT)?;
            let wanted = CandidatesWanted {
                layer,
                search: Search::of(&search),
                after: place_from_bytes(&page.after),
                limit: page.size + 1,
            };
            let found = self.0.authority.grant_candidates(&caller, &wanted)?;
            let (found, next_page_token) = page.cut(found, |one| place_to_bytes(&one.place));
            let snapshot = self.0.authority.snapshot();
            let candidates = found.iter().map(|one| candidate(&snapshot, one)).collect();
            Ok(pb::ListGrantCandidatesResponse {
                candidates,
                next_page_token,
            })
        })
        .await
    }

    async fn update_layer_permissions(
        &self,
        request: Request<pb::UpdateLayerPermissionsRequest>,
    ) -> Result<Response<pb::UpdateLayerPermissionsResponse>, Status> {
        answer(async {
            let (caller, pb::UpdateLayerPermissionsRequest { changes }) = receive(request)?;
            let edits = parse_edits(changes)?;
            let result = self.0.authority.edit_layer_tables(&caller, edits).await;
            let made = result.map_err(|error| self.table_rejection(error))?;
            let tables = made.value.iter();
            let revisions = tables.map(|table| principals::revision(table.revision));
            Ok(pb::UpdateLayerPermissionsResponse {
                grants_revisions: revisions.collect(),
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }
}

impl<S: PolicyStore, P: Platform> LayerAdministrationApi<S, P> {
    fn show_table(&self, table: &LayerTable) -> pb::LayerPermissionTable {
        let snapshot = self.0.authority.snapshot();
        let rows = table.rows.iter().map(|row| table_row(&snapshot, *row));
        pb::LayerPermissionTable {
            layer_id: table.layer.id.get(),
            rows: rows.collect(),
            grants_revision: principals::revision(table.revision),
        }
    }

    fn registry_rejection(&self, error: RegistryError) -> Rejection {
        let RegistryError::Refused(Refusal::Stale(Resource::Layer(layer))) = error else {
            return error.into();
        };
        let snapshot = self.0.authority.snapshot();
        match snapshot.layer(layer) {
            Some(entry) => stale(error.to_string(), entry.layer.revision).into(),
            None => error.into(),
        }
    }

    fn table_rejection(&self, error: TableError) -> Rejection {
        let TableError::Refused(Refusal::Stale(Resource::Layer(layer))) = error else {
            return error.into();
        };
        let snapshot = self.0.authority.snapshot();
        match snapshot.layer(layer) {
            Some(entry) => stale(error.to_string(), entry.grants_revision)
                .fact("layer_id", layer.to_string())
                .into(),
            None => error.into(),
        }
    }
}

/// A layer's place in the administrator's order.
fn place(layer: &Layer) -> Vec<u8> {
    let position = layer.position().unwrap_or_default();
    [&position.to_be_bytes()[..], &layer.id.get().to_be_bytes()].concat()
}

/// The project of a layer, or the owner of a personal one; the other is 0.
pub(crate) const fn home(layer: &Layer) -> (i64, i64) {
    match layer.placement {
        Placement::Project {
            project,
            position: _,
        } => (project.get(), 0),
        Placement::Personal { owner } => (0, owner.get()),
    }
}

/// A registration of the contract.
pub(crate) fn registration(layer: &Layer) -> pb::LayerRegistration {
    let (project_id, owner_user_id) = home(layer);
    pb::LayerRegistration {
        layer_id: layer.id.get(),
        name: layer.name.to_string(),
        project_id,
        owner_user_id,
        connection_id: layer.reference.map_or(0, ConnectionId::get),
        editing_enabled: layer.editing == Editing::Enabled,
        revision: principals::revision(layer.revision),
    }
}

/// Layers, at least one and each once.
fn parse_layers(layer_ids: &[i64]) -> Result<Vec<LayerId>, FieldViolation> {
    let path = FieldPath::of("layer_ids");
    if layer_ids.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    let layers: Vec<LayerId> = parse::ids(&path, layer_ids, MAX_TABLES)?;
    let mut seen = BTreeSet::new();
    match layers.iter().position(|layer| !seen.insert(*layer)) {
        Some(index) => Err(path.item(index).invalid("is named twice")),
        None => Ok(layers),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Field {
    Name,
    EditingEnabled,
}

const FIELDS: [(&str, Field); 2] = [
    ("name", Field::Name),
    ("editing_enabled", Field::EditingEnabled),
];

fn parse_update(
    message: pb::UpdateLayerRegistrationRequest,
) -> Result<(LayerId, LayerUpdate), FieldViolation> {
    let pb::UpdateLayerRegistrationRequest { layer, update_mask } = message;
    let path = FieldPath::of("layer");
    let pb::LayerRegistration {
        layer_id,
        name,
        editing_enabled,
        revision,
        project_id: _output_only,
        owner_user_id: _output_only_too,
        connection_id: _and_this,
    } = required(path.clone(), layer)?;
    let expected = parse::expected(path.field("revision"), revision)?;
    let mut update = LayerUpdate {
        expected,
        name: None,
        editing: None,
    };
    for field in field_mask(update_mask, &FIELDS)? {
        match field {
            Field::Name => update.name = Some(parse::name(path.field("name"), &name)?),
            Field::EditingEnabled => {
                let editing = parse::editing(editing_enabled);
                update.editing = Some(editing);
            }
        }
    }
    Ok((id(path.field("layer_id"), layer_id)?, update))
}
