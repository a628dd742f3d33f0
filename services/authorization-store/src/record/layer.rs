//! Registrations of layers, their permission tables, and tombstones.

use authorization_core::{
    Timestamp,
    model::{
        CreationRequest, Editing, GrantRow, Layer, LayerGrant, LayerState, Placement, RequestId,
        Tombstone,
    },
};
use jmap_domain::{ConnectionId, LayerId, Name, PermissionSet, PrincipalId, ProjectId, UserId};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;

use super::{Unreadable, bits, bytes, revision, revision_to_row};

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct LayerRow {
    pub(crate) layer_id: i64,
    pub(crate) name: String,
    pub(crate) project_id: Option<i64>,
    pub(crate) position: Option<i64>,
    pub(crate) owner_id: Option<i64>,
    pub(crate) editing: bool,
    pub(crate) connection_id: Option<i64>,
    pub(crate) pending_until: Option<i64>,
    pub(crate) request_by: i64,
    pub(crate) request_id: Vec<u8>,
    pub(crate) request_fingerprint: Vec<u8>,
    pub(crate) revision: i64,
    /// History from before layers were offered has no such field.
    #[serde(default)]
    pub(crate) offered_to: Option<i64>,
}

impl From<&Layer> for LayerRow {
    fn from(layer: &Layer) -> Self {
        let Layer {
            id,
            name,
            placement,
            editing,
            offered_to,
            reference,
            state,
            request,
            revision,
        } = layer;
        let (project_id, position, owner_id) = match placement {
            Placement::Project { project, position } => {
                (Some(project.get()), Some((*position).into()), None)
            }
            Placement::Personal { owner } => (None, None, Some(owner.get())),
        };
        Self {
            layer_id: id.get(),
            name: name.as_str().to_owned(),
            project_id,
            position,
            owner_id,
            editing: match editing {
                Editing::Enabled => true,
                Editing::Disabled => false,
            },
            connection_id: reference.map(ConnectionId::get),
            pending_until: match state {
                LayerState::Pending { expires_at } => Some(expires_at.as_millis()),
                LayerState::Active => None,
            },
            request_by: request.by.get(),
            request_id: request.id.0.to_vec(),
            request_fingerprint: request.fingerprint.to_vec(),
            revision: revision_to_row(*revision),
            offered_to: offered_to.map(UserId::get),
        }
    }
}

impl TryFrom<LayerRow> for Layer {
    type Error = Unreadable;

    fn try_from(row: LayerRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: LayerId::new(row.layer_id)?,
            name: Name::parse(&row.name)?,
            placement: placement(&row)?,
            editing: if row.editing {
                Editing::Enabled
            } else {
                Editing::Disabled
            },
            offered_to: offered_to(&row)?,
            reference: row.connection_id.map(ConnectionId::new).transpose()?,
            state: row
                .pending_until
                .map_or(LayerState::Active, |until| LayerState::Pending {
                    expires_at: Timestamp::from_millis(until),
                }),
            request: request(&row)?,
            revision: revision(row.revision)?,
        })
    }
}

fn placement(row: &LayerRow) -> Result<Placement, Unreadable> {
    match (row.project_id, row.position, row.owner_id) {
        (Some(project), Some(position), None) => Ok(Placement::Project {
            project: ProjectId::new(project)?,
            position: u32::try_from(position)?,
        }),
        (None, None, Some(owner)) => Ok(Placement::Personal {
            owner: UserId::new(owner)?,
        }),
        _ => Err(Unreadable::Contradiction),
    }
}

/// What is in a project is offered to nobody.
fn offered_to(row: &LayerRow) -> Result<Option<UserId>, Unreadable> {
    match (row.offered_to, row.owner_id) {
        (None, _) => Ok(None),
        (Some(user), Some(_)) => Ok(Some(UserId::new(user)?)),
        (Some(_), None) => Err(Unreadable::Contradiction),
    }
}

fn request(row: &LayerRow) -> Result<CreationRequest, Unreadable> {
    Ok(CreationRequest {
        by: UserId::new(row.request_by)?,
        id: RequestId(bytes(&row.request_id)?),
        fingerprint: bytes(&row.request_fingerprint)?,
    })
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct LayerGrantRow {
    pub(crate) principal_id: i64,
    pub(crate) permissions: i64,
    pub(crate) own_only: bool,
}

impl From<&GrantRow> for LayerGrantRow {
    fn from(row: &GrantRow) -> Self {
        let GrantRow {
            principal,
            grant: LayerGrant {
                permissions,
                own_only,
            },
        } = row;
        Self {
            principal_id: principal.get(),
            permissions: permissions.bits().into(),
            own_only: *own_only,
        }
    }
}

impl TryFrom<LayerGrantRow> for GrantRow {
    type Error = Unreadable;

    fn try_from(row: LayerGrantRow) -> Result<Self, Unreadable> {
        let permissions = bits(row.permissions, PermissionSet::from_bits)?;
        Ok(Self {
            principal: PrincipalId::new(row.principal_id)?,
            grant: LayerGrant {
                permissions,
                own_only: row.own_only,
            },
        })
    }
}

#[derive(Debug, Serialize, Deserialize, FromRow)]
pub(crate) struct TombstoneRow {
    pub(crate) layer_id: i64,
    pub(crate) deleted_at: i64,
    pub(crate) deleted_by: Option<i64>,
    pub(crate) revision: i64,
    pub(crate) confirmed: bool,
}

impl From<&Tombstone> for TombstoneRow {
    fn from(tombstone: &Tombstone) -> Self {
        let Tombstone {
            layer,
            at,
            by,
            revision,
            confirmed,
        } = tombstone;
        Self {
            layer_id: layer.get(),
            deleted_at: at.as_millis(),
            deleted_by: by.map(UserId::get),
            revision: revision_to_row(*revision),
            confirmed: *confirmed,
        }
    }
}

impl TryFrom<TombstoneRow> for Tombstone {
    type Error = Unreadable;

    fn try_from(row: TombstoneRow) -> Result<Self, Unreadable> {
        Ok(Self {
            layer: LayerId::new(row.layer_id)?,
            at: Timestamp::from_millis(row.deleted_at),
            by: row.deleted_by.map(UserId::new).transpose()?,
            revision: revision(row.revision)?,
            confirmed: row.confirmed,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_from_before_layers_were_offered_is_read() {
        let content = serde_json::json!({
            "layer_id": 7, "name": "walks", "project_id": null, "position": null, "owner_id": 5,
            "editing": true, "connection_id": null, "pending_until": null, "request_by": 5,
            "request_id": vec![0; 16], "request_fingerprint": vec![0; 32], "revision": 3,
        });
        let row: LayerRow = serde_json::from_value(content).unwrap();
        let layer = Layer::try_from(row).unwrap();
        assert_eq!(layer.offered_to, None);
    }

    #[test]
    fn a_layer_of_a_project_that_is_offered_is_no_layer() {
        let content = serde_json::json!({
            "layer_id": 7, "name": "walks", "project_id": 1, "position": 0, "owner_id": null,
            "editing": true, "connection_id": null, "pending_until": null, "request_by": 5,
            "request_id": vec![0; 16], "request_fingerprint": vec![0; 32], "revision": 3,
            "offered_to": 6,
        });
        let row: LayerRow = serde_json::from_value(content).unwrap();
        assert!(matches!(
            Layer::try_from(row),
            Err(Unreadable::Contradiction)
        ));
    }
}
