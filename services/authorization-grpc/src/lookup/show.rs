//! What lookups and reports find, in the words of the contract; and places in their lists, as bytes.

use authorization_core::{
    Snapshot,
    lookup::{FoundLayer, FoundSubject, Held, Holding, LayerPlace, ReportPlace, WhatIf},
    model::Layer,
};
use jmap_domain::{ActorId, LayerId, Permission, PermissionSet, ProjectId};
use jmap_proto::authorization::{self as pb, report_entry};
use jmap_wire::{decision_to_proto, global_permission_to_proto, permissions_to_proto};

use crate::{
    explain,
    layer_administration::{home, table::sleeping},
    principals,
    project::request::permission_to_proto,
};

pub(super) fn usable(found: &FoundLayer) -> pb::UsableLayer {
    let FoundLayer { layer, decision } = found;
    let (project_id, owner_user_id) = home(layer);
    pb::UsableLayer {
        layer_id: layer.id.get(),
        name: layer.name.to_string(),
        project_id,
        owner_user_id,
        decision: Some(decision_to_proto(*decision)),
    }
}

pub(super) fn allowed(snapshot: &Snapshot, found: &FoundSubject) -> pb::AllowedSubject {
    let FoundSubject { user, explanation } = found;
    pb::AllowedSubject {
        user_id: user.id.get(),
        name: user.name.to_string(),
        decision: Some(decision_to_proto(explanation.decision)),
        grants: explain::grants(snapshot, Some(user.id.into()), explanation),
    }
}

pub(super) fn supposed(
    snapshot: &Snapshot,
    account: Option<ActorId>,
    answer: &WhatIf,
) -> pb::SupposedAnswer {
    let WhatIf { now, then } = answer;
    pb::SupposedAnswer {
        now: Some(decision_to_proto(*now)),
        then: Some(decision_to_proto(then.decision)),
        grants: explain::grants(snapshot, account, then),
        missing: explain::missing(then),
    }
}

pub(super) fn entry(snapshot: &Snapshot, holding: &Holding) -> pb::ReportEntry {
    let Holding { path, holder, held } = holding;
    let (holder, holder_name) = principals::principal(snapshot, *holder);
    pb::ReportEntry {
        path: explain::path_to_proto(*path).into(),
        holder: Some(holder),
        holder_name,
        held: Some(held_to_proto(held)),
    }
}

fn held_to_proto(held: &Held) -> report_entry::Held {
    match held {
        Held::Globals(set) => {
            let permissions = set.iter().map(|one| global_permission_to_proto(one).into());
            report_entry::Held::Globals(pb::HeldGlobalPermissions {
                permissions: permissions.collect(),
            })
        }
        Held::Project(project, rights) => {
            let permissions = rights.iter().map(|act| permission_to_proto(act).into());
            report_entry::Held::Project(pb::HeldProjectPermissions {
                project_id: project.id.get(),
                name: project.name.to_string(),
                permissions: permissions.collect(),
            })
        }
        Held::Layer(layer, grant, ineffective) => {
            report_entry::Held::Layer(pb::HeldLayerPermissions {
                permissions: permissions_to_proto(grant.permissions),
                only_own: grant.own_only,
                ineffective: sleeping(ineffective),
                ..on_layer(layer)
            })
        }
        Held::Owned(layer, ineffective) => {
            let all: PermissionSet = Permission::ALL.into_iter().collect();
            report_entry::Held::Layer(pb::HeldLayerPermissions {
                permissions: permissions_to_proto(all),
                ineffective: sleeping(ineffective),
                ..on_layer(layer)
            })
        }
    }
}

/// What is held on a layer, without the permissions.
fn on_layer(layer: &Layer) -> pb::HeldLayerPermissions {
    let (project_id, owner_user_id) = home(layer);
    pb::HeldLayerPermissions {
        layer_id: layer.id.get(),
        name: layer.name.to_string(),
        project_id,
        owner_user_id,
        ..Default::default()
    }
}

/// A layer's place: its project, 0 for a personal layer, and its id.
pub(super) fn layer_place_to_bytes(place: LayerPlace) -> Vec<u8> {
    let project = place.project.map_or(0, ProjectId::get);
    [project.to_be_bytes(), place.layer.get().to_be_bytes()].concat()
}

/// A place from bytes that were sealed.
pub(super) fn layer_place(bytes: &[u8]) -> Option<LayerPlace> {
    let (project, layer) = bytes.split_first_chunk()?;
    Some(LayerPlace {
        project: ProjectId::new(i64::from_be_bytes(*project)).ok(),
        layer: LayerId::new(i64::from_be_bytes(layer.try_into().ok()?)).ok()?,
    })
}

/// A resource's place: its kind and its id.
pub(super) fn report_place_to_bytes(place: ReportPlace) -> Vec<u8> {
    let (kind, id) = match place {
        ReportPlace::Globals => (0, 0),
        ReportPlace::Project(project) => (1, project.get()),
        ReportPlace::Layer(layer) => (2, layer.get()),
    };
    [&[kind], &id.to_be_bytes()[..]].concat()
}

/// A place from bytes that were sealed.
pub(super) fn report_place(bytes: &[u8]) -> Option<ReportPlace> {
    let (kind, id) = bytes.split_first()?;
    let id = i64::from_be_bytes(id.try_into().ok()?);
    match kind {
        0 => Some(ReportPlace::Globals),
        1 => ProjectId::new(id).ok().map(ReportPlace::Project),
        _ => LayerId::new(id).ok().map(ReportPlace::Layer),
    }
}
