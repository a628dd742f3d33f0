//! Changes of the policy in the words of the contract: the one vocabulary of watching and of the audit record.
//!
//! Records are taken apart field by field, so that one added to the core is shown here or does not compile.
//! Secrets are not part of them.

use authorization_core::{
    change::{Author, ChangeSet, PolicyChange},
    model::{
        CreationRequest, GlobalSet, GrantRow, Layer, LayerGrant, LayerState, Project,
        ProjectGrantRow, Tombstone,
    },
};
use jmap_domain::{
    Epoch, GroupId, LayerId, PolicyToken, PrincipalId, ProjectId, ServiceId, UserId,
};
use jmap_proto::authorization::{self as pb, policy_author, policy_change::Change};
use jmap_wire::{format_policy_token, global_permission_to_proto, permissions_to_proto, timestamp};

use crate::{
    directory::services::service_account_to_proto, layer_administration::registration, principals,
    project::request::permission_to_proto,
};

/// A set of changes as it was committed, in the life of the database that an epoch names.
pub(crate) fn change_set_to_proto(epoch: Epoch, set: &ChangeSet) -> pb::PolicyChangeSet {
    let ChangeSet {
        revision,
        at,
        by,
        changes,
        marks: _internal,
        secrets: _told_nobody,
        note: _of_the_record,
    } = set;
    let token = PolicyToken {
        epoch,
        revision: *revision,
    };
    pb::PolicyChangeSet {
        policy_token: format_policy_token(token),
        revision: principals::revision(*revision),
        time: Some(timestamp(at.as_millis())),
        author: Some(author_to_proto(*by)),
        changes: changes.iter().map(change_to_proto).collect(),
    }
}

/// Who made a change.
pub(crate) fn author_to_proto(author: Author) -> pb::PolicyAuthor {
    let author = match author {
        Author::System => policy_author::Author::System(pb::SystemAuthor {}),
        Author::User { user, session, via } => policy_author::Author::User(pb::UserAuthor {
            user_id: user.get(),
            session_id: session.get(),
            via_service_id: via.map_or(0, ServiceId::get),
        }),
        Author::Service { service, session } => policy_author::Author::Service(pb::ServiceAuthor {
            service_id: service.get(),
            session_id: session.get(),
        }),
    };
    pb::PolicyAuthor {
        author: Some(author),
    }
}

/// One change.
pub(crate) fn change_to_proto(change: &PolicyChange) -> pb::PolicyChange {
    let change = match change {
        PolicyChange::UserPut(user) => Change::User(principals::user(user)),
        PolicyChange::PasswordSet(user) => Change::PasswordSet(pb::PasswordSet {
            user_id: user.get(),
        }),
        PolicyChange::UserDeleted(user) => Change::UserDeleted(pb::UserDeleted {
            user_id: user.get(),
        }),
        PolicyChange::GroupPut(group) => Change::Group(principals::group(group)),
        PolicyChange::GroupDeleted(group) => Change::GroupDeleted(pb::GroupDeleted {
            group_id: group.get(),
        }),
        PolicyChange::MemberAdded(group, user) => Change::MemberAdded(joined(*group, *user)),
        PolicyChange::FederatedMemberAdded(group, user) => Change::MemberAdded(pb::MemberAdded {
            federated: true,
            ..joined(*group, *user)
        }),
        PolicyChange::MemberRemoved(group, user) => Change::MemberRemoved(left(*group, *user)),
        PolicyChange::GlobalsSet(principal, set) => {
            Change::GlobalPermissionsSet(globals_set(*principal, *set))
        }
        PolicyChange::ServicePut(service) => {
            Change::ServiceAccount(service_account_to_proto(service))
        }
        PolicyChange::ServiceKeySet(service) => Change::ServiceKeySet(pb::ServiceKeySet {
            service_id: service.get(),
        }),
        PolicyChange::ServiceDeleted(service) => {
            Change::ServiceAccountDeleted(pb::ServiceAccountDeleted {
                service_id: service.get(),
            })
        }
        PolicyChange::ProjectPut(project) => Change::Project(project_state(project)),
        PolicyChange::ProjectDeleted(project) => Change::ProjectDeleted(pb::ProjectDeleted {
            project_id: project.get(),
        }),
        PolicyChange::ProjectGrantsSet {
            project,
            revision: _of_the_set,
            rows,
        } => Change::ProjectGrantsSet(project_grants(*project, rows)),
        PolicyChange::LayerPut(layer) => Change::Layer(layer_state(layer)),
        PolicyChange::LayerGrantsSet {
            layer,
            revision: _of_the_set,
            rows,
        } => Change::LayerGrantsSet(layer_grants(*layer, rows)),
        PolicyChange::TombstonePut(tombstone) => Change::LayerRemoved(removed(*tombstone)),
    };
    pb::PolicyChange {
        change: Some(change),
    }
}

