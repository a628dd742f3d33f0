//! Reads and imports that were not begun, or ended early.

use std::num::NonZeroU64;

use jmap_wire::{Failure, FieldPath, FieldViolation};
use layer_data_core::{
    query::{QueryError, ShapeError},
    reads::ReadError,
    transfer::ImportError,
};
use tonic::Code;

use super::{
    ask::{ask, unavailable},
    edit::no_such_element,
    invalid_page_token, no_such_layer, not_permitted,
    store::{definition_changes, inside, store},
    structure::stale,
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
        ReadError::ForeignMark => invalid_page_token(),
        ReadError::Query(error) => query(&error, base),
        ReadError::TooManyElements { maximum } => too_many_elements(maximum, message),
        ReadError::Future => {
            let path = base.field("selection").field("as_of");
            let violation = path.invalid("has not been yet");
            Failure::new(
                Code::InvalidArgument,
                "INVALID_FIELD",
                violation.to_string(),
            )
            .at(violation)
        }
        ReadError::HistoryPruned(start) => {
            Failure::new(Code::FailedPrecondition, "HISTORY_PRUNED", message)
                .fact("kept_from_revision", start.revision.get().to_string())
                .fact("kept_from_time", start.time.to_string())
        }
        ReadError::Redefined(version) => stale(version, message),
        ReadError::NoSuchElement(_) => no_such_element(message),
        ReadError::TooLarge => Failure::new(Code::ResourceExhausted, "TOO_LARGE", message),
        ReadError::Store(error) => store(&error),
    }
}

/// More elements than the caller's maximum, or than the display limit.
pub(super) fn too_many_elements(maximum: NonZeroU64, message: String) -> Failure {
    Failure::new(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", message)
        .fact("maximum", maximum.to_string())
}

/// What a query says that makes no sense for its layer.
pub(super) fn query(error: &QueryError, base: &FieldPath) -> Failure {
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
        QueryError::UnknownSortKey(name) | QueryError::RepeatedSortKey(name) => {
            let violation = base.field("order_by").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", name)
        }
        QueryError::TooManySortKeys => {
            about("INVALID_FIELD", base.field("order_by").invalid(error))
        }
        QueryError::WrongType {
            attribute,
            expected: _,
        }
        | QueryError::NotApplicable { attribute, kind: _ } => {
            let violation = selection.field("filter").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", attribute)
        }
        QueryError::EmptyJunction
        | QueryError::TooDeep
        | QueryError::TooManyConditions
        | QueryError::TooManySearches
        | QueryError::TooManyRelations
        | QueryError::Cql2(_) => about("INVALID_FIELD", selection.field("filter").invalid(error)),
        QueryError::TooManyIds => {
            let violation = selection.field("element_ids").invalid(error);
            Failure::new(Code::ResourceExhausted, "TOO_LARGE", error.to_string()).at(violation)
        }
        QueryError::UnknownCrs(_) => about("INVALID_FIELD", selection.invalid(error)),
        QueryError::BadBox => about("INVALID_FIELD", selection.field("box").invalid(error)),
        QueryError::Shape(shape) => {
            let violation = field_of(shape, &selection.field("spatial")).invalid(error);
            about("INVALID_GEOMETRY", violation)
        }
        QueryError::FilterShape(_) => {
            about("INVALID_GEOMETRY", selection.field("filter").invalid(error))
        }
    }
}

/// The field of a spatial condition in which a shape is wrong.
fn field_of(error: &ShapeError, spatial: &FieldPath) -> FieldPath {
    match error {
        ShapeError::Geometry(_)
        | ShapeError::Invalid(_)
        | ShapeError::TooManyRings
        | ShapeError::Outside(_) => spatial.field("geometry"),
        ShapeError::Centre => spatial.field("circle"),
        ShapeError::Radius => spatial.field("circle").field("radius"),
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
        ImportError::TooManyKeys => {
            Failure::new(Code::ResourceExhausted, "TOO_LARGE", error.to_string())
        }
        ImportError::PermitsExpired => unavailable("the rows could not be committed in time"),
        ImportError::DefinitionChanges => definition_changes(),
        ImportError::Store(error) => store(&error),
        ImportError::WrongPermit(error) => inside(&error),
    }
}
