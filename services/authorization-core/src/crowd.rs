//! Supersets of the accounts that a question is about, from the snapshot's indexes; the rules then decide about each.

use std::{collections::BTreeSet, ops::Bound, sync::Arc};

use jmap_domain::{GroupId, PrincipalId, UserId};

use crate::{Principal, Snapshot, model::User};

/// Accounts, none of those that matter left out.
#[derive(Clone, Debug)]
pub(crate) enum Crowd {
    /// Perhaps anybody.
    Anybody,
    /// Nobody but these.
    These(BTreeSet<UserId>),
}

impl Crowd {
    /// Nobody.
    pub(crate) const NOBODY: Self = Self::These(BTreeSet::new());

    /// The accounts that one of the principals stands for.
    pub(crate) fn behind(
        snapshot: &Snapshot,
        principals: impl Iterator<Item = PrincipalId>,
    ) -> Self {
        let mut these = BTreeSet::new();
        for principal in principals {
            match snapshot.principal(principal) {
                Some(Principal::User(user)) => {
                    these.insert(user.id);
                }
                Some(Principal::Group(group)) if is_special(group.id) => return Self::Anybody,
                Some(Principal::Group(group)) => these.extend(snapshot.members_of(group.id)),
                None => {}
            }
        }
        Self::These(these)
    }

    /// Those of either.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::These(mut these), Self::These(others)) => {
                these.extend(others);
                Self::These(these)
            }
            (Self::Anybody, _) | (_, Self::Anybody) => Self::Anybody,
        }
    }

    /// Those of both.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Anybody, crowd) | (crowd, Self::Anybody) => crowd,
            (Self::These(these), Self::These(others)) => Self::These(&these & &others),
        }
    }

    /// The accounts by id, after an id.
    pub(crate) fn by_id<'s>(
        &'s self,
        snapshot: &'s Snapshot,
        after: Option<UserId>,
    ) -> Box<dyn Iterator<Item = &'s Arc<User>> + 's> {
        match self {
            Self::Anybody => Box::new(snapshot.users_by_id(after)),
            Self::These(these) => {
                let start = after.map_or(Bound::Unbounded, Bound::Excluded);
                let ids = these.range((start, Bound::Unbounded));
                Box::new(ids.filter_map(|id| snapshot.user(*id)))
            }
        }
    }
}

/// Whether who is in the group follows from what an account is.
fn is_special(group: GroupId) -> bool {
    group == GroupId::EVERYONE || group == GroupId::AUTHENTICATED
}
