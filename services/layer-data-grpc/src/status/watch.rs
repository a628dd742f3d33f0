//! Watches that were not begun, or ended early.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::{query::QueryError, reads::ReadError};
use tonic::Code;

use super::read;

/// The watch of a layer, by its place in the request.
pub(crate) fn watched(error: ReadError, index: usize) -> Failure {
    let base = FieldPath::of("layers").item(index);
    if let ReadError::Query(error @ (QueryError::BadBox | QueryError::UnknownCrs(_))) = error {
        base.field("box").invalid(error).into()
    } else {
        read(error, &base)
    }
}

/// The same revision is another one now.
pub(crate) fn feed_restored() -> Failure {
    let message =
        "the installation was restored since the position was given, read the layer again";
    Failure::new(Code::FailedPrecondition, "FEED_RESTORED", message)
}
