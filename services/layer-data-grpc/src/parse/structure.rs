//! Changes of a layer's definition.

use jmap_domain::AttributeId;
use jmap_proto::layerdata::{
    self as pb, ChangeLayerDefinitionRequest, definition_change::Change as WireChange,
};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration, id, required};
use layer_data_core::{
    definition::{AttributeRules, DefinitionChange, DefinitionVersion},
    edit::{Intent, RequestKey},
    structure::StructureChange,
};

use super::definition::{
    attribute, attribute_type, constraints, invalid_polygons, keep_history, optional,
};

/// Most changes of one call, as the contract says.
const MAX_CHANGES: usize = 1_000;

/// Parses a change of a definition.
pub(crate) fn structure_change(
    request: ChangeLayerDefinitionRequest,
    key: Option<RequestKey>,
) -> Result<StructureChange, FieldViolation> {
    let ChangeLayerDefinitionRequest {
        layer_id,
        expected_version,
        changes,
        request_id: _,
        validate_only,
    } = request;
    let path = FieldPath::of("changes");
    if changes.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    if changes.len() > MAX_CHANGES {
        let maximum = MAX_CHANGES;
        return Err(path.violates(Violation::TooMany { maximum }));
    }
    let parse = |(index, wire)| change(&path.item(index), wire);
    Ok(StructureChange {
        layer: id("layer_id", layer_id)?,
        expected: version(expected_version)?,
        changes: changes
            .into_iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?,
        intent: if validate_only {
            Intent::Validate
        } else {
            Intent::Commit
        },
        request: key,
    })
}

fn version(number: i32) -> Result<DefinitionVersion, FieldViolation> {
    let path = FieldPath::of("expected_version");
    match u32::try_from(number) {
        Ok(0) => Err(path.violates(Violation::Missing)),
        Ok(number) => Ok(DefinitionVersion(number)),
        Err(_negative) => Err(path.invalid("is negative")),
    }
}

fn change(
    path: &FieldPath,
    wire: pb::DefinitionChange,
) -> Result<DefinitionChange, FieldViolation> {
    let pb::DefinitionChange { change } = wire;
    match required(path.clone(), change)? {
        WireChange::Add(pb::AddAttribute { attribute: wire }) => {
            let path = path.field("add").field("attribute");
            let wire = required(path.clone(), wire)?;
            Ok(DefinitionChange::Add(attribute(&path, wire)?))
        }
        WireChange::Rename(pb::RenameAttribute { attribute_id, name }) => {
            Ok(DefinitionChange::Rename {
                attribute: attribute_of(&path.field("rename"), attribute_id)?,
                name,
            })
        }
        WireChange::Describe(wire) => describe(&path.field("describe"), wire),
        WireChange::Move(wire) => moved(&path.field("move"), wire),
        WireChange::Constrain(wire) => constrain(&path.field("constrain"), wire),
        WireChange::Widen(wire) => widen(&path.field("widen"), wire),
        WireChange::Drop(pb::DropAttribute { attribute_id }) => {
            attribute_of(&path.field("drop"), attribute_id).map(DefinitionChange::Drop)
        }
        WireChange::Restore(pb::RestoreAttribute { attribute_id }) => {
            attribute_of(&path.field("restore"), attribute_id).map(DefinitionChange::Restore)
        }
        WireChange::Purge(pb::PurgeAttribute { attribute_id }) => {
            attribute_of(&path.field("purge"), attribute_id).map(DefinitionChange::Purge)
        }
        WireChange::SetInvalidPolygons(pb::SetInvalidPolygonPolicy { policy }) => {
            let path = path.field("set_invalid_polygons").field("policy");
            enumeration(path, policy, invalid_polygons).map(DefinitionChange::Judge)
        }
        WireChange::SetHistoryRetention(pb::SetHistoryRetention { keep_for }) => {
            Ok(DefinitionChange::KeepHistory(keep_history(keep_for)))
        }
    }
}

fn attribute_of(path: &FieldPath, number: i64) -> Result<AttributeId, FieldViolation> {
    id(path.field("attribute_id"), number)
}

fn describe(
    path: &FieldPath,
    wire: pb::DescribeAttribute,
) -> Result<DefinitionChange, FieldViolation> {
    let pb::DescribeAttribute {
        attribute_id,
        label,
        description,
        input_hint,
    } = wire;
    Ok(DefinitionChange::Describe {
        attribute: attribute_of(path, attribute_id)?,
        label,
        description,
        input_hint,
    })
}

fn moved(path: &FieldPath, wire: pb::MoveAttribute) -> Result<DefinitionChange, FieldViolation> {
    let pb::MoveAttribute {
        attribute_id,
        place,
    } = wire;
    let negative = |_| path.field("place").invalid("is negative");
    Ok(DefinitionChange::Move {
        attribute: attribute_of(path, attribute_id)?,
        place: usize::try_from(place).map_err(negative)?,
    })
}

fn constrain(
    path: &FieldPath,
    wire: pb::ConstrainAttribute,
) -> Result<DefinitionChange, FieldViolation> {
    let pb::ConstrainAttribute {
        attribute_id,
        required,
        read_only,
        default_value,
        constraints: given,
    } = wire;
    let given = given.map(|given| constraints(&path.field("constraints"), given));
    Ok(DefinitionChange::Constrain {
        attribute: attribute_of(path, attribute_id)?,
        rules: AttributeRules {
            required,
            read_only,
            default: optional(path.field("default_value"), default_value)?,
            constraints: given.transpose()?,
        },
    })
}

fn widen(path: &FieldPath, wire: pb::WidenAttribute) -> Result<DefinitionChange, FieldViolation> {
    let pb::WidenAttribute {
        attribute_id,
        r#type,
    } = wire;
    Ok(DefinitionChange::Widen {
        attribute: attribute_of(path, attribute_id)?,
        to: enumeration(path.field("type"), r#type, attribute_type)?,
    })
}
