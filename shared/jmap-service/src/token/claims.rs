//! The content of a token.

use jmap_domain::{
    Caller, IdError, ScopeSet, ServiceCaller, ServiceId, SessionCaller, SessionId, SessionKind,
    UserId,
};
use serde::{Deserialize, Serialize};

/// The one audience that tokens of an installation have; they are never forwarded to another.
pub const AUDIENCE: &str = "jmap";

/// The claims of an access token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The id of the installation that issued it.
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// The id of the account, as text (RFC 7519 wants text): a user's, or a service's.
    pub sub: String,
    /// The id of the session.
    pub sid: i64,
    /// What kind of session it is.
    pub kind: TokenKind,
    /// A service's scopes as [`ScopeSet::bits`]; 0 for users.
    #[serde(default)]
    pub scopes: u8,
    /// Issued at, in seconds since 1970.
    pub iat: u64,
    /// Expires at, in seconds since 1970.
    pub exp: u64,
}

/// What may be done with a token (R100).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// A user's ordinary session.
    User,
    /// A server-to-server session.
    Server,
    /// A service of this installation.
    Service,
}

/// From when until when a token holds, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// When it is issued.
    pub issued_at: u64,
    /// When it expires.
    pub expires_at: u64,
}

/// Why signed claims name no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// The account or the session has an impossible id.
    #[error("the token names an impossible id")]
    Id(#[from] IdError),
    /// The account is not a number.
    #[error("the token's subject is not a number")]
    Subject,
    /// A scope that nobody knows.
    #[error("the token has unknown scopes")]
    Scopes,
}

impl Claims {
    /// The claims of a user's session.
    #[must_use]
    pub fn of_session(issuer: &str, holder: SessionCaller, validity: Validity) -> Self {
        let kind = match holder.kind {
            SessionKind::Ordinary => TokenKind::User,
            SessionKind::Server => TokenKind::Server,
        };
        let blank = Self::blank(issuer, kind, validity);
        Self {
            sub: holder.user.to_string(),
            sid: holder.session.get(),
            ..blank
        }
    }

    /// The claims of a service's session.
    #[must_use]
    pub fn of_service(issuer: &str, holder: ServiceCaller, validity: Validity) -> Self {
        let blank = Self::blank(issuer, TokenKind::Service, validity);
        let (sub, sid) = (holder.service.to_string(), holder.session.get());
        Self {
            sub,
            sid,
            scopes: holder.scopes.bits(),
            ..blank
        }
    }

    /// The caller that the claims name.
    ///
    /// # Errors
    /// [`ClaimsError`] when an id or a scope cannot be.
    pub fn caller(&self) -> Result<Caller, ClaimsError> {
        let account: i64 = self.sub.parse().ok().ok_or(ClaimsError::Subject)?;
        let session = SessionId::new(self.sid)?;
        let of_user = |kind| {
            UserId::new(account).map(|user| {
                Caller::Session(SessionCaller {
                    session,
                    user,
                    kind,
                })
            })
        };
        match self.kind {
            TokenKind::User => Ok(of_user(SessionKind::Ordinary)?),
            TokenKind::Server => Ok(of_user(SessionKind::Server)?),
            TokenKind::Service => {
                let scopes = ScopeSet::from_bits(self.scopes).ok_or(ClaimsError::Scopes)?;
                let service = ServiceId::new(account)?;
                Ok(Caller::Service(ServiceCaller {
                    session,
                    service,
                    scopes,
                }))
            }
        }
    }

    fn blank(issuer: &str, kind: TokenKind, validity: Validity) -> Self {
        Self {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: String::new(),
            sid: 0,
            kind,
            scopes: 0,
            iat: validity.issued_at,
            exp: validity.expires_at,
        }
    }
}
