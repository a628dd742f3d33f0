//! What an access token says.

use jmap_domain::{ScopeSet, SessionId};

use crate::{Timestamp, model::Account};

/// What an access token says. The issuer and the audience are the signer's to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The session that the token belongs to.
    pub session: SessionId,
    /// Its account.
    pub account: Account,
    /// What a service may ask for; empty for users.
    pub scopes: ScopeSet,
    /// When the token was issued.
    pub issued_at: Timestamp,
    /// From then on it is refused.
    pub expires_at: Timestamp,
}
