//! Groups and memberships (R1, R5, R7, R9, R15, R16).

use std::{collections::BTreeSet, sync::Arc};

use jmap_domain::{Caller, GroupId, Name, PolicyRevision, UserId};

use super::{DirectoryError, is_special_group, is_special_user, require_directory};
use crate::{
    Authority, Facts, Refusal, Resource, Snapshot,
    change::{Changed, PolicyChange},
    draft::Draft,
    model::{Description, Group, User},
    ports::{Platform, PolicyStore},
};

/// What changes of a group.
#[derive(Clone, Debug)]
pub struct GroupUpdate {
    /// The revision that the caller has read; `None` for any.
    pub expected: Option<PolicyRevision>,
    /// The new name; unset keeps it.
    pub name: Option<Name>,
    /// The new description; unset keeps it.
    pub description: Option<Description>,
}

/// Who joins and who leaves a group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembersUpdate {
    /// Users to put in.
    pub add: BTreeSet<UserId>,
    /// Users to take out; one that is in both is taken out.
    pub remove: BTreeSet<UserId>,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Creates a group.
    ///
    /// # Errors
    /// [`DirectoryError::NameTaken`]; [`Refusal::Forbidden`] unless a super administrator asks.
    pub async fn create_group(
        &self,
        caller: &Caller,
        name: Name,
        description: Description,
    ) -> Result<Changed<Arc<Group>>, DirectoryError> {
        self.change(caller, |draft| {
            require_directory(draft)?;
            if draft.snapshot().group_named(&name).is_some() {
                return Err(DirectoryError::NameTaken(name));
            }
            Ok(Arc::new(draft_group(draft, name, description)?))
        })
        .await
    }

    /// Renames a group, or describes it otherwise.
    ///
    /// # Errors
    /// [`DirectoryError::NameTaken`], [`DirectoryError::Special`], [`Refusal::Stale`].
    pub async fn update_group(
        &self,
        caller: &Caller,
        id: GroupId,
        update: GroupUpdate,
    ) -> Result<Changed<Arc<Group>>, DirectoryError> {
        self.change(caller, |draft| draft_group_update(draft, id, update))
            .await
    }

    /// Deletes a group, with its memberships and grants (R9).
    ///
    /// # Errors
    /// [`DirectoryError::Special`] for the two that always exist (R1); the last holders are kept (R16).
    pub async fn delete_group(
        &self,
        caller: &Caller,
        id: GroupId,
    ) -> Result<Changed<()>, DirectoryError> {
        self.change(caller, |draft| draft_group_deletion(draft, id))
            .await
    }

    /// Puts users into a group and takes others out, all or nothing; what is so already is passed over.
    ///
    /// # Errors
    /// [`DirectoryError::Special`] for special users and groups; the last holders are kept (R16).
    pub async fn update_members(
        &self,
        caller: &Caller,
        group: GroupId,
        update: MembersUpdate,
    ) -> Result<Changed<()>, DirectoryError> {
        self.change(caller, |draft| draft_members(draft, group, &update))
            .await
    }

    /// A group.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] unless the caller administers something.
    pub fn group(&self, caller: &Caller, id: GroupId) -> Result<Arc<Group>, Refusal> {
        let snapshot = self.admit_reader(caller)?;
        snapshot
            .group(id)
            .cloned()
            .ok_or(Refusal::NotFound(Resource::Group(id)))
    }

    /// The group of that name, for any account that could share something with it.
    ///
    /// # Errors
    /// [`Refusal::NotSignedIn`] for anonymous.
    pub fn find_group(&self, caller: &Caller, name: &Name) -> Result<Option<Arc<Group>>, Refusal> {
        let snapshot = self.snapshot();
        let standing = self.admit(caller)?;
        Facts::of(&snapshot, standing)
            .person()
            .ok_or(Refusal::NotSignedIn)?;
        Ok(snapshot.group_named(name).cloned())
    }

    /// Groups in the order of their names' keys, after a key, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless the caller administers something.
    pub fn list_groups(
        &self,
        caller: &Caller,
        after: &str,
        limit: usize,
    ) -> Result<Vec<Arc<Group>>, Refusal> {
        let snapshot = self.admit_reader(caller)?;
        Ok(snapshot.groups_after(after).take(limit).cloned().collect())
    }

    /// The members of a group, by id, after an id, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]; [`Refusal::Forbidden`] unless the caller administers something.
    pub fn list_members(
        &self,
        caller: &Caller,
        group: GroupId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<Arc<User>>, Refusal> {
        let snapshot = self.admit_reader(caller)?;
        snapshot
            .group(group)
            .ok_or(Refusal::NotFound(Resource::Group(group)))?;
        let ids = snapshot.members_of(group).filter(|id| Some(*id) > after);
        Ok(ids
            .filter_map(|id| snapshot.user(id).cloned())
            .take(limit)
            .collect())
    }

    /// The groups that a user was put into: one's own, or anybody's for those who may list users.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] or [`Refusal::Forbidden`].
    pub fn groups_of(&self, caller: &Caller, user: UserId) -> Result<Vec<Arc<Group>>, Refusal> {
        self.user(caller, user)?;
        let snapshot = self.snapshot();
        let ids = snapshot.groups_of(user).into_iter().flatten();
        Ok(ids.filter_map(|id| snapshot.group(*id).cloned()).collect())
    }
}

