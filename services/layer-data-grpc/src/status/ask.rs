//! Authorization's answer does not let a call begin.

use std::time::Duration;

use jmap_domain::DenyReason;
use jmap_wire::Failure;
use layer_data_core::AskError;
use tonic::Code;

use super::{deadline_exceeded, invalid_page_token};

/// How soon a call that found something out of reach may come back.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);

pub(super) fn ask(error: &AskError) -> Failure {
    match error {
        AskError::Unavailable => unavailable("authorization cannot be reached"),
        AskError::DeadlineExceeded => deadline_exceeded(),
        AskError::SignedOut(reason) => signed_out(*reason),
        AskError::NotASubject => Failure::new(
            Code::PermissionDenied,
            "NOT_PERMITTED",
            "a service has no rights on layers",
        ),
        AskError::NoSuchProject => {
            Failure::new(Code::NotFound, "NOT_FOUND", "the project does not exist")
        }
        AskError::BadPageToken => invalid_page_token(),
    }
}

/// R121: nothing is guessed, and the caller may try again.
pub(super) fn unavailable(message: &str) -> Failure {
    Failure::new(Code::Unavailable, "UNAVAILABLE", message).retry_after(RETRY_AFTER)
}

/// R117: why a session no longer counts.
pub(super) fn signed_out(reason: DenyReason) -> Failure {
    let (reason, message) = match reason {
        DenyReason::SessionExpired => ("SESSION_EXPIRED", "the session ran out"),
        DenyReason::AccountDisabled => ("ACCOUNT_DISABLED", "the account is disabled or deleted"),
        DenyReason::SessionClosed
        | DenyReason::NotVisible
        | DenyReason::NoGrant
        | DenyReason::EditingDisabled
        | DenyReason::OwnsNothing => ("SESSION_CLOSED", "the session was closed"),
    };
    Failure::new(Code::Unauthenticated, reason, message)
}
