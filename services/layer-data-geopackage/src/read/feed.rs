//! Reading the feed: what happened, then what the elements were like afterwards.

use std::collections::HashSet;

use futures::TryStreamExt;
use jmap_domain::{ActorId, DataRevision, ElementId};
use layer_data_core::{
    feed::{Ending, FeedDraft, FeedPart, FeedSearch},
    geometry::Bounds,
    history::{Rows, Version, VersionKey, Versions},
    ports::{ChunkLimit, StoreError},
    query::{CheckedQuery, GeometryOutput},
    value::DateTime,
};
use sqlx::{Row, sqlite::SqliteRow};

use super::{Plan, Source, fields, number, stored_geometry, versions::fill};
use crate::{
    error::{store_error, unexpected},
    readers::Reader,
    store::Layer,
    table::{BlobPart, Table, pairs},
};

/// Reads the next changes of a layer.
pub(crate) async fn feed(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    search: FeedSearch,
) -> Result<FeedPart, StoreError> {
    let mut reader = source.reader().await?;
    let created = created(&mut reader, &layer.table, search).await?;
    let ended = ended(&mut reader, &layer.table, search).await?;
    let draft = FeedDraft::new(search, &created, &ended);
    let left = match query.boxes() {
        Some(boxes) => Some(left(&mut reader, &layer.table, (&draft.ended(), boxes)).await?),
        None => None,
    };
    let begun = begun(&mut reader, layer, query, (&draft.begun(), search.limit)).await?;
    Ok(draft.finish(begun, left.as_ref()))
}

async fn created(
    reader: &mut Reader,
    table: &Table,
    search: FeedSearch,
) -> Result<Vec<VersionKey>, StoreError> {
    let mut sql = table.created(search);
    let rows = sql.build().fetch_all(&mut **reader).await;
    let rows = rows.map_err(store_error)?;
    rows.iter()
        .map(|row| Ok((element(row, 0)?, revision(row, 1)?)))
        .collect()
}

async fn ended(
    reader: &mut Reader,
    table: &Table,
    search: FeedSearch,
) -> Result<Vec<Ending>, StoreError> {
    let mut sql = table.ended(search);
    let rows = sql.build().fetch_all(&mut **reader).await;
    rows.map_err(store_error)?.iter().map(ending).collect()
}

/// Which of these versions were in the boxes.
async fn left(
    reader: &mut Reader,
    table: &Table,
    (keys, boxes): (&[VersionKey], &[Bounds]),
) -> Result<HashSet<VersionKey>, StoreError> {
    let mut sql = table.left(pairs(keys).map_err(unexpected)?);
    let mut rows = sql.build().fetch(&mut **reader);
    let mut left = HashSet::new();
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        let bounds = stored_geometry(&row)?.map(|(bounds, _)| bounds);
        if bounds.is_some_and(|bounds| boxes.iter().any(|part| part.intersects(&bounds))) {
            left.insert((
                element(&row, fields::ID)?,
                revision(&row, fields::ATTRIBUTES)?,
            ));
        }
    }
    Ok(left)
}

/// These versions, if they are in the boxes of the query, as far as they fit. One that is replaced meanwhile is found
/// where replaced ones are, which is looked at last.
async fn begun(
    reader: &mut Reader,
    layer: &Layer,
    query: &CheckedQuery,
    (keys, limit): (&[VersionKey], ChunkLimit),
) -> Result<Versions, StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => BlobPart::Whole,
        GeometryOutput::Omit => BlobPart::Nothing,
    };
    let (plan, keys) = (
        Plan::new(layer, query, wanted),
        pairs(keys).map_err(unexpected)?,
    );
    let mut found = Vec::with_capacity(2);
    for rows in [Rows::Present, Rows::Replaced] {
        let sql = layer
            .table
            .begun(plan.part, &plan.columns, (rows, keys.clone()));
        found.push(fill(reader, &plan, sql, limit).await?);
    }
    Ok(joined(found))
}

/// The versions of several searches as one, in order: up to where the first of them had to stop.
fn joined(found: Vec<Versions>) -> Versions {
    let place = |version: &Version| (version.element.revision, version.element.id);
    let stopped = found.iter().filter(|part| part.more);
    let end = stopped
        .filter_map(|part| part.versions.last().map(place))
        .min();
    let all = found.into_iter().flat_map(|part| part.versions);
    let mut versions: Vec<Version> = all
        .filter(|version| end.is_none_or(|end| place(version) <= end))
        .collect();
    versions.sort_by_key(place);
    versions.dedup_by_key(|version| place(version));
    Versions {
        versions,
        more: end.is_some(),
    }
}

fn revision(row: &SqliteRow, place: usize) -> Result<DataRevision, StoreError> {
    let number = number(row, place)?;
    DataRevision::new(number).ok_or_else(|| unexpected("a negative revision"))
}

fn element(row: &SqliteRow, place: usize) -> Result<ElementId, StoreError> {
    ElementId::new(number(row, place)?).map_err(unexpected)
}

fn ending(row: &SqliteRow) -> Result<Ending, StoreError> {
    Ok(Ending {
        revision: revision(row, 0)?,
        element: element(row, 1)?,
        by: ActorId::new(number(row, 2)?).map_err(unexpected)?,
        time: DateTime::from_millis(number(row, 3)?).map_err(unexpected)?,
        is_deletion: row.try_get_unchecked(4).map_err(store_error)?,
    })
}
