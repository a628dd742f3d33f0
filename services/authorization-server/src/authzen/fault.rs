//! Why a call is not answered: an HTTP status and a sentence, decided here once (R120).

use authorization_core::Refusal;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jmap_service::Refusal as TokenRefusal;

#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("the request is not understood: {0}")]
    Bad(String),
    #[error("show the token of a service account as `Authorization: Bearer ...`")]
    NoToken,
    #[error(transparent)]
    Token(#[from] TokenRefusal),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("too many calls are running, come back shortly")]
    Busy,
    #[error("the time for this call is up")]
    Late,
}

impl Fault {
    const fn status(&self) -> StatusCode {
        match self {
            Self::Bad(_) => StatusCode::BAD_REQUEST,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Token(refusal) => match refusal {
                TokenRefusal::KeysUnavailable | TokenRefusal::Overloaded => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                TokenRefusal::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
                TokenRefusal::TokenMalformed
                | TokenRefusal::TokenExpired
                | TokenRefusal::TokenUntrusted
                | TokenRefusal::MalformedTimeout
                | TokenRefusal::MessageTooLarge
                | TokenRefusal::MessageMalformed
                | TokenRefusal::Panicked
                | TokenRefusal::OutsideStack => StatusCode::UNAUTHORIZED,
            },
            Self::Refused(refusal) => match refusal {
                Refusal::NotSignedIn
                | Refusal::SessionClosed
                | Refusal::SessionExpired
                | Refusal::AccountDisabled => StatusCode::UNAUTHORIZED,
                Refusal::Store(_) | Refusal::Crypto(_) => StatusCode::SERVICE_UNAVAILABLE,
                Refusal::TooManyAttempts { wait: _ } => StatusCode::TOO_MANY_REQUESTS,
                Refusal::NotFound(_)
                | Refusal::Forbidden(_)
                | Refusal::Stale(_)
                | Refusal::LastSuperAdministrator
                | Refusal::LastOwner(_)
                | Refusal::QuotaExceeded { limit: _, used: _ }
                | Refusal::NoIdsLeft(_) => StatusCode::FORBIDDEN,
            },
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The reason of a refusal in the words of the contract; nothing for mistakes and failures.
    pub(super) const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Token(
                refusal @ (TokenRefusal::TokenMalformed
                | TokenRefusal::TokenExpired
                | TokenRefusal::TokenUntrusted),
            ) => Some(refusal.code_and_reason().1),
            Self::Refused(Refusal::SessionClosed) => Some("SESSION_CLOSED"),
            Self::Refused(Refusal::SessionExpired) => Some("SESSION_EXPIRED"),
            Self::Refused(Refusal::AccountDisabled) => Some("ACCOUNT_DISABLED"),
            Self::Refused(Refusal::Forbidden(_)) => Some("NOT_PERMITTED"),
            Self::Token(_)
            | Self::Refused(_)
            | Self::Bad(_)
            | Self::NoToken
            | Self::Busy
            | Self::Late => None,
        }
    }

    /// What the caller is told; the words of the core are about resources that the call does not name.
    fn sentence(&self) -> String {
        match self.status() {
            StatusCode::FORBIDDEN => {
                "evaluations are for service accounts with the scope `check`".to_owned()
            }
            _ => self.to_string(),
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, format!("{}\n", self.sentence())).into_response();
        let extra = match status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Bearer")),
            StatusCode::SERVICE_UNAVAILABLE => Some((header::RETRY_AFTER, "1")),
            _ => None,
        };
        if let Some((name, value)) = extra {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}
