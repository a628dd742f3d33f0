//! Attribute values in PostgreSQL's binary form: parameters, rows of COPY and results alike.

use layer_data_core::value::{AttributeType, Date, DateTime, Value};
use sqlx::{
    Encode, Postgres, Row, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgRow, PgTypeInfo, types::Oid},
};

/// PostgreSQL counts from the year 2000: days, and milliseconds, since 1970.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MILLIS: i64 = 946_684_800_000;
const MICROS: i64 = 1_000;

/// The type of an attribute's column. Text orders by code point (R115).
pub(crate) const fn column_type(kind: AttributeType) -> &'static str {
    match kind {
        AttributeType::String => "text collate \"C\"",
        AttributeType::Integer => "bigint",
        AttributeType::Double => "double precision",
        AttributeType::Boolean => "boolean",
        AttributeType::Date => "date",
        AttributeType::DateTime => "timestamp with time zone",
        AttributeType::Binary => "bytea",
    }
}

/// The numbers of PostgreSQL's own types never change: of one value, and of a list.
const fn oids(kind: AttributeType) -> (Oid, Oid) {
    match kind {
        AttributeType::String => (Oid(25), Oid(1009)),
        AttributeType::Integer => (Oid(20), Oid(1016)),
        AttributeType::Double => (Oid(701), Oid(1022)),
        AttributeType::Boolean => (Oid(16), Oid(1000)),
        AttributeType::Date => (Oid(1082), Oid(1182)),
        AttributeType::DateTime => (Oid(1184), Oid(1185)),
        AttributeType::Binary => (Oid(17), Oid(1001)),
    }
}

/// Adds a value's bytes.
pub(crate) fn put(value: &Value, out: &mut Vec<u8>) -> IsNull {
    match value {
        Value::Null => return IsNull::Yes,
        Value::String(text) => out.extend_from_slice(text.as_str().as_bytes()),
        Value::Integer(number) => out.extend_from_slice(&number.to_be_bytes()),
        Value::Double(number) => out.extend_from_slice(&number.get().to_be_bytes()),
        Value::Boolean(flag) => out.push(u8::from(*flag)),
        Value::Date(day) => out.extend_from_slice(&(day.days() - EPOCH_DAYS).to_be_bytes()),
        Value::DateTime(instant) => {
            let micros = (instant.millis() - EPOCH_MILLIS) * MICROS;
            out.extend_from_slice(&micros.to_be_bytes());
        }
        Value::Binary(bytes) => out.extend_from_slice(bytes),
    }
    IsNull::No
}

/// Adds what `put` writes, behind its length; a null has the length -1.
pub(crate) fn put_measured(
    out: &mut Vec<u8>,
    put: impl FnOnce(&mut Vec<u8>) -> IsNull,
) -> Result<(), BoxDynError> {
    let start = out.len();
    out.extend_from_slice(&(-1_i32).to_be_bytes());
    if let IsNull::No = put(out) {
        let length = i32::try_from(out.len() - start - size_of::<i32>())?;
        if let Some(place) = out.get_mut(start..start + size_of::<i32>()) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// One value as a parameter; the type is the attribute's, for a null as well.
pub(crate) struct Parameter<'a>(pub(crate) AttributeType, pub(crate) &'a Value);

impl Type<Postgres> for Parameter<'_> {
    fn type_info() -> PgTypeInfo {
        // Every parameter says its own.
        PgTypeInfo::with_oid(oids(AttributeType::String).0)
    }
}

impl Encode<'_, Postgres> for Parameter<'_> {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(put(self.1, out))
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(oids(self.0).0))
    }
}

/// Values of one attribute as a list.
pub(crate) struct List<'a>(pub(crate) AttributeType, pub(crate) Vec<&'a Value>);

impl Type<Postgres> for List<'_> {
    fn type_info() -> PgTypeInfo {
        // Every list says its own.
        PgTypeInfo::with_oid(oids(AttributeType::String).1)
    }
}

impl Encode<'_, Postgres> for List<'_> {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Self(kind, values) = self;
        let has_nulls = values.iter().any(|value| value.is_null());
        let dimensions = 1_i32;
        for number in [dimensions, i32::from(has_nulls)] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&oids(*kind).0.0.to_be_bytes());
        let first_index = 1;
        for number in [i32::try_from(values.len())?, first_index] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        for value in values {
            put_measured(out, |out| put(value, out))?;
        }
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(PgTypeInfo::with_oid(oids(self.0).1))
    }
}

/// An instant as a parameter.
pub(crate) struct Instant(pub(crate) DateTime);

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(oids(AttributeType::DateTime).0)
    }
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(put(&Value::DateTime(self.0), out))
    }
}

/// The bytes of a column; `None` for null.
pub(crate) fn bytes(row: &PgRow, column: usize) -> Result<Option<&[u8]>, sqlx::Error> {
    let value = row.try_get_raw(column)?;
    if sqlx::ValueRef::is_null(&value) {
        return Ok(None);
    }
    value.as_bytes().map(Some).map_err(sqlx::Error::Decode)
}

/// Reads a column of the attribute's type.
pub(crate) fn read(row: &PgRow, column: usize, kind: AttributeType) -> Result<Value, sqlx::Error> {
    match bytes(row, column)? {
        None => Ok(Value::Null),
        Some(bytes) => decode(bytes, kind).map_err(sqlx::Error::Decode),
    }
}

/// Reads a whole number; `None` for null.
pub(crate) fn number(row: &PgRow, column: usize) -> Result<Option<i64>, sqlx::Error> {
    let bytes = bytes(row, column)?;
    let number = bytes.map(|bytes| bytes.try_into().map(i64::from_be_bytes));
    number
        .transpose()
        .map_err(|error| sqlx::Error::Decode(error.into()))
}

/// Reads an instant, which is there.
pub(crate) fn read_instant(row: &PgRow, column: usize) -> Result<DateTime, sqlx::Error> {
    let bytes = bytes(row, column)?.unwrap_or_default();
    decode_instant(bytes).map_err(sqlx::Error::Decode)
}

fn decode_instant(bytes: &[u8]) -> Result<DateTime, BoxDynError> {
    let micros = i64::from_be_bytes(bytes.try_into()?);
    let millis = micros.div_euclid(MICROS).saturating_add(EPOCH_MILLIS);
    Ok(DateTime::from_millis(millis)?)
}

fn decode(bytes: &[u8], kind: AttributeType) -> Result<Value, BoxDynError> {
    Ok(match kind {
        AttributeType::String => Value::text(std::str::from_utf8(bytes)?)?,
        AttributeType::Integer => Value::Integer(i64::from_be_bytes(bytes.try_into()?)),
        AttributeType::Double => Value::double(f64::from_be_bytes(bytes.try_into()?))?,
        AttributeType::Boolean => Value::Boolean(bytes != [0]),
        AttributeType::Date => {
            let days = i32::from_be_bytes(bytes.try_into()?);
            Value::Date(Date::from_days(days.saturating_add(EPOCH_DAYS))?)
        }
        AttributeType::DateTime => Value::DateTime(decode_instant(bytes)?),
        AttributeType::Binary => Value::Binary(bytes.to_vec()),
    })
}
