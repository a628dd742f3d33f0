//! The refusals of the chassis itself, each with its code and reason decided here once (R120).

use std::time::Duration;

use http::Response;
use jmap_wire::Failure;
use tonic::{Code, Status, body::Body};

/// How soon a shed caller may come back.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// Why the chassis did not hand a call to its handler, or took it away from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// As many calls as configured are running.
    #[error("too many calls are running, come back shortly")]
    Overloaded,
    /// The caller's time, or the most that the service gives, is up.
    #[error("the time for this call is up")]
    DeadlineExceeded,
    /// The `grpc-timeout` header is not one.
    #[error("the `grpc-timeout` header is malformed")]
    MalformedTimeout,
    /// The message is larger than the service is configured to accept.
    #[error("the message is too large, send less at a time")]
    MessageTooLarge,
    /// The bytes are not a message of this call.
    #[error("the message cannot be decoded")]
    MessageMalformed,
    /// The handler panicked.
    #[error("the call failed by an error of the service")]
    Panicked,
    /// The handler was started without the stack, or the stack lost what it had put into the call.
    #[error("the call failed by an error of the service")]
    OutsideStack,
    /// The authorization header or the token in it has not the shape of one (R117).
    #[error("the token is malformed")]
    TokenMalformed,
    /// The token was valid once (R117).
    #[error("the token has expired")]
    TokenExpired,
    /// The token is not signed by a key of this installation, by its algorithm, for its audience (R117).
    #[error("the token was not issued by this installation")]
    TokenUntrusted,
    /// The keys that would verify the token cannot be had (R121).
    #[error("tokens cannot be verified at present")]
    KeysUnavailable,
}

impl Refusal {
    /// The code and the machine-readable reason.
    #[must_use]
    pub const fn code_and_reason(self) -> (Code, &'static str) {
        match self {
            Self::Overloaded => (Code::ResourceExhausted, "OVERLOADED"),
            Self::DeadlineExceeded => (Code::DeadlineExceeded, "DEADLINE_EXCEEDED"),
            Self::MessageTooLarge => (Code::ResourceExhausted, "TOO_LARGE"),
            Self::MalformedTimeout | Self::MessageMalformed => {
                (Code::InvalidArgument, "INVALID_FIELD")
            }
            Self::Panicked | Self::OutsideStack => (Code::Internal, "INTERNAL"),
            Self::TokenMalformed => (Code::Unauthenticated, "TOKEN_MALFORMED"),
            Self::TokenExpired => (Code::Unauthenticated, "TOKEN_EXPIRED"),
            Self::TokenUntrusted => (Code::Unauthenticated, "TOKEN_UNTRUSTED"),
            Self::KeysUnavailable => (Code::Unavailable, "UNAVAILABLE"),
        }
    }

    /// The refusal as a status with its details, in the error domain of the service.
    #[must_use]
    pub fn status(self, domain: &str) -> Status {
        let (code, reason) = self.code_and_reason();
        let failure = Failure::new(code, reason, self.to_string());
        let may_retry = matches!(self, Self::Overloaded | Self::KeysUnavailable);
        let failure = if may_retry {
            failure.retry_after(RETRY_AFTER)
        } else {
            failure
        };
        failure.status(domain)
    }

    /// The refusal as the response to a call.
    pub(crate) fn response(self, domain: &str) -> Response<Body> {
        self.status(domain).into_http()
    }
}
