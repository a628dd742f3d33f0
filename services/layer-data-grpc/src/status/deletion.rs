//! Deletions of what a selection finds.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::edits::DeletionError;
use tonic::Code;

use super::{edit::edit, read::read};

/// A deletion that is not done.
pub(crate) fn deletion(error: DeletionError) -> Failure {
    let base = FieldPath::default();
    match error {
        DeletionError::Edit(error) => edit(error, &base),
        DeletionError::Read(error) => read(error, &base),
        DeletionError::Past => {
            let path = base.field("selection").field("as_of");
            path.invalid("what was cannot be deleted").into()
        }
        DeletionError::MaximumTooLarge(_) => {
            FieldPath::of("maximum").invalid(error.to_string()).into()
        }
        DeletionError::Contended => {
            Failure::new(Code::Aborted, "STALE_REVISION", error.to_string())
        }
    }
}
