//! Restorations and reversals.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::{edits::ReversalError, reads::ReadError};

use super::{edit::edit, read::read};

/// Nothing is brought back.
pub(crate) fn reversal(error: ReversalError) -> Failure {
    match error {
        ReversalError::Edit(error) => edit(error, &FieldPath::default()),
        ReversalError::Read(ReadError::Future) => {
            FieldPath::of("edits").invalid("have not been yet").into()
        }
        ReversalError::Read(error) => read(error, &FieldPath::default()),
    }
}
