//! Which grants are refused. Taking rights away never is.

use std::collections::BTreeSet;

use jmap_domain::{
    Decision, GroupId, Permission, PermissionSet, PrincipalId, ProjectAct, ProjectId, Question,
    UserId,
};

use super::GrantError;
use crate::{
    Facts, Principal, Snapshot, may_open,
    model::{AccountPolicy, Editing, GrantRow, Layer, LayerGrant, Placement},
    rules,
};

/// Somebody who grants on a layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granting<'s> {
    /// The policy that it grants under.
    pub(crate) snapshot: &'s Snapshot,
    /// Who grants.
    pub(crate) giver: &'s Facts<'s>,
    /// On what, perhaps a layer that is only being made.
    pub(crate) layer: &'s Layer,
}

/// Checks the rows that a layer starts with.
pub(crate) fn check_new_rows(
    granting: Granting<'_>,
    rows: &[GrantRow],
) -> Result<(), (PrincipalId, GrantError)> {
    refuse_twice(rows)?;
    rows.iter()
        .try_for_each(|row| check_row(granting, LayerGrant::default(), *row))
}

/// Refuses two rows for one principal: which of them is meant nobody knows.
pub(super) fn refuse_twice(rows: &[GrantRow]) -> Result<(), (PrincipalId, GrantError)> {
    let mut seen = BTreeSet::new();
    match rows.iter().find(|row| !seen.insert(row.principal)) {
        Some(row) => Err((row.principal, GrantError::NamedTwice)),
        None => Ok(()),
    }
}

/// Checks a row that differs from the stored one.
pub(super) fn check_row(
    granting: Granting<'_>,
    stored: LayerGrant,
    row: GrantRow,
) -> Result<(), (PrincipalId, GrantError)> {
    let granted = granted(stored, row.grant);
    // A stored row that only loses is never refused, whoever it is about.
    if granted.is_empty() && !stored.is_empty() {
        return Ok(());
    }
    check_granted(granting, row.principal, granted).map_err(|error| (row.principal, error))
}

/// What the row gives that it did not give before: new permissions, and those that the option no longer narrows.
fn granted(stored: LayerGrant, wanted: LayerGrant) -> PermissionSet {
    let added = wanted.permissions.difference(stored.permissions);
    if stored.own_only && !wanted.own_only {
        let widened = wanted
            .permissions
            .iter()
            .filter(|permission| permission.narrows_to_own());
        return added.union(widened.collect());
    }
    added
}

/// What may be granted to a principal now.
pub(super) fn grantable(granting: Granting<'_>, principal: PrincipalId) -> PermissionSet {
    let may = |permission: &Permission| {
        check_granted(granting, principal, PermissionSet::of(*permission)).is_ok()
    };
    Permission::ALL.into_iter().filter(may).collect()
}

fn check_granted(
    granting: Granting<'_>,
    principal: PrincipalId,
    granted: PermissionSet,
) -> Result<(), GrantError> {
    let Granting {
        snapshot,
        giver: _,
        layer,
    } = granting;
    snapshot
        .principal(principal)
        .ok_or(GrantError::NoSuchPrincipal)?;
    let remote = granted.contains(Permission::RemoteAccess);
    match layer.placement {
        Placement::Personal { owner: _ } if is_special(principal) => Err(GrantError::NotForSpecial),
        Placement::Personal { owner: _ } if remote => Err(GrantError::RemoteAccessOnPersonal),
        Placement::Personal { owner: _ } => Ok(()),
        Placement::Project {
            project,
            position: _,
        } => {
            if !may_open(snapshot, principal, project) {
                return Err(GrantError::CannotOpen);
            }
            check_editing(layer, granted)?;
            if remote {
                check_remote(granting, project, principal)
            } else {
                Ok(())
            }
        }
    }
}

/// R31: what needs editing is not granted while editing is disabled.
fn check_editing(layer: &Layer, granted: PermissionSet) -> Result<(), GrantError> {
    match granted.iter().find(|permission| permission.needs_editing()) {
        Some(permission) if layer.editing == Editing::Disabled => {
            Err(GrantError::EditingDisabled(permission))
        }
        Some(_) | None => Ok(()),
    }
}

/// R41, R100: owners grant it, to server accounts and to groups.
fn check_remote(
    granting: Granting<'_>,
    project: ProjectId,
    principal: PrincipalId,
) -> Result<(), GrantError> {
    let Granting {
        snapshot,
        giver,
        layer,
    } = granting;
    let own = Question::Project(project, ProjectAct::Own);
    if rules::decide(snapshot, giver, own) != Decision::All {
        return Err(GrantError::RemoteAccessNeedsOwner);
    }
    if layer.reference.is_some() {
        return Err(GrantError::RemoteAccessOnReference);
    }
    if !opens_server_sessions(snapshot, principal) {
        return Err(GrantError::NotAServerAccount);
    }
    Ok(())
}

fn opens_server_sessions(snapshot: &Snapshot, principal: PrincipalId) -> bool {
    match snapshot.principal(principal) {
        Some(Principal::User(user)) => user.policy == AccountPolicy::Server,
        Some(Principal::Group(_)) => !is_special(principal),
        None => false,
    }
}

/// Whether the principal is `everyone`, `authenticated` or anonymous.
fn is_special(principal: PrincipalId) -> bool {
    let special: [PrincipalId; 3] = [
        GroupId::EVERYONE.into(),
        GroupId::AUTHENTICATED.into(),
        UserId::ANONYMOUS.into(),
    ];
    special.contains(&principal)
}
