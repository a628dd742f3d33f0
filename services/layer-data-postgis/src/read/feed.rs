//! Reading the feed: what happened, then what the elements were like afterwards.

use std::{collections::HashSet, num::NonZeroU32, time::Instant};

use jmap_domain::{ActorId, DataRevision, ElementId};
use jmap_postgres::Session;
use layer_data_core::{
    feed::{Ending, FeedDraft, FeedPart, FeedSearch},
    geometry::Bounds,
    history::{VersionKey, Versions},
    ports::{ChunkLimit, StoreError},
    query::{CheckedQuery, GeometryOutput},
    value::Value,
};
use sqlx::{Row, postgres::PgRow};

use super::{
    session,
    versions::{Reading, columns},
};
use crate::{
    error::{store_error, unexpected},
    store::{Layer, Shared},
    table::{GeometryColumn, Table},
    values,
};

/// Reads the next changes of a layer.
pub(crate) async fn feed(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    (search, deadline): (FeedSearch, Instant),
) -> Result<FeedPart, StoreError> {
    let search = FeedSearch {
        limit: affordable(layer, search.limit),
        ..search
    };
    let mut session = session(shared, deadline).await?;
    let created = created(&mut session, &layer.table, search).await?;
    let ended = ended(&mut session, &layer.table, search).await?;
    let draft = FeedDraft::new(search, &created, &ended);
    let boxes = query.boxes();
    let left = match boxes {
        Some(boxes) => Some(left(&mut session, &layer.table, (&draft.ended(), boxes)).await?),
        None => None,
    };
    let begun = begun(session, layer, query, (&draft.begun(), search.limit)).await?;
    let bytes = begun.versions.iter().map(|version| {
        let geometry = version.element.geometry.as_ref().map_or(0, Vec::len);
        geometry
            + version
                .element
                .values
                .iter()
                .map(Value::size)
                .sum::<usize>()
    });
    layer.learn(begun.versions.len(), bytes.sum());
    Ok(draft.finish(begun, left.as_ref()))
}

/// No more rows than probably fit: those that do not are received all the same.
fn affordable(layer: &Layer, limit: ChunkLimit) -> ChunkLimit {
    let rows = u32::try_from(layer.elements_within(limit.bytes)).ok();
    let rows = rows.and_then(NonZeroU32::new).unwrap_or(limit.rows);
    ChunkLimit {
        rows: rows.min(limit.rows),
        ..limit
    }
}

async fn created(
    session: &mut Session,
    table: &Table,
    search: FeedSearch,
) -> Result<Vec<VersionKey>, StoreError> {
    let mut sql = table.created(search);
    let rows = sql.build().fetch_all(&mut **session).await;
    rows.map_err(store_error)?.iter().map(key).collect()
}

async fn ended(
    session: &mut Session,
    table: &Table,
    search: FeedSearch,
) -> Result<Vec<Ending>, StoreError> {
    let mut sql = table.ended(search);
    let rows = sql.build().fetch_all(&mut **session).await;
    rows.map_err(store_error)?.iter().map(ending).collect()
}

/// Which of these versions were in the boxes.
async fn left(
    session: &mut Session,
    table: &Table,
    (keys, boxes): (&[VersionKey], &[Bounds]),
) -> Result<HashSet<VersionKey>, StoreError> {
    let mut sql = table.left(keys);
    Table::push_exact_boxes(&mut sql, boxes);
    let rows = sql.build().fetch_all(&mut **session).await;
    rows.map_err(store_error)?.iter().map(key).collect()
}

/// These versions, if they are in the boxes of the query, as far as they fit.
async fn begun(
    session: Session,
    layer: &Layer,
    query: &CheckedQuery,
    (keys, limit): (&[VersionKey], ChunkLimit),
) -> Result<Versions, StoreError> {
    let columns = columns(layer, query);
    let wanted = match query.geometry() {
        GeometryOutput::Include => GeometryColumn::Included,
        GeometryOutput::Omit => GeometryColumn::LeftOut,
    };
    let mut sql = layer.table.begun(wanted, &columns, keys);
    if let Some(boxes) = query.boxes() {
        Table::push_exact_boxes(&mut sql, boxes);
    }
    sql.push(" order by t.\"_revision\", t.\"fid\"");
    let reading = Reading { session, columns };
    reading.fill(sql, query.geometry(), limit).await
}

fn revision(row: &PgRow, place: usize) -> Result<DataRevision, StoreError> {
    let number = row.try_get(place).map_err(store_error)?;
    DataRevision::new(number).ok_or_else(|| unexpected("a negative revision"))
}

fn key(row: &PgRow) -> Result<VersionKey, StoreError> {
    let element = row.try_get(0).map_err(store_error)?;
    let element = ElementId::new(element).map_err(unexpected)?;
    Ok((element, revision(row, 1)?))
}

fn ending(row: &PgRow) -> Result<Ending, StoreError> {
    let number = |place: usize| row.try_get::<i64, _>(place).map_err(store_error);
    Ok(Ending {
        revision: revision(row, 0)?,
        element: ElementId::new(number(1)?).map_err(unexpected)?,
        by: ActorId::new(number(2)?).map_err(unexpected)?,
        time: values::read_instant(row, 3).map_err(store_error)?,
        is_deletion: row.try_get(4).map_err(store_error)?,
    })
}
