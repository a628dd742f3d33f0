//! Edits that were refused or not tried.

use jmap_wire::{Failure, FieldPath, FieldViolation, Violation};
use layer_data_core::{
    edit::{EditRefusal, UpsertError},
    edits::EditError,
    element::InputError,
};
use tonic::Code;

use super::{
    ask::{ask, unavailable},
    no_such_layer, not_permitted,
    store::{definition_changes, inside, store},
};

/// A call that edits; `base` is the path of the payload.
pub(crate) fn edit(error: EditError, base: &FieldPath) -> Failure {
    match error {
        EditError::Ask(error) => ask(&error),
        EditError::Empty => Failure::field(FieldPath::of("edits").violates(Violation::Missing)),
        EditError::TooManyEdits(maximum) => {
            Failure::field(FieldPath::of("edits").violates(Violation::TooMany { maximum }))
        }
        EditError::TooManyLayers => {
            Failure::new(Code::ResourceExhausted, "TOO_LARGE", error.to_string())
        }
        EditError::Refused(why) => refusal(why, base),
        EditError::PermitsExpired => unavailable("the edit could not be committed in time"),
        EditError::DefinitionChanges => definition_changes(),
        EditError::Contended => Failure::new(Code::Aborted, "STALE_REVISION", error.to_string()),
        EditError::Store(error) => store(&error),
        EditError::WrongPermit(error) => inside(&error),
    }
}

/// One edit; `base` is the path of its payload.
pub(crate) fn refusal(refusal: EditRefusal, base: &FieldPath) -> Failure {
    let message = refusal.to_string();
    match refusal {
        EditRefusal::NoSuchLayer(layer) => no_such_layer(layer),
        EditRefusal::NotPermitted {
            layer,
            permission,
            reason,
        } => not_permitted(layer, permission, reason),
        EditRefusal::Input(error) => input(&error, base),
        EditRefusal::NoSuchElement(_) => no_such_element(message),
        EditRefusal::NotOwn(_) => Failure::new(Code::PermissionDenied, "NOT_OWN_ELEMENT", message),
        EditRefusal::Stale {
            element: _,
            current,
        } => Failure::new(Code::Aborted, "STALE_REVISION", message)
            .fact("current_revision", current.get().to_string()),
        EditRefusal::NotUnique {
            attribute: _,
            name,
            index,
        } => {
            let values = base.field("values");
            let given = index.map(|index| values.item(index).field("value"));
            let violation = given.unwrap_or(values).invalid(message);
            Failure::new(Code::AlreadyExists, "NOT_UNIQUE", violation.to_string())
                .at(violation)
                .fact("attribute", name)
        }
    }
}

/// A layer that may be seen does not have the element.
pub(super) fn no_such_element(message: String) -> Failure {
    Failure::new(Code::NotFound, "ELEMENT_NOT_FOUND", message)
}

fn input(error: &InputError, base: &FieldPath) -> Failure {
    let values = base.field("values");
    let about = |reason, violation: FieldViolation| {
        Failure::new(Code::InvalidArgument, reason, violation.to_string()).at(violation)
    };
    match error {
        InputError::Geometry(error) => {
            about("INVALID_GEOMETRY", base.field("geometry").invalid(error))
        }
        InputError::UnknownAttribute { index, name }
        | InputError::DuplicateAttribute { index, name } => {
            let violation = values.item(*index).field("attribute").invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", name)
        }
        InputError::Value {
            index,
            name,
            fault: _,
        } => {
            let given = index.map(|index| values.item(index).field("value"));
            let violation = given.unwrap_or(values).invalid(error);
            about("INVALID_ATTRIBUTE", violation).fact("attribute", name)
        }
        InputError::EmptyChange => about("INVALID_FIELD", base.clone().invalid(error)),
        InputError::Upsert(fault) => {
            let (reason, path) = match fault {
                UpsertError::UnknownKey(_) | UpsertError::KeyNotUnique(_) => {
                    ("INVALID_ATTRIBUTE", base.field("key"))
                }
                UpsertError::NoKeyValue(_) => ("INVALID_ATTRIBUTE", values),
                UpsertError::NoGeometry => ("INVALID_GEOMETRY", base.field("geometry")),
                UpsertError::Entangled(_) => ("INVALID_FIELD", base.field("key")),
            };
            about(reason, path.invalid(error))
        }
    }
}
