//! What is stored, in the model's words.

use std::collections::BTreeMap;

use authorization_core::{
    Snapshot, Timestamp,
    model::{self as core, AccountPolicy, Editing, LayerGrant, LayerState, Placement},
};

use super::{
    model::{Grant, Layer, Life, Project, Site, Stored, User},
    words::layer_id,
};

/// All that there is.
pub(crate) fn stored(snapshot: &Snapshot, clock: Timestamp) -> Stored {
    let groups: Vec<_> = snapshot.groups_after("").collect();
    let members = groups.iter().flat_map(|group| {
        let members = snapshot.members_of(group.id);
        members.map(|user| (group.id.get(), user.get()))
    });
    let globals = snapshot.globals_table().flat_map(|(principal, set)| {
        set.iter()
            .map(move |permission| (principal.get(), permission))
            .collect::<Vec<_>>()
    });
    let projects = snapshot.projects().map(|entry| {
        let (name, position) = (
            entry.project.name.as_str().to_owned(),
            entry.project.position,
        );
        (entry.project.id.get(), Project { name, position })
    });
    let offices = snapshot.projects().flat_map(|entry| {
        let id = entry.project.id.get();
        entry
            .grants
            .iter()
            .map(move |(principal, set)| ((id, principal.get()), set.iter().collect()))
    });
    let ids = || (1..=snapshot.marks().layer).map(layer_id);
    let entries = || ids().filter_map(|id| snapshot.registered_layer(id));
    let grants = entries().flat_map(|entry| {
        let id = entry.layer.id.get();
        entry
            .grants
            .iter()
            .map(move |(principal, row)| ((id, principal.get()), grant(*row)))
    });
    Stored {
        users: users(snapshot),
        groups: groups
            .iter()
            .map(|g| (g.id.get(), g.name.as_str().to_owned()))
            .collect(),
        members: members.collect(),
        globals: globals.collect(),
        projects: projects.collect(),
        offices: offices.collect(),
        layers: entries()
            .map(|entry| (entry.layer.id.get(), layer(&entry.layer, clock)))
            .collect(),
        grants: grants.collect(),
        removed: ids()
            .filter(|id| snapshot.tombstone(*id).is_some())
            .map(i64::from)
            .collect(),
    }
}

fn users(snapshot: &Snapshot) -> BTreeMap<i64, User> {
    let users = snapshot.users_after("").map(|user| {
        let account = User {
            name: user.name.as_str().to_owned(),
            server: user.policy == AccountPolicy::Server,
            enabled: user.is_enabled(),
        };
        (user.id.get(), account)
    });
    users.collect()
}

pub(super) fn grant(row: LayerGrant) -> Grant {
    Grant {
        permissions: row.permissions.iter().collect(),
        own_only: row.own_only,
    }
}

fn layer(layer: &core::Layer, now: Timestamp) -> Layer {
    let site = match layer.placement {
        Placement::Project { project, position } => Site::Project {
            project: project.get(),
            position,
        },
        Placement::Personal { owner } => Site::Personal { owner: owner.get() },
    };
    let life = match layer.state {
        LayerState::Active => Life::Active,
        LayerState::Pending { expires_at } if expires_at <= now => Life::RunOut,
        LayerState::Pending { expires_at: _ } => Life::Reserved,
    };
    Layer {
        name: layer.name.as_str().to_owned(),
        site,
        editing: layer.editing == Editing::Enabled,
        offered_to: layer.offered_to.map(i64::from),
        life,
        by: layer.request.by.get(),
    }
}
