//! A file's values as values of an attribute's type (R104, R105, R115), and back as text.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use layer_data_core::value::{AttributeType, Date, DateTime, Value};

use crate::{error::RowFault, row::Cell};

/// The integers that a double holds exactly; beyond them a JSON number like `1e18` may mean another.
const EXACT_INTEGERS: f64 = 9_007_199_254_740_992.0;

/// Takes a cell as a value of a type.
pub(crate) fn value_of(cell: Cell, kind: AttributeType) -> Result<Value, RowFault> {
    let found = cell.name();
    let value = match (kind, cell) {
        (_, Cell::Null) => Some(Value::Null),
        (_, Cell::Untyped(text)) => return untyped(text, kind),
        (AttributeType::String, Cell::Text(text)) => Some(Value::text(text)?),
        (AttributeType::Integer, Cell::Integer(number)) => Some(Value::Integer(number)),
        (AttributeType::Integer, Cell::Double(number)) => whole(number).map(Value::Integer),
        (AttributeType::Double, Cell::Integer(number)) => Some(Value::double(widened(number))?),
        (AttributeType::Double, Cell::Double(number)) => Some(Value::double(number)?),
        (AttributeType::Boolean, Cell::Boolean(truth)) => Some(Value::Boolean(truth)),
        (AttributeType::Date, Cell::Text(text)) => Some(Value::Date(Date::parse(&text)?)),
        (AttributeType::DateTime, Cell::Text(text)) => {
            Some(Value::DateTime(DateTime::parse(&text)?))
        }
        (AttributeType::Binary, Cell::Text(text)) => binary(&text),
        _ => None,
    };
    value.ok_or(RowFault::WrongType {
        found,
        expected: expected(kind),
    })
}

/// Takes a CSV field. Exports that quote everything write `""` for no value, so only types that have an empty
/// value take it for one.
fn untyped(text: String, kind: AttributeType) -> Result<Value, RowFault> {
    let trimmed = text.trim();
    let value = match kind {
        AttributeType::String => return Ok(Value::text(text)?),
        AttributeType::Binary => binary(trimmed),
        _ if trimmed.is_empty() => Some(Value::Null),
        AttributeType::Integer => trimmed.parse().ok().map(Value::Integer),
        AttributeType::Double => trimmed.parse().ok().map(Value::double).transpose()?,
        AttributeType::Boolean => boolean(trimmed).map(Value::Boolean),
        AttributeType::Date => Some(Value::Date(Date::parse(trimmed)?)),
        AttributeType::DateTime => Some(Value::DateTime(DateTime::parse(trimmed)?)),
    };
    value.ok_or(RowFault::WrongType {
        found: "the text",
        expected: expected(kind),
    })
}

/// How CSV files write booleans.
pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

fn binary(text: &str) -> Option<Value> {
    STANDARD.decode(text).ok().map(Value::Binary)
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "whole and within the range that is exact"
)]
fn whole(number: f64) -> Option<i64> {
    let exact = number.fract() == 0.0 && number.abs() <= EXACT_INTEGERS;
    exact.then_some(number as i64)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a double attribute holds what a double holds"
)]
const fn widened(number: i64) -> f64 {
    number as f64
}

const fn expected(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "a text",
        AttributeType::Integer => "an integer",
        AttributeType::Double => "a number",
        AttributeType::Boolean => "true or false",
        AttributeType::Date => "a date such as `2024-02-29`",
        AttributeType::DateTime => "a datetime such as `2024-02-29T12:30:00Z`",
        AttributeType::Binary => "base64 text",
    }
}

/// The text of a value; `None` for null.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().to_owned()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Double(number) => Some(number.get().to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        Value::Date(date) => Some(date.to_string()),
        Value::DateTime(instant) => Some(instant.to_string()),
        Value::Binary(bytes) => Some(STANDARD.encode(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }

    fn field(text: &str) -> Cell {
        Cell::Untyped(text.to_owned())
    }

    #[test]
    fn null_is_not_an_empty_text_nor_empty_bytes() {
        // R104.
        assert_eq!(value_of(Cell::Null, AttributeType::String), Ok(Value::Null));
        assert_eq!(
            value_of(text(""), AttributeType::String),
            Ok(Value::text("").unwrap())
        );
        assert_eq!(
            value_of(field(""), AttributeType::Binary),
            Ok(Value::Binary(Vec::new()))
        );
        assert_eq!(value_of(field(""), AttributeType::Integer), Ok(Value::Null));
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        // R105.
        for (cell, kind) in [
            (Cell::Integer(1), AttributeType::String),
            (Cell::Boolean(true), AttributeType::Integer),
            (Cell::Double(1.5), AttributeType::Integer),
            (Cell::Double(1e19), AttributeType::Integer),
            (text("1"), AttributeType::Integer),
            (field("1.0"), AttributeType::Integer),
            (text("true"), AttributeType::Boolean),
            (field("yes"), AttributeType::Boolean),
            (text("not base64!"), AttributeType::Binary),
            (Cell::Numbers(vec![]), AttributeType::String),
            (Cell::Object(vec![]), AttributeType::String),
        ] {
            assert!(
                matches!(
                    value_of(cell.clone(), kind),
                    Err(RowFault::WrongType { .. })
                ),
                "{cell:?} {kind}"
            );
        }
    }

    #[test]
    fn whole_json_numbers_are_integers_however_they_are_written() {
        assert_eq!(
            value_of(Cell::Double(1e3), AttributeType::Integer),
            Ok(Value::Integer(1000))
        );
        assert_eq!(
            value_of(Cell::Integer(7), AttributeType::Double),
            Ok(Value::double(7.0).unwrap())
        );
    }

    #[test]
    fn numbers_are_finite_and_texts_have_no_nul() {
        // R115.
        for cell in [
            Cell::Double(f64::INFINITY),
            field("1e999"),
            field("NaN"),
            field("inf"),
        ] {
            assert!(matches!(
                value_of(cell, AttributeType::Double),
                Err(RowFault::Value(_))
            ));
        }
        assert!(matches!(
            value_of(text("a\0"), AttributeType::String),
            Err(RowFault::Value(_))
        ));
    }
}
