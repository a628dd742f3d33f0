//! Layers that were not created, deleted or shown.

use jmap_wire::{Failure, FieldPath};
use layer_data_core::{definition::DefinitionError, layers::LayerError, ports::RegistryError};
use tonic::Code;

use super::{
    ask::{ask, unavailable},
    deadline_exceeded, no_such_layer,
    store::{request_reused, store},
};

pub(crate) fn layer(error: LayerError) -> Failure {
    match error {
        LayerError::Ask(error) => ask(&error),
        LayerError::NoSuchLayer(layer) => no_such_layer(layer),
        LayerError::MayNotCreate(_) | LayerError::MayNotDelete(_) => {
            Failure::new(Code::PermissionDenied, "NOT_PERMITTED", error.to_string())
        }
        LayerError::Definition(error) => definition(&error),
        LayerError::Registry(error) => registry(&error),
        LayerError::Store(error) => store(&error),
    }
}

fn definition(error: &DefinitionError) -> Failure {
    let base = FieldPath::of("definition");
    let attributes = base.field("attributes");
    let path = match error {
        DefinitionError::UnknownCrs(_) => base.field("epsg"),
        DefinitionError::Retention(_) => base.field("keep_history_for"),
        DefinitionError::TooManyAttributes => attributes,
        DefinitionError::Name { index, fault: _ }
        | DefinitionError::DuplicateName { index, name: _ } => {
            attributes.item(*index).field("name")
        }
        DefinitionError::Constraint {
            index,
            name: _,
            fault: _,
        } => attributes.item(*index),
    };
    Failure::field(path.invalid(error))
}

fn registry(error: &RegistryError) -> Failure {
    let refuse = |code, reason| Failure::new(code, reason, error.to_string());
    match error {
        RegistryError::Unavailable => unavailable("authorization cannot be reached"),
        RegistryError::DeadlineExceeded => deadline_exceeded(),
        RegistryError::SignInRequired => refuse(Code::Unauthenticated, "SIGN_IN_REQUIRED"),
        RegistryError::NotFound => refuse(Code::NotFound, "NOT_FOUND"),
        RegistryError::NotPermitted => refuse(Code::PermissionDenied, "NOT_PERMITTED"),
        RegistryError::NameTaken => {
            refuse(Code::AlreadyExists, "NAME_TAKEN").at(FieldPath::of("name").invalid(error))
        }
        RegistryError::Invalid(_) => refuse(Code::InvalidArgument, "INVALID_FIELD"),
        RegistryError::Precondition(_) | RegistryError::ReservationExpired => {
            refuse(Code::FailedPrecondition, "PRECONDITION_FAILED")
        }
        RegistryError::QuotaExceeded { limit, used } => {
            refuse(Code::ResourceExhausted, "QUOTA_EXCEEDED")
                .fact("limit", limit.to_string())
                .fact("used", used.to_string())
        }
        RegistryError::ConfirmationMismatch => {
            refuse(Code::FailedPrecondition, "CONFIRMATION_MISMATCH")
        }
        RegistryError::RequestReused => request_reused(),
    }
}
