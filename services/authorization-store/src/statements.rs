//! What each change writes: an exhaustive match from changes to statements.

use authorization_core::{
    change::{ChangeSet, PolicyChange},
    model::{
        GrantRow, Group, Layer, LayerGrant, Project, ProjectGrantRow, Service, Tombstone, User,
    },
    secret::SecretChange,
};
use jmap_domain::{GroupId, LayerId, PolicyRevision, PrincipalId, ProjectId, UserId};
use secrecy::ExposeSecret;

use crate::{
    record::{
        ChangeRecord, ChangeSetRow, GlobalRow, GroupRow, LayerGrantRow, LayerRow, MemberRow,
        ProjectRow, ServiceRow, TombstoneRow, UserRow, revision_to_row,
    },
    sql,
    statement::{Statement, statement},
};

/// The statements that bring the tables from the state before the change to the state after it.
pub(crate) fn of_change(change: &PolicyChange) -> Vec<Statement> {
    match change {
        PolicyChange::UserPut(user) => put_user(user),
        PolicyChange::UserDeleted(user) => delete_principal((*user).into()),
        PolicyChange::GroupPut(group) => put_group(group),
        PolicyChange::GroupDeleted(group) => delete_principal((*group).into()),
        PolicyChange::MemberAdded(group, user) => {
            vec![add_member(*group, *user).bind(false)]
        }
        PolicyChange::FederatedMemberAdded(group, user) => {
            vec![add_member(*group, *user).bind(true)]
        }
        PolicyChange::MemberRemoved(group, user) => {
            let MemberRow { group_id, user_id } = (*group, *user).into();
            vec![
                statement(sql!("group/remove_member"))
                    .bind(group_id)
                    .bind(user_id),
            ]
        }
        PolicyChange::GlobalsSet(principal, set) => {
            let GlobalRow {
                principal_id,
                permissions,
            } = (*principal, *set).into();
            vec![if set.is_empty() {
                statement(sql!("global/delete")).bind(principal_id)
            } else {
                statement(sql!("global/put"))
                    .bind(principal_id)
                    .bind(permissions)
            }]
        }
        PolicyChange::ServicePut(service) => put_service(service),
        PolicyChange::ServiceDeleted(service) => {
            vec![statement(sql!("service/delete")).bind(service.get())]
        }
        PolicyChange::ProjectPut(project) => put_project(project),
        PolicyChange::ProjectDeleted(project) => {
            vec![statement(sql!("project/delete")).bind(project.get())]
        }
        PolicyChange::ProjectGrantsSet {
            project,
            revision,
            rows,
        } => set_project_grants(*project, *revision, rows),
        PolicyChange::LayerPut(layer) => put_layer(layer),
        PolicyChange::LayerGrantsSet {
            layer,
            revision,
            rows,
        } => set_layer_grants(*layer, *revision, rows),
        PolicyChange::TombstonePut(tombstone) => put_tombstone(tombstone),
        // The secrets come with the set, apart from its changes.
        PolicyChange::PasswordSet(_) | PolicyChange::ServiceKeySet(_) => Vec::new(),
    }
}

/// The statement that keeps a secret.
pub(crate) fn of_secret(secret: &SecretChange) -> Statement {
    match secret {
        SecretChange::Password { user, hash } => {
            let phc = hash.0.expose_secret().to_owned();
            statement(sql!("user/put_password"))
                .bind(user.get())
                .bind(phc)
        }
        SecretChange::ServiceKey { service, hash } => statement(sql!("service/put_key"))
            .bind(service.get())
            .bind(hash.0.to_vec()),
    }
}

/// The statements that record a set as history.
pub(crate) fn of_history(set: &ChangeSet) -> Result<Vec<Statement>, serde_json::Error> {
    let row = ChangeSetRow::from(set);
    let revision = row.revision;
    let mut statements = vec![
        statement(sql!("history/put_set"))
            .bind(row.revision)
            .bind(row.decided_at)
            .bind(row.author_user)
            .bind(row.author_session)
            .bind(row.author_service)
            .bind(row.principal_mark)
            .bind(row.project_mark)
            .bind(row.layer_mark)
            .bind(row.service_mark),
    ];
    for (ordinal, change) in (0_i64..).zip(&set.changes) {
        let content = serde_json::to_string(&ChangeRecord::from(change))?;
        statements.push(
            statement(sql!("history/put_change"))
                .bind(revision)
                .bind(ordinal)
                .bind(content),
        );
    }
    Ok(statements)
}

