//! Indexes of names by their case-folded keys (R26).

use std::ops::Bound;

use imbl::OrdMap;
use jmap_domain::{GroupId, LayerId, ProjectId, ServiceId, UserId};

use crate::model::{FederatedId, Placement};

/// Within what a layer's name is unique (R26, R64).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Home {
    /// The layers of a project.
    Project(ProjectId),
    /// The personal layers of an owner.
    Personal(UserId),
}

impl Home {
    /// Projects come before owners, and owners in the order of their ids.
    pub(super) const FIRST_PERSONAL: Self = Self::Personal(UserId::ADMINISTRATOR);
}

impl From<Placement> for Home {
    fn from(placement: Placement) -> Self {
        match placement {
            Placement::Project {
                project,
                position: _,
            } => Self::Project(project),
            Placement::Personal { owner } => Self::Personal(owner),
        }
    }
}

/// Who or what bears a name, by its key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    pub(super) users: OrdMap<String, UserId>,
    pub(super) identities: OrdMap<FederatedId, UserId>,
    pub(super) groups: OrdMap<String, GroupId>,
    pub(super) services: OrdMap<String, ServiceId>,
    pub(super) projects: OrdMap<String, ProjectId>,
    pub(super) layers: OrdMap<(Home, String), LayerId>,
}

/// The keys that follow a key, each with its id, in their order.
pub(super) fn after<'m, I: Clone>(
    names: &'m OrdMap<String, I>,
    key: &str,
) -> impl Iterator<Item = (&'m String, &'m I)> {
    names.range::<_, str>((Bound::Excluded(key), Bound::Unbounded))
}
