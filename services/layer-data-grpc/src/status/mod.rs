//! What each error means on the wire: its code, its reason and its details, decided here and nowhere else (R120).
//!
//! Reasons are the values of the contract's `ErrorReason`, without the prefix.

mod ask;
mod copy;
mod deletion;
mod edit;
mod file;
mod layer;
mod read;
mod reversal;
mod statistics;
mod store;
mod structure;
mod watch;

use jmap_domain::{DenyReason, LayerId, Permission};
use jmap_wire::{Failure, FieldPath};
use tonic::{Code, Status};

pub(crate) use ask::RETRY_AFTER;
pub(crate) use copy::copy;
pub(crate) use deletion::deletion;
pub(crate) use edit::{edit, refusal};
pub(crate) use file::{export_file, import_file, row};
pub(crate) use layer::layer;
pub(crate) use read::{import, read};
pub(crate) use reversal::reversal;
pub(crate) use statistics::statistics;
pub(crate) use store::{inside, request_reused};
pub(crate) use structure::structure;
pub(crate) use watch::{feed_restored, watched};

use crate::DOMAIN;

/// The failure as this service's status.
pub(crate) fn status(failure: Failure) -> Status {
    failure.status(DOMAIN)
}

/// The call has used up its time.
pub(crate) fn deadline_exceeded() -> Failure {
    Failure::new(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the time for this call is up",
    )
}

/// A page token that is not one of this query.
pub(crate) fn invalid_page_token() -> Failure {
    let violation = FieldPath::of("page_token").invalid("is not a page token of this query");
    Failure::new(
        Code::InvalidArgument,
        "INVALID_PAGE_TOKEN",
        violation.to_string(),
    )
    .at(violation)
}

/// One text for a layer that is absent and for one that may not be seen (R40).
fn no_such_layer(layer: LayerId) -> Failure {
    let message = format!("layer `{layer}` does not exist");
    of_layer(Failure::new(Code::NotFound, "NOT_FOUND", message), layer)
}

/// The failure with the layer that it is about, which the call has named.
pub(crate) fn of_layer(failure: Failure, layer: LayerId) -> Failure {
    failure.fact("layer_id", layer.to_string())
}

/// A permission that is not held on a layer that may be seen.
fn not_permitted(layer: LayerId, permission: Permission, reason: DenyReason) -> Failure {
    let refuse = |code, name, message| {
        let failure = Failure::new(code, name, message);
        of_layer(failure, layer).fact("permission", permission.title())
    };
    match reason {
        DenyReason::NotVisible => no_such_layer(layer),
        DenyReason::NoGrant | DenyReason::OwnsNothing => {
            let message = format!("`{permission}` is not permitted on layer `{layer}`");
            refuse(Code::PermissionDenied, "NOT_PERMITTED", message)
        }
        DenyReason::EditingDisabled => {
            let message = format!("editing is disabled on layer `{layer}`");
            refuse(Code::FailedPrecondition, "EDITING_DISABLED", message)
        }
        DenyReason::SessionClosed | DenyReason::SessionExpired | DenyReason::AccountDisabled => {
            ask::signed_out(reason)
        }
    }
}
