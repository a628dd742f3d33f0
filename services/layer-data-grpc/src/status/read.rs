//! Reads and imports that were not begun, or ended early.

use jmap_wire::{Failure, FieldPath, FieldViolation};
use layer_data_core::{query::QueryError, reads::ReadError, transfer::ImportError};
use tonic::Code;

use super::{
    ask::{ask, unavailable},
    no_such_layer, not_permitted,
    store::{definition_changes, inside, store},
};

/// A read; `base` is the path of the query, nothing for the request itself.
pub(crate) fn read(error: ReadError, base: &FieldPath) -> Failure {
    let message = error.to_string();
    match error {
        ReadError::Ask(error) => ask(&error),
        ReadError::NoSuchLayer(layer) => no_such_layer(layer),
        ReadError::NotPermitted {
            layer,
            permission,
            reason,
        } => not_permitted(layer, permission, reason),
        ReadError::Query(error) => query(&error, base),
        ReadError::TooManyElements { maximum } => {
            Failure::new(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", message)
                .fact("maximum", maximum.to_string())
        }
        ReadError::TooLarge => Failure::new(Code::ResourceExhausted, "TOO_LARGE", message),
        ReadError::Store(error) => store(&error),
    }
}

fn query(error: &QueryError, base: &FieldPath) -> Failure {
    let selection = base.field("selection");
    let about = |reason, violation: FieldViolation| {
        Failure::new(Code::InvalidArgument, reason, violation.to_string()).at(violation)
    };
    match error {
        QueryError::UnknownAttribute(name) => {
            let violation = selection.field("filter").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", name)
        }
        QueryError::UnknownOutput(name) | QueryError::RepeatedAttribute(name) => {
            let violation = base.field("mask").field("attributes").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", name)
        }
        QueryError::WrongType {
            attribute,
            expected: _,
        }
        | QueryError::NotApplicable { attribute, kind: _ } => {
            let violation = selection.field("filter").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", attribute)
        }
        QueryError::EmptyJunction | QueryError::TooDeep | QueryError::TooManyConditions => {
            about("INVALID_FIELD", selection.field("filter").invalid(error))
        }
        QueryError::TooManyIds => {
            let violation = selection.field("element_ids").invalid(error);
            Failure::new(Code::ResourceExhausted, "TOO_LARGE", error.to_string()).at(violation)
        }
        QueryError::UnknownCrs(_) => about("INVALID_FIELD", selection.invalid(error)),
        QueryError::BadBox => about("INVALID_FIELD", selection.field("box").invalid(error)),
        QueryError::Operand(_) | QueryError::OperandOutside(_) => {
            let violation = selection.field("spatial").field("geometry").invalid(error);
            about("INVALID_GEOMETRY", violation)
        }
    }
}

/// An import as a whole.
pub(crate) fn import(error: ImportError) -> Failure {
    match error {
        ImportError::Ask(error) => ask(&error),
        ImportError::NoSuchLayer(layer) => no_such_layer(layer),
        ImportError::NotPermitted {
            layer,
            permission,
            reason,
        } => not_permitted(layer, permission, reason),
        ImportError::PermitsExpired => unavailable("the rows could not be committed in time"),
        ImportError::DefinitionChanges => definition_changes(),
        ImportError::Store(error) => store(&error),
        ImportError::WrongPermit(error) => inside(&error),
    }
}