/// A new group of a name that is free.
pub(crate) fn draft_group(
    draft: &mut Draft,
    name: Name,
    description: Description,
) -> Result<Group, Refusal> {
    let group = Group {
        id: draft.next_principal()?,
        name,
        description,
        revision: draft.revision(),
    };
    draft.push(PolicyChange::GroupPut(group.clone()));
    Ok(group)
}

fn draft_group_update(
    draft: &mut Draft,
    id: GroupId,
    update: GroupUpdate,
) -> Result<Arc<Group>, DirectoryError> {
    require_directory(draft)?;
    let snapshot = draft.snapshot();
    let before = ordinary_group(&snapshot, id)?;
    let GroupUpdate {
        expected,
        name,
        description,
    } = update;
    if expected.is_some_and(|expected| expected != before.revision) {
        return Err(Refusal::Stale(Resource::Group(id)).into());
    }
    let name = name.unwrap_or_else(|| before.name.clone());
    let holder = snapshot.group_named(&name);
    if holder.is_some_and(|other| other.id != id) {
        return Err(DirectoryError::NameTaken(name));
    }
    let group = Group {
        id,
        name,
        description: description.unwrap_or_else(|| before.description.clone()),
        revision: draft.revision(),
    };
    draft.push(PolicyChange::GroupPut(group.clone()));
    Ok(Arc::new(group))
}

pub(crate) fn draft_group_deletion(draft: &mut Draft, id: GroupId) -> Result<(), DirectoryError> {
    require_directory(draft)?;
    ordinary_group(&draft.snapshot(), id)?;
    draft.push(PolicyChange::GroupDeleted(id));
    Ok(())
}

pub(crate) fn draft_members(
    draft: &mut Draft,
    group: GroupId,
    update: &MembersUpdate,
) -> Result<(), DirectoryError> {
    require_directory(draft)?;
    let snapshot = draft.snapshot();
    ordinary_group(&snapshot, group)?;
    let MembersUpdate { add, remove } = update;
    for user in add.difference(remove) {
        check_member(&snapshot, *user)?;
        if !is_member(&snapshot, group, *user) {
            draft.push(PolicyChange::MemberAdded(group, *user));
        }
    }
    for user in remove {
        check_member(&snapshot, *user)?;
        if is_member(&snapshot, group, *user) {
            draft.push(PolicyChange::MemberRemoved(group, *user));
        }
    }
    Ok(())
}

/// A group that is not special (R1).
fn ordinary_group(snapshot: &Snapshot, id: GroupId) -> Result<&Arc<Group>, DirectoryError> {
    let group = snapshot
        .group(id)
        .ok_or(Refusal::NotFound(Resource::Group(id)))?;
    if is_special_group(group) {
        return Err(DirectoryError::Special(group.name.clone()));
    }
    Ok(group)
}

/// Special users have no memberships: which groups they are in follows from what they are.
fn check_member(snapshot: &Snapshot, id: UserId) -> Result<(), DirectoryError> {
    let user = snapshot
        .user(id)
        .ok_or(Refusal::NotFound(Resource::User(id)))?;
    if is_special_user(user) {
        return Err(DirectoryError::Special(user.name.clone()));
    }
    Ok(())
}

fn is_member(snapshot: &Snapshot, group: GroupId, user: UserId) -> bool {
    snapshot
        .groups_of(user)
        .is_some_and(|groups| groups.contains(&group))
}