fn put_user(user: &User) -> Vec<Statement> {
    let UserRow {
        user_id,
        name,
        display_name,
        for_servers,
        enabled,
        issuer,
        subject,
        revision,
    } = user.into();
    let identity = issuer.zip(subject).map(|(issuer, subject)| {
        statement(sql!("user/put_identity"))
            .bind(user_id)
            .bind(issuer)
            .bind(subject)
    });
    let put = [
        statement(sql!("principal/put")).bind(user_id),
        statement(sql!("user/put"))
            .bind(user_id)
            .bind(name)
            .bind(user.name.key())
            .bind(display_name)
            .bind(for_servers)
            .bind(enabled)
            .bind(revision),
    ];
    put.into_iter().chain(identity).collect()
}

/// Whether the provider gave the membership is bound last.
fn add_member(group: GroupId, user: UserId) -> Statement {
    let MemberRow { group_id, user_id } = (group, user).into();
    statement(sql!("group/add_member"))
        .bind(group_id)
        .bind(user_id)
}

fn put_group(group: &Group) -> Vec<Statement> {
    let GroupRow {
        group_id,
        name,
        description,
        revision,
    } = group.into();
    vec![
        statement(sql!("principal/put")).bind(group_id),
        statement(sql!("group/put"))
            .bind(group_id)
            .bind(name)
            .bind(group.name.key())
            .bind(description)
            .bind(revision),
    ]
}

/// Memberships, global permissions, grants and the password go with it (R9).
fn delete_principal(principal: PrincipalId) -> Vec<Statement> {
    vec![statement(sql!("principal/delete")).bind(principal.get())]
}

fn put_service(service: &Service) -> Vec<Statement> {
    let ServiceRow {
        service_id,
        name,
        scopes,
        revision,
    } = service.into();
    vec![
        statement(sql!("service/put"))
            .bind(service_id)
            .bind(name)
            .bind(service.name.key())
            .bind(scopes)
            .bind(revision),
    ]
}

fn put_project(project: &Project) -> Vec<Statement> {
    let ProjectRow {
        project_id,
        name,
        description,
        position,
        revision,
    } = project.into();
    vec![
        statement(sql!("project/put"))
            .bind(project_id)
            .bind(name)
            .bind(project.name.key())
            .bind(description)
            .bind(position)
            .bind(revision),
    ]
}

fn set_project_grants(
    project: ProjectId,
    revision: PolicyRevision,
    rows: &[ProjectGrantRow],
) -> Vec<Statement> {
    let touch = statement(sql!("project/touch_grants"))
        .bind(project.get())
        .bind(revision_to_row(revision));
    let rows = rows.iter().map(|ProjectGrantRow { principal, rights }| {
        if rights.is_empty() {
            statement(sql!("project/delete_grant"))
                .bind(project.get())
                .bind(principal.get())
        } else {
            let rights = i64::from(rights.bits());
            statement(sql!("project/put_grant"))
                .bind(project.get())
                .bind(principal.get())
                .bind(rights)
        }
    });
    std::iter::once(touch).chain(rows).collect()
}

fn put_layer(layer: &Layer) -> Vec<Statement> {
    let row = LayerRow::from(layer);
    vec![
        statement(sql!("layer/put"))
            .bind(row.layer_id)
            .bind(row.name)
            .bind(layer.name.key())
            .bind(row.project_id)
            .bind(row.position)
            .bind(row.owner_id)
            .bind(row.editing)
            .bind(row.connection_id)
            .bind(row.pending_until)
            .bind(row.request_by)
            .bind(row.request_id)
            .bind(row.request_fingerprint)
            .bind(row.revision)
            .bind(row.offered_to),
    ]
}

fn set_layer_grants(layer: LayerId, revision: PolicyRevision, rows: &[GrantRow]) -> Vec<Statement> {
    let touch = statement(sql!("layer/touch_grants"))
        .bind(layer.get())
        .bind(revision_to_row(revision));
    let rows = rows.iter().map(|row| set_layer_grant(layer, row));
    std::iter::once(touch).chain(rows).collect()
}

fn set_layer_grant(layer: LayerId, row: &GrantRow) -> Statement {
    let grant: LayerGrant = row.grant;
    let LayerGrantRow {
        principal_id,
        permissions,
        own_only,
    } = row.into();
    if grant.is_empty() {
        return statement(sql!("layer/delete_grant"))
            .bind(layer.get())
            .bind(principal_id);
    }
    statement(sql!("layer/put_grant"))
        .bind(layer.get())
        .bind(principal_id)
        .bind(permissions)
        .bind(own_only)
}

fn put_tombstone(tombstone: &Tombstone) -> Vec<Statement> {
    let TombstoneRow {
        layer_id,
        deleted_at,
        deleted_by,
        revision,
        confirmed,
    } = tombstone.into();
    vec![
        statement(sql!("layer/delete")).bind(layer_id),
        statement(sql!("tombstone/put"))
            .bind(layer_id)
            .bind(deleted_at)
            .bind(deleted_by)
            .bind(revision)
            .bind(confirmed),
    ]
}
