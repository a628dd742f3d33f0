//! Attribute values as SQLite keeps them: days and instants as text that sorts as they do.

use layer_data_core::value::{AttributeType, Date, DateTime, MAX_EXACT, Value, hexadecimal};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

/// The type by which GeoPackage declares a column.
pub(crate) const fn column_type(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "TEXT",
        AttributeType::Integer => "INTEGER",
        AttributeType::Double => "DOUBLE",
        AttributeType::Boolean => "BOOLEAN",
        AttributeType::Date => "DATE",
        AttributeType::DateTime => "DATETIME",
        AttributeType::Binary => "BLOB",
    }
}

/// From here on not every whole number has a double of its own.
#[expect(
    clippy::cast_precision_loss,
    reason = "it is the first that loses none"
)]
const EXACT: f64 = MAX_EXACT as f64;

/// A value as an SQL literal, for defaults of columns, which take no parameters. `None` for null, and for fractions:
/// SQLite does not read every decimal fraction to the last bit.
pub(crate) fn literal(value: &Value) -> Option<String> {
    let text = |text: &str| Some(format!("'{}'", text.replace('\'', "''")));
    match value {
        Value::Null => None,
        Value::String(string) => text(string.as_str()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Double(number) => {
            let number = number.get();
            (number.fract() == 0.0 && number.abs() < EXACT).then(|| format!("{number:.1}"))
        }
        Value::Boolean(flag) => Some(u8::from(*flag).to_string()),
        Value::Date(day) => text(&day.to_string()),
        Value::DateTime(instant) => text(&instant.to_string()),
        Value::Binary(bytes) => Some(format!("x'{}'", hexadecimal(bytes))),
    }
}

/// Adds a value to a statement, always as a bound parameter.
pub(crate) fn push_value(sql: &mut QueryBuilder<Sqlite>, value: &Value) {
    match value {
        // Bound as well, so that the text of a statement does not depend on its values and stays prepared.
        Value::Null => sql.push_bind(None::<i64>),
        Value::String(text) => sql.push_bind(text.as_str()),
        Value::Integer(number) => sql.push_bind(*number),
        Value::Double(number) => sql.push_bind(number.get()),
        Value::Boolean(flag) => sql.push_bind(*flag),
        Value::Date(day) => sql.push_bind(day.to_string()),
        Value::DateTime(instant) => sql.push_bind(instant.to_string()),
        Value::Binary(bytes) => sql.push_bind(bytes.as_slice()),
    };
}

/// Reads a column. The driver's own check of types goes by the declared one and is passed over.
pub(crate) fn read_value(
    row: &SqliteRow,
    column: usize,
    kind: AttributeType,
) -> Result<Value, sqlx::Error> {
    let decode = |error: layer_data_core::value::ValueError| sqlx::Error::Decode(error.into());
    let value = match kind {
        AttributeType::String => {
            let text = row.try_get_unchecked::<Option<String>, _>(column)?;
            text.map(Value::text).transpose().map_err(decode)?
        }
        AttributeType::Integer => row
            .try_get_unchecked::<Option<i64>, _>(column)?
            .map(Value::Integer),
        AttributeType::Double => {
            let number = row.try_get_unchecked::<Option<f64>, _>(column)?;
            number.map(Value::double).transpose().map_err(decode)?
        }
        AttributeType::Boolean => row
            .try_get_unchecked::<Option<bool>, _>(column)?
            .map(Value::Boolean),
        AttributeType::Date => {
            let text = row.try_get_unchecked::<Option<&str>, _>(column)?;
            text.map(Date::parse)
                .transpose()
                .map_err(decode)?
                .map(Value::Date)
        }
        AttributeType::DateTime => {
            let text = row.try_get_unchecked::<Option<&str>, _>(column)?;
            text.map(DateTime::parse)
                .transpose()
                .map_err(decode)?
                .map(Value::DateTime)
        }
        AttributeType::Binary => row
            .try_get_unchecked::<Option<Vec<u8>>, _>(column)?
            .map(Value::Binary),
    };
    Ok(value.unwrap_or(Value::Null))
}
