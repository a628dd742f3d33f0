//! Copies that were not begun, or ended early.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::copy::{CopyError, MappingFault};
use tonic::Code;

use super::read::{import, read};

/// A copy as a whole.
pub(crate) fn copy(error: CopyError) -> Failure {
    match error {
        CopyError::Read(error) => read(error, &FieldPath::of("order")),
        CopyError::Write(error) => import(error),
        CopyError::Mapping(fault) => mapping(&fault),
    }
}

fn mapping(fault: &MappingFault) -> Failure {
    let violation = FieldPath::of("order").field("mapping").invalid(fault);
    let message = violation.to_string();
    Failure::new(Code::InvalidArgument, "INVALID_ATTRIBUTE", message)
        .at(violation)
        .fact("attribute", fault.attribute())
}
