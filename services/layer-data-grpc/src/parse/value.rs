//! Attribute values, and how attributes are named.

use jmap_proto::{
    layerdata::{AttributeRef as WireRef, attribute_ref::Attribute},
    types::{self as pb, value::Kind},
};
use jmap_wire::{FieldPath, FieldViolation, id, required};
use layer_data_core::{
    element::AttributeRef,
    value::{Date, DateTime, Finite, Text, Value, ValueError},
};

/// Parses a value; null is explicit, and an unset value is refused (R104).
pub(crate) fn value(path: FieldPath, value: Option<pb::Value>) -> Result<Value, FieldViolation> {
    let pb::Value { kind } = required(path.clone(), value)?;
    let kind = required(path.clone(), kind)?;
    of_kind(kind).map_err(|error| path.invalid(error))
}

fn of_kind(kind: Kind) -> Result<Value, ValueError> {
    Ok(match kind {
        Kind::Null(pb::NullValue {}) => Value::Null,
        Kind::String(text) => Value::String(Text::new(text)?),
        Kind::Integer(number) => Value::Integer(number),
        Kind::Double(number) => Value::Double(Finite::new(number)?),
        Kind::Boolean(truth) => Value::Boolean(truth),
        Kind::Date(days) => Value::Date(Date::from_days(days)?),
        Kind::DateTime(millis) => Value::DateTime(DateTime::from_millis(millis)?),
        Kind::Binary(bytes) => Value::Binary(bytes.into()),
    })
}

/// Parses how an attribute is named: by id, or by name.
pub(crate) fn attribute_ref(
    path: &FieldPath,
    attribute: Option<WireRef>,
) -> Result<AttributeRef, FieldViolation> {
    let WireRef { attribute } = required(path.clone(), attribute)?;
    match required(path.clone(), attribute)? {
        Attribute::AttributeId(number) => {
            Ok(AttributeRef::Id(id(path.field("attribute_id"), number)?))
        }
        Attribute::Name(name) => Ok(AttributeRef::Name(name)),
    }
}
