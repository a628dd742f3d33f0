//! The storage did not do what it was asked.

use std::error::Error;

use jmap_wire::Failure;
use layer_data_core::ports::StoreError;
use tonic::Code;
use tracing::error;

use super::ask::{RETRY_AFTER, unavailable};

/// The layer's definition was changed again and again while elements were checked against it.
pub(super) fn definition_changes() -> Failure {
    unavailable("the layer's definition is being changed")
}

pub(super) fn store(error: &StoreError) -> Failure {
    match error {
        StoreError::PermitExpired => unavailable("the edit could not be committed in time"),
        StoreError::LayerMissing(layer) => {
            error!(layer = layer.get(), "a registered layer has no storage");
            Failure::new(
                Code::Unavailable,
                "UNAVAILABLE",
                format!("the storage of layer `{layer}` is missing"),
            )
        }
        StoreError::DefinitionChanged(_) => definition_changes(),
        StoreError::Dependent(_) => inside(error),
        StoreError::LayerExists(_) => inside(error),
        StoreError::RequestReused => request_reused(),
        StoreError::OtherInstallation => inside(error),
        StoreError::Overloaded => Failure::new(
            Code::ResourceExhausted,
            "OVERLOADED",
            "the storage is busy, come back shortly",
        )
        .retry_after(RETRY_AFTER),
        StoreError::Unavailable => unavailable("the storage is not available"),
        StoreError::Unexpected(_) => inside(error),
    }
}

/// The request id was used for another request (R109).
pub(crate) fn request_reused() -> Failure {
    Failure::new(
        Code::FailedPrecondition,
        "REQUEST_ID_REUSED",
        "the request id was used for another request",
    )
}

/// A mistake of ours: the log gets the whole chain of causes, the caller a fixed sentence.
pub(crate) fn inside(cause: &(dyn Error + 'static)) -> Failure {
    error!(error = cause, "the call failed");
    Failure::internal()
}
