//! Nobody locks the door from inside: a super administrator and an owner always remain (R16).

use jmap_domain::{GlobalPermission, GroupId, PrincipalId, ProjectAct, ProjectId, UserId};

use crate::{
    Principal, Snapshot,
    change::PolicyChange,
    model::{AccountPolicy, User},
    refusal::Refusal,
};

/// Refuses a set of changes after which nobody enabled would administer the installation, or own a project.
pub(crate) fn keep_holders(
    before: &Snapshot,
    after: &Snapshot,
    changes: &[PolicyChange],
) -> Result<(), Refusal> {
    let losers: Vec<PrincipalId> = changes
        .iter()
        .flat_map(|change| losers(before, change))
        .collect();
    if !losers.is_empty() && has_super_administrator(before) && !has_super_administrator(after) {
        return Err(Refusal::LastSuperAdministrator);
    }
    let through_principals = losers.iter().flat_map(|id| before.projects_granted_to(*id));
    let through_tables = changes.iter().filter_map(touched_project);
    match through_principals
        .chain(through_tables)
        .find(|id| is_orphaned(before, after, *id))
    {
        Some(project) => Err(Refusal::LastOwner(project)),
        None => Ok(()),
    }
}

/// The principals that may hold less after the change.
fn losers(before: &Snapshot, change: &PolicyChange) -> Vec<PrincipalId> {
    match change {
        PolicyChange::UserPut(User { id, .. }) | PolicyChange::UserDeleted(id) => {
            let groups = before.groups_of(*id).into_iter().flatten();
            groups
                .map(|group| (*group).into())
                .chain([(*id).into()])
                .collect()
        }
        PolicyChange::GroupDeleted(group) | PolicyChange::MemberRemoved(group, _) => {
            vec![(*group).into()]
        }
        PolicyChange::GlobalsSet(principal, _) => vec![*principal],
        PolicyChange::PasswordSet(_)
        | PolicyChange::GroupPut(_)
        | PolicyChange::MemberAdded(_, _)
        | PolicyChange::FederatedMemberAdded(_, _)
        | PolicyChange::ServicePut(_)
        | PolicyChange::ServiceKeySet(_)
        | PolicyChange::ServiceDeleted(_)
        | PolicyChange::ProjectPut(_)
        | PolicyChange::ProjectDeleted(_)
        | PolicyChange::ProjectGrantsSet {
            project: _,
            revision: _,
            rows: _,
        }
        | PolicyChange::LayerPut(_)
        | PolicyChange::LayerGrantsSet {
            layer: _,
            revision: _,
            rows: _,
        }
        | PolicyChange::TombstonePut(_) => Vec::new(),
    }
}

/// The project whose table the change sets.
const fn touched_project(change: &PolicyChange) -> Option<ProjectId> {
    if let PolicyChange::ProjectGrantsSet {
        project,
        revision: _,
        rows: _,
    } = change
    {
        Some(*project)
    } else {
        None
    }
}

/// Whether a project that had an enabled owner still exists and has none.
fn is_orphaned(before: &Snapshot, after: &Snapshot, project: ProjectId) -> bool {
    after.project(project).is_some() && has_owner(before, project) && !has_owner(after, project)
}

fn has_owner(snapshot: &Snapshot, project: ProjectId) -> bool {
    let rows = snapshot
        .project(project)
        .into_iter()
        .flat_map(|entry| entry.grants.iter());
    rows.filter(|(_, rights)| rights.contains(ProjectAct::Own))
        .any(|(principal, _)| stands_for_somebody(snapshot, *principal))
}

fn has_super_administrator(snapshot: &Snapshot) -> bool {
    snapshot
        .globals_table()
        .filter(|(_, set)| set.contains(GlobalPermission::SuperAdministrator))
        .any(|(principal, _)| stands_for_somebody(snapshot, principal))
}

/// Whether an enabled account that can administer is behind the principal. Special groups do not count:
/// who is in them changes without anybody's decision.
fn stands_for_somebody(snapshot: &Snapshot, principal: PrincipalId) -> bool {
    match snapshot.principal(principal) {
        Some(Principal::User(user)) => administers(user),
        Some(Principal::Group(group)) => has_administering_member(snapshot, group.id),
        None => false,
    }
}

fn has_administering_member(snapshot: &Snapshot, group: GroupId) -> bool {
    snapshot
        .members_of(group)
        .filter_map(|id| snapshot.user(id))
        .any(|user| administers(user))
}

/// Server accounts open no session that administers (R100), and anonymous opens none at all.
fn administers(user: &User) -> bool {
    user.is_enabled() && user.policy == AccountPolicy::Ordinary && user.id != UserId::ANONYMOUS
}
