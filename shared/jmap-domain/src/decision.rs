//! Answers: a decision is data, with its limit or its reason.

use crate::{ActorId, Permission, PermissionSet};

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, for everything the question is about.
    All,
    /// Yes, but only for elements that this actor created (R51, R59). The writing statement enforces it (R58).
    Own {
        /// The actor whose elements are meant.
        creator: ActorId,
    },
    /// No.
    Denied(DenyReason),
}

/// Why the answer is no. What a caller may learn is decided here: absent and invisible are one reason (R40).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DenyReason {
    /// The resource does not exist, or the subject may not know that it does (R40).
    NotVisible,
    /// No grant gives the act.
    NoGrant,
    /// The act needs editing, and editing is disabled on the layer (R31).
    EditingDisabled,
    /// The grants reach only own elements, and this actor can own none (R55, R59).
    OwnsNothing,
    /// The session was closed by sign-out or by an administrator (R117).
    SessionClosed,
    /// The session ran out (R117).
    SessionExpired,
    /// The account is disabled or deleted (R9).
    AccountDisabled,
}

impl DenyReason {
    /// The reason as the contract writes it, without the prefix.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::NotVisible => "NOT_VISIBLE",
            Self::NoGrant => "NO_GRANT",
            Self::EditingDisabled => "EDITING_DISABLED",
            Self::OwnsNothing => "OWNS_NOTHING",
            Self::SessionClosed => "SESSION_CLOSED",
            Self::SessionExpired => "SESSION_EXPIRED",
            Self::AccountDisabled => "ACCOUNT_DISABLED",
        }
    }
}

/// What a subject may do on one layer, as a client needs it (R43): equal to what the writes enforce (R44).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EffectivePermissions {
    /// Held for every element.
    pub all: PermissionSet,
    /// Held only for the subject's own elements; disjoint from `all`.
    pub own: PermissionSet,
}

impl EffectivePermissions {
    /// Adds the answer for one permission.
    #[must_use]
    pub const fn with(self, permission: Permission, decision: Decision) -> Self {
        match decision {
            Decision::All => Self {
                all: self.all.with(permission),
                own: self.own,
            },
            Decision::Own { creator: _ } => Self {
                all: self.all,
                own: self.own.with(permission),
            },
            Decision::Denied(_) => self,
        }
    }
}
