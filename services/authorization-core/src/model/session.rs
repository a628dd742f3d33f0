//! Sessions: an account at work, from sign-in to sign-out.

use jmap_domain::{DenyReason, ServiceId, SessionId, SessionKind, UserId};

use crate::{Standing, Timestamp, secret::RefreshHashes};

/// Who opened a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Account {
    /// A user, for one kind of use (R100).
    User {
        /// The account.
        user: UserId,
        /// What the session may be used for.
        kind: SessionKind,
    },
    /// A service, with its key.
    Service {
        /// The service account.
        service: ServiceId,
    },
}

/// Whether a session may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SessionState {
    /// Until it expires.
    Open,
    /// No more, by sign-out, by an administrator, or because a used refresh token came back (R117).
    Closed {
        /// Since when.
        at: Timestamp,
    },
}

/// A session. Its refresh tokens are one family: single use, each replaced by the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Never reused.
    pub id: SessionId,
    /// Who opened it.
    pub account: Account,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// From then on it cannot be used; every refresh moves it on.
    pub expires_at: Timestamp,
    /// Whether it may still be used.
    pub state: SessionState,
    /// What its refresh token is recognised by; `None` for services, which sign in again.
    pub refresh: Option<RefreshHashes>,
}

impl Session {
    /// Who the session stands for at a moment (R117). Whether its account may be used is not looked at.
    #[must_use]
    pub fn standing(&self, now: Timestamp) -> Standing {
        match (self.state, self.account) {
            (SessionState::Closed { at: _ }, _) => Standing::Barred(DenyReason::SessionClosed),
            (SessionState::Open, _) if self.expires_at <= now => {
                Standing::Barred(DenyReason::SessionExpired)
            }
            (SessionState::Open, Account::User { user, kind }) => Standing::User { user, kind },
            (SessionState::Open, Account::Service { service: _ }) => Standing::Service,
        }
    }
}
