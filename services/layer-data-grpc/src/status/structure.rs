//! Definitions that were not changed.

use jmap_domain::{DenyReason, LayerId};
use jmap_wire::{Failure, FieldPath};
use layer_data_core::{
    definition::{ChangeError, ChangeFault, Contradiction, Contradictory, DefinitionVersion},
    ports::StoreError,
    structure::StructureError,
};
use tonic::Code;

use super::{
    ask::{ask, signed_out, unavailable},
    no_such_layer, of_layer,
    store::store,
};

pub(crate) fn structure(error: StructureError, layer: LayerId) -> Failure {
    let message = error.to_string();
    let failure = match error {
        StructureError::Ask(error) => ask(&error),
        StructureError::NoSuchLayer(layer) => return no_such_layer(layer),
        StructureError::NotPermitted { layer: _, reason } => not_permitted(reason, message),
        StructureError::Stale(current) => stale(current, message),
        StructureError::Change(error) => change(&error),
        StructureError::Contradicted(found) => contradicted(&found, &message),
        StructureError::PermitsExpired => unavailable("the change could not be committed in time"),
        StructureError::Store(StoreError::Dependent(_)) => {
            Failure::new(Code::FailedPrecondition, "PRECONDITION_FAILED", message)
        }
        StructureError::Store(error) => store(&error),
    };
    of_layer(failure, layer)
}

/// Another form of the definition than the caller's is the present one.
pub(super) fn stale(current: DefinitionVersion, message: String) -> Failure {
    Failure::new(Code::Aborted, "STALE_DEFINITION", message)
        .fact("current_version", current.0.to_string())
}

fn not_permitted(reason: DenyReason, message: String) -> Failure {
    match reason {
        DenyReason::SessionClosed | DenyReason::SessionExpired | DenyReason::AccountDisabled => {
            signed_out(reason)
        }
        DenyReason::NotVisible
        | DenyReason::NoGrant
        | DenyReason::OwnsNothing
        | DenyReason::EditingDisabled => {
            Failure::new(Code::PermissionDenied, "NOT_PERMITTED", message)
        }
    }
}

fn change(error: &ChangeError) -> Failure {
    let ChangeError { index, fault } = error;
    let path = FieldPath::of("changes").item(*index);
    let reason = match fault {
        ChangeFault::UnknownAttribute(_) | ChangeFault::NotDropped(_) => "INVALID_ATTRIBUTE",
        ChangeFault::Name(_)
        | ChangeFault::NameTaken(_)
        | ChangeFault::Constraint { .. }
        | ChangeFault::NotWider { .. }
        | ChangeFault::RuleNotWidened { .. }
        | ChangeFault::WidenedAndDropped(_)
        | ChangeFault::Retention(_)
        | ChangeFault::NeedsDefault(_)
        | ChangeFault::TooManyAttributes
        | ChangeFault::TooManyEver => return Failure::field(path.invalid(fault)),
    };
    let violation = path.invalid(fault);
    Failure::new(Code::InvalidArgument, reason, violation.to_string()).at(violation)
}

/// R46: whoever may change the structure learns how many elements contradict it and which, and none of their values.
fn contradicted(found: &[Contradiction], message: &str) -> Failure {
    let Some(first) = found.first() else {
        return Failure::internal();
    };
    let Contradiction {
        by,
        count,
        examples,
    } = first;
    let ids: Vec<String> = examples.iter().map(ToString::to_string).collect();
    let what = match by {
        Contradictory::Value { attribute: _, name } => format!("value of `{name}`"),
        Contradictory::Past { attribute: _, name } => {
            format!("past value of `{name}`, which history keeps")
        }
        Contradictory::NotUnique { attribute: _, name } => {
            format!("value of `{name}`, which others have as well")
        }
        Contradictory::Geometry => "geometry, which is not valid".to_owned(),
    };
    let message = format!(
        "{message}: {count} by their {what}, such as {}",
        ids.join(", ")
    );
    let failure = Failure::new(Code::FailedPrecondition, "DATA_CONTRADICTS", message)
        .fact("count", count.to_string())
        .fact("element_ids", ids.join(","));
    let (attribute, name, is_past) = match by {
        Contradictory::Value { attribute, name } | Contradictory::NotUnique { attribute, name } => {
            (attribute, name, false)
        }
        Contradictory::Past { attribute, name } => (attribute, name, true),
        Contradictory::Geometry => return failure,
    };
    let failure = failure
        .fact("attribute", name)
        .fact("attribute_id", attribute.to_string());
    if is_past {
        failure.fact("past", "true")
    } else {
        failure
    }
}
