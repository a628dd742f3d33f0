//! Accounts and groups.

use jmap_domain::{GroupId, Name, PolicyRevision, ScopeSet, ServiceId, SessionKind, UserId};

use super::Description;

/// What an account may be used for; decided when it is created, for ever (R100).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountPolicy {
    /// Opens ordinary sessions only.
    Ordinary,
    /// Opens server sessions only.
    Server,
}

impl AccountPolicy {
    /// The one kind of session that the account opens (R100).
    #[must_use]
    pub const fn session_kind(self) -> SessionKind {
        match self {
            Self::Ordinary => SessionKind::Ordinary,
            Self::Server => SessionKind::Server,
        }
    }
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// It may.
    Enabled,
    /// It may not, from the next call on (R9).
    Disabled,
}

/// By what an OpenID provider knows one person, for ever.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FederatedId {
    /// The provider, as its tokens name it.
    pub issuer: String,
    /// The person, as the provider numbers it; means nothing without the issuer.
    pub subject: String,
}

/// A user account. Its password is kept apart, as a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Never reused (R8); drawn from the sequence of all principals (R26).
    pub id: UserId,
    /// Unique among users by its key, and never changed (R7, R26).
    pub name: Name,
    /// How people see the account; free to change, not unique.
    pub display_name: Option<Name>,
    /// Which sessions it opens.
    pub policy: AccountPolicy,
    /// Whether it may be used.
    pub state: AccountState,
    /// Whom the account was made for at a first federated sign-in (R11); `None` for local accounts. Never changes: a
    /// provider cannot take over an account that it did not make, whatever names it gives (R8).
    pub identity: Option<FederatedId>,
    /// The change that last touched this record.
    pub revision: PolicyRevision,
}

impl User {
    /// Whether the account may be used.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.state == AccountState::Enabled
    }
}

/// A group of users. Groups do not nest (R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Never reused (R8); drawn from the sequence of all principals (R26).
    pub id: GroupId,
    /// Unique among groups by its key (R7, R26).
    pub name: Name,
    /// What the group is for.
    pub description: Description,
    /// The change that last touched this record.
    pub revision: PolicyRevision,
}

/// A service account, such as layer-data's own. Its key is kept apart, as a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Never reused (R8).
    pub id: ServiceId,
    /// Unique among services by its key.
    pub name: Name,
    /// What it may ask for.
    pub scopes: ScopeSet,
    /// The change that last touched this record.
    pub revision: PolicyRevision,
}
