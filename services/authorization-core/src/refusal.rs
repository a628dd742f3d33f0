//! Why a use case does not even begin: what every one of them can answer.

use std::time::Duration;

pub use jmap_domain::Resource;
use jmap_domain::{Decision, DenyReason, IdError, ProjectId, Question};

use crate::ports::{CryptoError, StoreError};

/// What every use case can refuse with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The call never accepts anonymous.
    #[error("sign in first")]
    NotSignedIn,
    /// The caller's session was closed (R117).
    #[error("the session was closed")]
    SessionClosed,
    /// The caller's session ran out (R117).
    #[error("the session ran out")]
    SessionExpired,
    /// The caller's account is disabled or deleted (R9).
    #[error("the account is disabled")]
    AccountDisabled,
    /// It does not exist, or the caller may not know that it does (R40).
    #[error("{0} does not exist")]
    NotFound(Resource),
    /// The caller knows of it, and may not do this.
    #[error("not allowed on {0}")]
    Forbidden(Resource),
    /// The record or table was changed since the caller read it.
    #[error("{0} was changed by someone else")]
    Stale(Resource),
    /// Nobody enabled would be left to administer the installation (R16).
    #[error("the installation needs an enabled super administrator: appoint another one first")]
    LastSuperAdministrator,
    /// Nobody enabled would be left to own the project (R16).
    #[error("project `{0}` needs an enabled owner: appoint another one first")]
    LastOwner(ProjectId),
    /// An account may not have more personal layers.
    #[error("{used} personal layers of at most {limit} are used: delete or give away one first")]
    QuotaExceeded {
        /// How many one account may have.
        limit: u32,
        /// How many it has, reservations included.
        used: u32,
    },
    /// Too many attempts to sign in have failed: the next one is looked at after the wait.
    #[error("too many attempts have failed, come back in {} s", .wait.as_secs().max(1))]
    TooManyAttempts {
        /// How long the caller has to wait.
        wait: Duration,
    },
    /// A sequence of ids is used up.
    #[error("no ids are left")]
    NoIdsLeft(#[source] IdError),
    /// The store could not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing was hashed or signed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

impl Refusal {
    /// A decision as a verdict on a call.
    pub(crate) fn unless_allowed(question: Question, decision: Decision) -> Result<(), Self> {
        match decision {
            Decision::All | Decision::Own { creator: _ } => Ok(()),
            Decision::Denied(reason) => Err(Self::from_reason(reason, Resource::of(question))),
        }
    }

    /// A negative decision about the caller itself.
    pub(crate) const fn from_reason(reason: DenyReason, resource: Resource) -> Self {
        match reason {
            DenyReason::NotVisible => Self::NotFound(resource),
            DenyReason::NoGrant | DenyReason::EditingDisabled | DenyReason::OwnsNothing => {
                Self::Forbidden(resource)
            }
            DenyReason::SessionClosed => Self::SessionClosed,
            DenyReason::SessionExpired => Self::SessionExpired,
            DenyReason::AccountDisabled => Self::AccountDisabled,
        }
    }
}