const fn joined(group: GroupId, user: UserId) -> pb::MemberAdded {
    pb::MemberAdded {
        group_id: group.get(),
        user_id: user.get(),
        federated: false,
    }
}

const fn left(group: GroupId, user: UserId) -> pb::MemberRemoved {
    pb::MemberRemoved {
        group_id: group.get(),
        user_id: user.get(),
    }
}

fn globals_set(principal: PrincipalId, set: GlobalSet) -> pb::GlobalPermissionsSet {
    let permissions = set.iter().map(|one| global_permission_to_proto(one).into());
    pb::GlobalPermissionsSet {
        principal_id: principal.get(),
        permissions: permissions.collect(),
    }
}

fn project_state(project: &Project) -> pb::ProjectState {
    let Project {
        id,
        name,
        description,
        position,
        revision,
    } = project;
    pb::ProjectState {
        project: Some(pb::Project {
            project_id: id.get(),
            name: name.to_string(),
            description: description.as_str().to_owned(),
            revision: principals::revision(*revision),
            permissions: Vec::new(),
        }),
        position: (*position).into(),
    }
}

fn project_grants(project: ProjectId, rows: &[ProjectGrantRow]) -> pb::ProjectGrantsSet {
    let rows = rows.iter().map(|ProjectGrantRow { principal, rights }| {
        let permissions = rights.iter().map(|act| permission_to_proto(act).into());
        pb::ProjectGrantState {
            principal_id: principal.get(),
            permissions: permissions.collect(),
        }
    });
    pb::ProjectGrantsSet {
        project_id: project.get(),
        rows: rows.collect(),
    }
}

fn layer_state(layer: &Layer) -> pb::LayerState {
    let Layer {
        id: _,
        name: _,
        placement: _,
        editing: _,
        offered_to,
        reference: _,
        state,
        request:
            CreationRequest {
                by,
                id: _its_makers_own,
                fingerprint: _internal,
            },
        revision: _,
    } = layer;
    let pending_until = match state {
        LayerState::Pending { expires_at } => Some(timestamp(expires_at.as_millis())),
        LayerState::Active => None,
    };
    pb::LayerState {
        layer: Some(registration(layer)),
        position: layer.position().unwrap_or_default().into(),
        pending_until,
        created_by_user_id: by.get(),
        offered_to_user_id: offered_to.map_or(0, UserId::get),
    }
}

fn layer_grants(layer: LayerId, rows: &[GrantRow]) -> pb::LayerGrantsSet {
    let rows = rows.iter().map(|GrantRow { principal, grant }| {
        let LayerGrant {
            permissions,
            own_only,
        } = grant;
        pb::LayerGrantState {
            principal_id: principal.get(),
            permissions: permissions_to_proto(*permissions),
            only_own: *own_only,
        }
    });
    pb::LayerGrantsSet {
        layer_id: layer.get(),
        rows: rows.collect(),
    }
}

fn removed(tombstone: Tombstone) -> pb::LayerRemoved {
    let Tombstone {
        layer,
        at,
        by,
        revision: _of_the_set,
        confirmed,
    } = tombstone;
    pb::LayerRemoved {
        layer_id: layer.get(),
        time: Some(timestamp(at.as_millis())),
        removed_by_user_id: by.map_or(0, UserId::get),
        confirmed,
    }
}
