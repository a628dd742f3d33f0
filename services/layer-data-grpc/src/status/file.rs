//! Files that cannot be read or written, and rows of them.

use jmap_wire::Failure;
use layer_data_formats::{FileError, RowError, WriteError};
use tonic::Code;

use super::store::inside;

/// A file that cannot be read any further.
pub(crate) fn import_file(error: &FileError) -> Failure {
    let refuse = |code, reason| Failure::new(code, reason, error.to_string());
    match error {
        FileError::Io(_) => inside(error),
        FileError::TooLarge {
            row: _,
            limit: _,
            unit: _,
        } => refuse(Code::ResourceExhausted, "TOO_LARGE"),
        FileError::Broken(_)
        | FileError::NotAFeatureCollection
        | FileError::NoHeader
        | FileError::DuplicateColumn(_)
        | FileError::NoGeometryColumn
        | FileError::UnknownCrs(_)
        | FileError::LateCrs => refuse(Code::InvalidArgument, "INVALID_FILE"),
    }
}

/// A row that the file's reader could not take.
pub(crate) fn row(error: &RowError) -> Failure {
    let RowError {
        row: _,
        field,
        fault,
    } = error;
    let (column, why) = (field.clone().unwrap_or_default(), fault.to_string());
    Failure::new(Code::InvalidArgument, "INVALID_FILE", why.clone()).named(column, why)
}

/// A file that cannot be written.
pub(crate) fn export_file(error: &WriteError) -> Failure {
    match error {
        WriteError::CannotStateCrs(_)
        | WriteError::Transform {
            element: _,
            fault: _,
        } => Failure::new(
            Code::FailedPrecondition,
            "PRECONDITION_FAILED",
            error.to_string(),
        ),
        WriteError::Incomplete(_) | WriteError::Json(_) => inside(error),
    }
}
