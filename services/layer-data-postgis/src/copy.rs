//! COPY in binary form: how many elements are written at once.

use layer_data_core::{
    element::NewElement,
    value::{DateTime, Value},
};
use sqlx::{PgConnection, encode::IsNull, error::BoxDynError};

use crate::{
    error::{store_error, unexpected},
    plan::Step,
    table::Table,
    values::{put, put_measured},
};
use layer_data_core::ports::StoreError;

/// What the stream begins with: the signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands in the place of a row's number of fields at the end.
const END: i16 = -1;
/// Columns of every layer: id, geometry, revision, two actors, two times.
const FIXED: usize = 7;
/// About how many bytes are sent at once.
const CHUNK: usize = 1 << 20;

/// Writes elements that were created together.
pub(crate) async fn rows(
    db: &mut PgConnection,
    table: &Table,
    created: &[(&Step<'_>, &NewElement)],
    now: DateTime,
) -> Result<(), StoreError> {
    let fields = i16::try_from(table.columns().len() + FIXED).map_err(unexpected)?;
    let mut copy = db.copy_in_raw(&table.copy()).await.map_err(store_error)?;
    let mut out = HEADER.to_vec();
    for (step, new) in created {
        out.extend_from_slice(&fields.to_be_bytes());
        put_row(&mut out, step, new, now).map_err(StoreError::Unexpected)?;
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
fn put_row(
    out: &mut Vec<u8>,
    step: &Step<'_>,
    new: &NewElement,
    now: DateTime,
) -> Result<(), BoxDynError> {
    let actor = step.permitted.permit().actor().get();
    put_number(out, step.element.get())?;
    put_measured(out, |out| {
        out.extend_from_slice(new.geometry().wkb());
        IsNull::No
    })?;
    for value in new.values() {
        put_measured(out, |out| put(value, out))?;
    }
    for number in [step.revision.get(), actor, actor] {
        put_number(out, number)?;
    }
    for moment in [now, now] {
        put_measured(out, |out| put(&Value::DateTime(moment), out))?;
    }
    Ok(())
}

fn put_number(out: &mut Vec<u8>, number: i64) -> Result<(), BoxDynError> {
    put_measured(out, |out| put(&Value::Integer(number), out))
}
