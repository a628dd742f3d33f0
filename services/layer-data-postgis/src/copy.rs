//! COPY in binary form: how many elements are written at once.

use layer_data_core::{
    element::ElementRow, history::VersionRecord, ports::StoreError, value::Value,
};
use sqlx::{PgConnection, encode::IsNull, error::BoxDynError};

use crate::{
    error::{store_error, unexpected},
    table::Table,
    values::{put, put_measured},
};

/// What the stream begins with: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands in the place of a row's number of fields at the end.
const END: i16 = -1;
/// Columns of every layer: id, geometry, revision, two actors, two times.
const FIXED: usize = 7;
/// Columns that only versions have.
const ENDS: usize = 3;
/// About how many bytes are sent at once.
const CHUNK: usize = 1 << 20;

/// Writes new elements, each with so many values.
pub(crate) async fn rows<'e>(
    db: &mut PgConnection,
    table: &Table,
    values: usize,
    rows: impl Iterator<Item = ElementRow<'e>>,
) -> Result<(), StoreError> {
    let fields = i16::try_from(values + FIXED).map_err(unexpected)?;
    write(db, &table.copy(values), rows, |out, row| {
        out.extend_from_slice(&fields.to_be_bytes());
        put_row(out, &row)
    })
    .await
}

/// Writes versions that were replaced.
pub(crate) async fn versions(
    db: &mut PgConnection,
    table: &Table,
    versions: &[VersionRecord],
) -> Result<(), StoreError> {
    let values = versions.first();
    let values = values.map_or(0, |version| version.element.values.len());
    let fields = i16::try_from(values + FIXED + ENDS).map_err(unexpected)?;
    write(
        db,
        &table.copy_versions(values),
        versions.iter(),
        |out, version| {
            let VersionRecord { element, end } = version;
            out.extend_from_slice(&fields.to_be_bytes());
            put_row(out, &element.row())?;
            put_number(out, end.revision.get())?;
            put_number(out, end.by.get())?;
            put_measured(out, |out| put(&Value::DateTime(end.time), out))
        },
    )
    .await
}

async fn write<T>(
    db: &mut PgConnection,
    statement: &str,
    rows: impl Iterator<Item = T>,
    put: impl Fn(&mut Vec<u8>, T) -> Result<(), BoxDynError>,
) -> Result<(), StoreError> {
    let mut copy = db.copy_in_raw(statement).await.map_err(store_error)?;
    let mut out = HEADER.to_vec();
    for row in rows {
        put(&mut out, row).map_err(StoreError::Unexpected)?;
        if out.len() >= CHUNK {
            copy.send(out.as_slice()).await.map_err(store_error)?;
            out.clear();
        }
    }
    out.extend_from_slice(&END.to_be_bytes());
    copy.send(out).await.map_err(store_error)?;
    copy.finish().await.map_err(store_error).map(drop)
}

/// A row's fields, in the order of [`Table::copy`].
fn put_row(out: &mut Vec<u8>, row: &ElementRow<'_>) -> Result<(), BoxDynError> {
    put_number(out, row.id.get())?;
    put_measured(out, |out| {
        out.extend_from_slice(row.geometry.wkb());
        IsNull::No
    })?;
    for value in row.values {
        put_measured(out, |out| put(value, out))?;
    }
    put_number(out, row.revision.get())?;
    let stamps = row.stamps;
    for actor in [stamps.created_by, stamps.updated_by] {
        let actor = actor.map_or(Value::Null, |actor| Value::Integer(actor.get()));
        put_measured(out, |out| put(&actor, out))?;
    }
    for moment in [stamps.create_time, stamps.update_time] {
        put_measured(out, |out| put(&Value::DateTime(moment), out))?;
    }
    Ok(())
}

fn put_number(out: &mut Vec<u8>, number: i64) -> Result<(), BoxDynError> {
    put_measured(out, |out| put(&Value::Integer(number), out))
}
