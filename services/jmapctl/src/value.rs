//! Attribute values as people write them, and as programs read them.

use base64::{Engine, prelude::BASE64_STANDARD};
use jmap_proto::types::{AttributeType, NullValue, Value, value::Kind};
use layer_data_core::value::{Date, DateTime};
use serde_json::{Value as Json, json};

/// Reads a value of a type: dates as `2024-02-29`, instants as `2024-02-29T12:30:00Z`, bytes as base64.
pub(crate) fn parse(kind: AttributeType, text: &str) -> Result<Value, String> {
    let parsed = match kind {
        AttributeType::String => Some(Kind::String(text.to_owned())),
        AttributeType::Integer => text.parse().ok().map(Kind::Integer),
        AttributeType::Double => text.parse().ok().map(Kind::Double),
        AttributeType::Boolean => text.parse().ok().map(Kind::Boolean),
        AttributeType::Date => Date::parse(text).ok().map(|date| Kind::Date(date.days())),
        AttributeType::DateTime => DateTime::parse(text)
            .ok()
            .map(|time| Kind::DateTime(time.millis())),
        AttributeType::Binary => BASE64_STANDARD
            .decode(text)
            .ok()
            .map(|bytes| Kind::Binary(bytes.into())),
        AttributeType::Unspecified => None,
    };
    match parsed {
        Some(kind) => Ok(Value { kind: Some(kind) }),
        None => Err(format!("`{text}` is no {}", described(kind))),
    }
}

/// The explicit absence of a value.
pub(crate) const fn null() -> Value {
    Value {
        kind: Some(Kind::Null(NullValue {})),
    }
}

const fn described(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "text",
        AttributeType::Integer => "integer",
        AttributeType::Double => "number",
        AttributeType::Boolean => "boolean: write true or false",
        AttributeType::Date => "date: write it as 2024-02-29",
        AttributeType::DateTime => "datetime: write it as 2024-02-29T12:30:00Z",
        AttributeType::Binary => "binary value: write it as base64",
        AttributeType::Unspecified => "value: the attribute's type is unknown",
    }
}

/// The word of a type.
pub(crate) fn type_word(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "string",
        AttributeType::Integer => "integer",
        AttributeType::Double => "double",
        AttributeType::Boolean => "boolean",
        AttributeType::Date => "date",
        AttributeType::DateTime => "datetime",
        AttributeType::Binary => "binary",
        AttributeType::Unspecified => "unknown",
    }
}

/// The value for programs: dates, instants and bytes as text, as they are written.
pub(crate) fn json(value: &Value) -> Json {
    match &value.kind {
        None | Some(Kind::Null(NullValue {})) => Json::Null,
        Some(Kind::String(text)) => json!(text),
        Some(Kind::Integer(number)) => json!(number),
        Some(Kind::Double(number)) => json!(number),
        Some(Kind::Boolean(truth)) => json!(truth),
        Some(Kind::Date(days)) => {
            Date::from_days(*days).map_or(Json::Null, |date| json!(date.to_string()))
        }
        Some(Kind::DateTime(millis)) => {
            DateTime::from_millis(*millis).map_or(Json::Null, |time| json!(time.to_string()))
        }
        Some(Kind::Binary(bytes)) => json!(BASE64_STANDARD.encode(bytes)),
    }
}

/// The value for people; null is an empty cell.
pub(crate) fn text(value: &Value) -> String {
    match json(value) {
        Json::Null => String::new(),
        Json::String(text) => text,
        other @ (Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_)) => {
            other.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_as_they_are_written() {
        // R104.
        for (kind, written) in [
            (AttributeType::String, "São Tomé"),
            (AttributeType::Integer, "-9007199254740993"),
            (AttributeType::Double, "0.5"),
            (AttributeType::Boolean, "true"),
            (AttributeType::Date, "2024-02-29"),
            (AttributeType::DateTime, "2024-02-29T12:30:00.000Z"),
            (AttributeType::Binary, "AQID"),
        ] {
            assert_eq!(text(&parse(kind, written).unwrap()), written);
        }
    }

    #[test]
    fn a_value_of_another_type_is_refused() {
        // R105.
        for (kind, written) in [
            (AttributeType::Integer, "1.5"),
            (AttributeType::Double, "much"),
            (AttributeType::Boolean, "yes"),
            (AttributeType::Date, "29.2.2024"),
            (AttributeType::DateTime, "2024-02-29"),
            (AttributeType::Binary, "***"),
            (AttributeType::Unspecified, "x"),
        ] {
            assert!(parse(kind, written).is_err(), "{written}");
        }
    }

    #[test]
    fn null_is_not_the_empty_text() {
        // R104.
        let empty = parse(AttributeType::String, "").unwrap();
        assert_ne!(empty, null());
        assert_eq!((json(&null()), json(&empty)), (Json::Null, json!("")));
    }
}
