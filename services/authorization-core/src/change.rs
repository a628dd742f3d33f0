//! Changes of the policy: one vocabulary for the store, the snapshot, watchers, the audit record and what-if.

use std::sync::Arc;

use jmap_domain::{
    Epoch, GroupId, LayerId, PolicyRevision, PolicyToken, PrincipalId, ProjectId, ServiceId,
    SessionId, UserId,
};

use crate::{
    Snapshot, Timestamp,
    audit::ChangeNote,
    model::{
        GlobalSet, GrantRow, Group, Layer, Project, ProjectGrantRow, Service, Session, Tombstone,
        User,
    },
    secret::SecretChange,
};

/// What a change made, with the policy as the change left it.
#[derive(Clone, Debug)]
pub struct Changed<T> {
    /// What was made.
    pub value: T,
    /// The policy right after the change; the one before it when nothing had to be changed.
    pub policy: Arc<Snapshot>,
}

impl<T> Changed<T> {
    /// The number that the change took.
    #[must_use]
    pub fn token(&self) -> PolicyToken {
        self.policy.token()
    }
}

/// The same change of the same policy.
impl<T: PartialEq> PartialEq for Changed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value && self.token() == other.token()
    }
}

/// Everything that can change the policy. A `Put` carries the whole record, new or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyChange {
    /// A user is created or changed.
    UserPut(User),
    /// A user's password is set; the secret itself travels apart.
    PasswordSet(UserId),
    /// A user is deleted, with its memberships, global permissions and grants (R9).
    UserDeleted(UserId),
    /// A group is created or changed.
    GroupPut(Group),
    /// A group is deleted, with its memberships, global permissions and grants (R9).
    GroupDeleted(GroupId),
    /// A user joins a group.
    MemberAdded(GroupId, UserId),
    /// A user joins a group because its OpenID provider says so, and until it no longer does (R11).
    FederatedMemberAdded(GroupId, UserId),
    /// A user leaves a group, whoever put it in.
    MemberRemoved(GroupId, UserId),
    /// A principal's global permissions are replaced; the empty set removes them.
    GlobalsSet(PrincipalId, GlobalSet),
    /// A service account is created or changed.
    ServicePut(Service),
    /// A service's key is replaced; the secret itself travels apart.
    ServiceKeySet(ServiceId),
    /// A service account is deleted.
    ServiceDeleted(ServiceId),
    /// A project is created or changed.
    ProjectPut(Project),
    /// A project is deleted with its grants; its layers have their own entries in the same set (R24).
    ProjectDeleted(ProjectId),
    /// Rows of a project's permission table are set.
    ProjectGrantsSet {
        /// The project.
        project: ProjectId,
        /// The change that last touched the table.
        revision: PolicyRevision,
        /// The rows that change; an empty one removes its row.
        rows: Vec<ProjectGrantRow>,
    },
    /// A layer is reserved, activated or changed.
    LayerPut(Layer),
    /// Rows of a layer's permission table are set.
    LayerGrantsSet {
        /// The layer.
        layer: LayerId,
        /// The change that last touched the table.
        revision: PolicyRevision,
        /// The rows that change; an empty one removes its row.
        rows: Vec<GrantRow>,
    },
    /// A layer is deleted with its grants, or its tombstone is confirmed.
    TombstonePut(Tombstone),
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// The service itself: first start, reservations that run out, and what a federated sign-in brings about.
    System,
    /// A user, in a session, perhaps through a service.
    User {
        /// The account.
        user: UserId,
        /// The session.
        session: SessionId,
        /// The service that passed the call on, with the user's own token.
        via: Option<ServiceId>,
    },
    /// A service for itself.
    Service {
        /// The service account.
        service: ServiceId,
        /// The session.
        session: SessionId,
    },
}

impl Author {
    /// The user behind the change, if one is.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::User {
                user,
                session: _,
                via: _,
            } => Some(user),
            Self::System
            | Self::Service {
                service: _,
                session: _,
            } => None,
        }
    }
}

/// The highest id that each sequence has given out. Ids are never reused (R8), so these marks are data (R116).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighWaterMarks {
    /// Users and groups (R26).
    pub principal: i64,
    /// Projects.
    pub project: i64,
    /// Layers.
    pub layer: i64,
    /// Service accounts.
    pub service: i64,
}

impl HighWaterMarks {
    /// The marks of an empty installation: the special principals have taken 1 to 4 (R1).
    pub const START: Self = Self {
        principal: 4,
        project: 0,
        layer: 0,
        service: 0,
    };
}

/// What is committed in one transaction, all or nothing.
#[derive(Clone, Debug)]
pub struct ChangeSet {
    /// The revision that the policy has afterwards: exactly one more than before.
    pub revision: PolicyRevision,
    /// When it was decided.
    pub at: Timestamp,
    /// Who made it.
    pub by: Author,
    /// The changes, to be applied in this order.
    pub changes: Vec<PolicyChange>,
    /// The marks afterwards.
    pub marks: HighWaterMarks,
    /// Secrets to keep in the same transaction. Never in the record of changes.
    pub secrets: Vec<SecretChange>,
    /// What the record says of it besides; empty when read from history.
    pub note: ChangeNote,
}

/// Where kept history begins: the state after the last of the changes that were pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryBase {
    /// The number of that change.
    pub revision: PolicyRevision,
    /// When it was decided.
    pub at: Timestamp,
    /// The marks after it.
    pub marks: HighWaterMarks,
}

/// All that a store keeps, as read at start.
#[derive(Clone, Debug)]
pub struct StoredPolicy {
    /// The life of the database.
    pub epoch: Epoch,
    /// The last committed revision; 0 for a new database.
    pub revision: PolicyRevision,
    /// The highest ids given out.
    pub marks: HighWaterMarks,
    /// The current records, as the changes that make them from nothing. Order matters little:
    /// principals, then memberships and globals, then projects and layers, then grants, then tombstones.
    pub records: Vec<PolicyChange>,
    /// Sessions that are neither closed nor expired for long.
    pub sessions: Vec<Session>,
    /// The highest session id ever given out.
    pub last_session: i64,
}
