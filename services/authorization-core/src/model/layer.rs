//! Registrations of layers: what authorization knows of a layer. Its definition and data live in layer-data.

use jmap_domain::{ConnectionId, LayerId, Name, PolicyRevision, ProjectId, UserId};

use crate::Timestamp;

/// A registered layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Never reused (R8).
    pub id: LayerId,
    /// Unique in its project, or among its owner's personal layers, by its key (R26, R64).
    pub name: Name,
    /// Where it stands.
    pub placement: Placement,
    /// Whether elements may be edited (R31, R83); always enabled on a personal layer.
    pub editing: Editing,
    /// Whom a personal layer is offered to; it tells that account its name and id, and gives no right (R81).
    pub offered_to: Option<UserId>,
    /// The connection to the instance that holds the original, for a layer that is a reference.
    pub reference: Option<ConnectionId>,
    /// Whether it exists for anybody yet.
    pub state: LayerState,
    /// The call that made it, so that its retry makes no second one.
    pub request: CreationRequest,
    /// The change that last touched this record; grants have their own.
    pub revision: PolicyRevision,
}

impl Layer {
    /// Whether it is a reservation that ran out.
    #[must_use]
    pub fn has_expired(&self, now: Timestamp) -> bool {
        match self.state {
            LayerState::Pending { expires_at } => expires_at <= now,
            LayerState::Active => false,
        }
    }

    /// Its place in its project's order; `None` for a personal layer.
    #[must_use]
    pub const fn position(&self) -> Option<u32> {
        match self.placement {
            Placement::Project {
                project: _,
                position,
            } => Some(position),
            Placement::Personal { owner: _ } => None,
        }
    }
}

/// Where a layer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Placement {
    /// In a project.
    Project {
        /// The project.
        project: ProjectId,
        /// Its place in the administrator's order, from 0 (R23); equal places are ordered by id.
        position: u32,
    },
    /// In no project: somebody's own (R70).
    Personal {
        /// Who holds every right on it, always (R69).
        owner: UserId,
    },
}

impl Placement {
    /// The owner; `None` for a layer in a project.
    #[must_use]
    pub const fn owner(self) -> Option<UserId> {
        match self {
            Self::Project {
                project: _,
                position: _,
            } => None,
            Self::Personal { owner } => Some(owner),
        }
    }

    /// The project; `None` for a personal layer.
    #[must_use]
    pub const fn project(self) -> Option<ProjectId> {
        match self {
            Self::Project {
                project,
                position: _,
            } => Some(project),
            Self::Personal { owner: _ } => None,
        }
    }
}

/// The editing switch of a layer (R31).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Editing {
    /// Grants of the four editing permissions work.
    Enabled,
    /// They are kept, and give nothing.
    Disabled,
}

/// Whether a layer exists for anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerState {
    /// Reserved: its name and id are taken, and it is answered as absent until it is activated.
    Pending {
        /// From then on it cannot be activated, and becomes a tombstone.
        expires_at: Timestamp,
    },
    /// It exists.
    Active,
}

/// An id that a client chose for one call, a UUID, so that a retry is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

/// The call that made a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CreationRequest {
    /// Whose call it was; request ids of others are unrelated.
    pub by: UserId,
    /// The id that the client chose.
    pub id: RequestId,
    /// SHA-256 of what was asked: another question under the same id is refused.
    pub fingerprint: [u8; 32],
}

/// What stays of a deleted layer, for ever: layer-data drops storage on its word alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// The layer that is gone.
    pub layer: LayerId,
    /// When it went.
    pub at: Timestamp,
    /// Who deleted it; `None` for a reservation that ran out.
    pub by: Option<UserId>,
    /// The change that deleted it.
    pub revision: PolicyRevision,
    /// Whether layer-data has dropped the storage.
    pub confirmed: bool,
}
