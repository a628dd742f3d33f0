//! `LayerAdministrationService`: names, order, the editing switch and the permission tables of layers
//! (R23, R28, R31, R41, R42, R46, R83).

use std::sync::Arc;

use authorization_core::{
    Refusal, Resource, Snapshot,
    explain::Ineffective,
    layer_permissions::{Amendment, RowEdits, TableEdit, TableError, TableRow},
    model::{Editing, GrantRow, Layer, LayerGrant, Placement},
    ports::{Platform, PolicyStore},
    registry::{LayerUpdate, RegistryError},
};
use jmap_domain::{ConnectionId, LayerId, PermissionSet};
use jmap_proto::{
    authorization::{self as pb, layer_administration_service_server::LayerAdministrationService},
    types,
};
use jmap_wire::{
    FieldPath, FieldViolation, field_mask, id, list, permission_to_proto, permissions_to_proto,
    required,
};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    explain::ineffective_reason,
    page::{Asked, LONG, Page},
    parse, principals,
    status::{Rejection, stale},
};

/// Most layers in one change of tables.
const MAX_CHANGES: usize = 1000;
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
            let layer = result.map_err(|error| self.registry_rejection(error))?;
            let layer = Some(registration(&layer));
            Ok(pb::UpdateLayerRegistrationResponse {
                layer,
                policy_token: self.0.policy_token(),
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
            self.0
                .authority
                .order_layers(&caller, project, &order)
                .await?;
            Ok(pb::ReorderLayersResponse {
                policy_token: self.0.policy_token(),
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
            let snapshot = self.0.authority.snapshot();
            Ok(pb::GetLayerPermissionsResponse {
                rows: table
                    .rows
                    .iter()
                    .map(|row| table_row(&snapshot, *row))
                    .collect(),
                grants_revision: principals::revision(table.revision),
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
            let tables = result.map_err(|error| self.table_rejection(error))?;
            let revisions = tables
                .iter()
                .map(|table| principals::revision(table.revision));
            Ok(pb::UpdateLayerPermissionsResponse {
                grants_revisions: revisions.collect(),
                policy_token: self.0.policy_token(),
            })
        })
        .await
    }
}

impl<S: PolicyStore, P: Platform> LayerAdministrationApi<S, P> {
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

fn registration(layer: &Layer) -> pb::LayerRegistration {
    let (project_id, owner_user_id) = match layer.placement {
        Placement::Project {
            project,
            position: _,
        } => (project.get(), 0),
        Placement::Personal { owner } => (0, owner.get()),
    };
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
                let editing = if editing_enabled {
                    Editing::Enabled
                } else {
                    Editing::Disabled
                };
                update.editing = Some(editing);
            }
        }
    }
    Ok((id(path.field("layer_id"), layer_id)?, update))
}

fn table_row(snapshot: &Snapshot, table_row: TableRow) -> pb::LayerGrantRow {
    let TableRow {
        row,
        ineffective,
        asleep,
    } = table_row;
    let GrantRow {
        principal,
        grant: LayerGrant {
            permissions,
            own_only,
        },
    } = row;
    let (principal, principal_name) = principals::principal(snapshot, principal);
    let ineffective = match ineffective {
        Some(reason) => sleeping(permissions, reason),
        None => sleeping(asleep, Ineffective::EditingDisabled),
    };
    let permissions = permissions_to_proto(permissions);
    let grant = types::LayerGrant {
        principal: Some(principal),
        permissions,
        only_own: own_only,
    };
    pb::LayerGrantRow {
        grant: Some(grant),
        principal_name,
        ineffective,
    }
}

fn sleeping(permissions: PermissionSet, reason: Ineffective) -> Vec<pb::IneffectivePermission> {
    let each = permissions
        .iter()
        .map(|permission| pb::IneffectivePermission {
            permission: permission_to_proto(permission).into(),
            reason: ineffective_reason(Some(reason)).into(),
        });
    each.collect()
}

fn parse_edits(changes: Vec<pb::LayerPermissionsChange>) -> Result<Vec<TableEdit>, FieldViolation> {
    list(&"changes".into(), changes, MAX_CHANGES, parse_edit)
}

fn parse_edit(
    path: &FieldPath,
    change: pb::LayerPermissionsChange,
) -> Result<TableEdit, FieldViolation> {
    let pb::LayerPermissionsChange {
        layer_id,
        grants_revision,
        change,
    } = change;
    Ok(TableEdit {
        layer: id(path.field("layer_id"), layer_id)?,
        expected: parse::expected(path.field("grants_revision"), grants_revision)?,
        rows: match required(path.field("change"), change)? {
            pb::layer_permissions_change::Change::Replace(pb::LayerGrants { grants }) => {
                let path = path.field("replace").field("grants");
                RowEdits::Replace(parse::grants(&path, grants)?)
            }
            pb::layer_permissions_change::Change::Delta(delta) => {
                RowEdits::Amend(parse_delta(&path.field("delta"), delta)?)
            }
        },
    })
}

/// A principal may gain and lose in one difference, but no permission both; one that is named twice on one side is
/// left to the core to refuse.
fn parse_delta(
    path: &FieldPath,
    delta: pb::LayerGrantsDelta,
) -> Result<Vec<Amendment>, FieldViolation> {
    let pb::LayerGrantsDelta { add, remove } = delta;
    let added = parse::grants(&path.field("add"), add)?
        .into_iter()
        .map(|row| Amendment {
            principal: row.principal,
            add: row.grant.permissions,
            remove: PermissionSet::EMPTY,
            own_only: Some(row.grant.own_only),
        });
    let mut amendments: Vec<Amendment> = added.collect();
    let path = path.field("remove");
    for (index, row) in parse::grants(&path, remove)?.into_iter().enumerate() {
        let GrantRow {
            principal,
            grant:
                LayerGrant {
                    permissions: remove,
                    own_only: _stays,
                },
        } = row;
        let both = |one: &&mut Amendment| one.principal == principal && one.remove.is_empty();
        match amendments.iter_mut().find(both) {
            Some(one) if !one.add.intersection(remove).is_empty() => {
                return Err(path.item(index).invalid("a permission is added as well"));
            }
            Some(one) => one.remove = remove,
            None => {
                let add = PermissionSet::EMPTY;
                amendments.push(Amendment {
                    principal,
                    add,
                    remove,
                    own_only: None,
                });
            }
        }
    }
    Ok(amendments)
}
