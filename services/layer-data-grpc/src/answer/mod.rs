//! Words of the core into answers.

mod definition;
mod edit;
mod element;
mod layer;
mod statistics;

pub(crate) use definition::{definition, dropped, geometry_type};
pub(crate) use edit::{batch_report, edited};
pub(crate) use element::{ElementWriter, bounds, header};
pub(crate) use layer::layer;
pub(crate) use statistics::statistics;

use jmap_proto::types::{NullValue, Value as WireValue, value::Kind};
use layer_data_core::value::Value;

/// A number of things, which the contract counts with a sign.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A value of the contract.
pub(crate) fn value(value: &Value) -> WireValue {
    let kind = match value {
        Value::Null => Kind::Null(NullValue {}),
        Value::String(text) => Kind::String(text.as_str().to_owned()),
        Value::Integer(number) => Kind::Integer(*number),
        Value::Double(number) => Kind::Double(number.get()),
        Value::Boolean(truth) => Kind::Boolean(*truth),
        Value::Date(day) => Kind::Date(day.days()),
        Value::DateTime(instant) => Kind::DateTime(instant.millis()),
        Value::Binary(bytes) => Kind::Binary(bytes.clone().into()),
    };
    WireValue { kind: Some(kind) }
}
