//! Reading: one statement, row by row, stopped when enough is read. The index finds candidates; exact boxes, geometries
//! and what SQL cannot decide are looked at on the rows.

use std::{future::ready, sync::Arc};

use futures::{StreamExt, TryStreamExt};
use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId};
use layer_data_core::{
    element::{Element, Stamps},
    geometry::Bounds,
    ports::{Chunk, ChunkLimit, Rest, StoreError, Summary},
    query::{CheckedQuery, GeometryOutput},
    value::{DateTime, Value},
};
use sqlx::{QueryBuilder, Row, Sqlite, SqlitePool, sqlite::SqliteRow};

use crate::{
    blob,
    condition::push_condition,
    error::{store_error, unexpected},
    sieve::{Comparisons, Sieve},
    store::Layer,
    table::{BlobPart, Column},
    values::read_value,
};

/// From this many candidates of the index on, later chunks are read in the order of ids.
const MANY_CANDIDATES: i64 = 20_000;

/// Columns of a reading statement before the attributes'.
pub(crate) mod fields {
    pub(crate) const ID: usize = 0;
    pub(crate) const REVISION: usize = 1;
    pub(crate) const CREATED_BY: usize = 2;
    pub(crate) const UPDATED_BY: usize = 3;
    pub(crate) const CREATE_TIME: usize = 4;
    pub(crate) const UPDATE_TIME: usize = 5;
    pub(crate) const GEOMETRY: usize = 6;
    pub(crate) const ATTRIBUTES: usize = 7;
}

/// Which part of a query's elements to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) after: Option<ElementId>,
    pub(crate) limit: ChunkLimit,
    pub(crate) revision: DataRevision,
}

/// What is read from, and where geometries are compared.
pub(crate) struct Source<'a> {
    pub(crate) readers: &'a SqlitePool,
    pub(crate) comparisons: &'a Comparisons,
}

/// A query prepared for a layer: which columns come, and what is left to look at on the rows.
struct Plan<'a> {
    layer: &'a Layer,
    query: &'a CheckedQuery,
    /// What of the blob is needed, for the answer or for a look.
    part: BlobPart,
    /// The wanted attributes, then those that the condition needs.
    columns: Vec<&'a Column>,
    /// What the elements' boxes must intersect.
    boxes: Option<Vec<Bounds>>,
    recheck: bool,
}

/// A row that belongs to the answer.
struct Found<'r> {
    blob: Option<(Bounds, &'r [u8])>,
    values: Vec<Value>,
}

impl<'a> Plan<'a> {
    fn new(layer: &'a Layer, query: &'a CheckedQuery, wanted: BlobPart) -> Self {
        let boxes = query.search_boxes();
        let part = if query.operand().is_some() {
            BlobPart::Whole
        } else if boxes.is_some() {
            wanted.max(BlobPart::Header)
        } else {
            wanted
        };
        let recheck = query
            .condition()
            .is_some_and(|condition| !condition.is_exact_in_sql());
        let looked_at = query
            .condition()
            .filter(|_| recheck)
            .map(layer_data_core::query::Condition::attributes);
        let attributes = query
            .attributes()
            .iter()
            .copied()
            .chain(looked_at.into_iter().flatten());
        let columns = attributes
            .map(|attribute| layer.table.column_to_read(attribute))
            .collect();
        Self {
            layer,
            query,
            part,
            columns,
            boxes,
            recheck,
        }
    }

    fn sql(
        &self,
        after: Option<ElementId>,
        index: Index,
    ) -> Result<QueryBuilder<Sqlite>, StoreError> {
        let mut sql = self.layer.table.select(self.part, &self.columns);
        if let Some(after) = after {
            sql.push(" and t.\"fid\" > ").push_bind(after.get());
        }
        if let Some(ids) = self.query.ids() {
            let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
            let ids = serde_json::to_string(&ids).map_err(unexpected)?;
            sql.push(" and t.\"fid\" in (select value from json_each(")
                .push_bind(ids)
                .push("))");
        }
        if let (Some(boxes), Index::Search) = (&self.boxes, index) {
            self.layer.table.push_boxes(&mut sql, boxes);
        }
        if let Some(condition) = self.query.condition() {
            push_condition(&mut sql, &self.layer.table, condition);
        }
        sql.push(" order by t.\"fid\"");
        Ok(sql)
    }

    /// Whether to search the index. It finds all that is in a box at once, whichever chunk is wanted, so the later chunks
    /// of a large answer are read in the order of ids instead.
    async fn index(
        &self,
        readers: &SqlitePool,
        after: Option<ElementId>,
    ) -> Result<Index, StoreError> {
        let (Some(boxes), Some(_)) = (&self.boxes, after) else {
            return Ok(Index::Search);
        };
        let mut sql = self.layer.table.count_candidates(boxes, MANY_CANDIDATES);
        let count: i64 = sql
            .build_query_scalar()
            .fetch_one(readers)
            .await
            .map_err(store_error)?;
        Ok(if count < MANY_CANDIDATES {
            Index::Search
        } else {
            Index::PassOver
        })
    }

    /// The rows of a statement of [`Self::sql`] that are in the boxes and meet the operand. Whether the condition holds
    /// is looked at afterwards.
    async fn rows<'s>(
        &'s self,
        source: &'s Source<'_>,
        sql: &'s mut QueryBuilder<Sqlite>,
    ) -> Result<Sieve<'s>, StoreError> {
        // The place comes first: who waits for one holds no connection.
        let test = match self.query.operand() {
            Some(operand) => Some((Arc::clone(operand), source.comparisons.place().await?)),
            None => None,
        };
        let rows = sql.build().fetch(source.readers).map_err(store_error);
        let boxed =
            rows.try_filter_map(|row| ready(self.in_boxes(&row).map(|is| is.then_some(row))));
        Ok(Sieve::new(boxed.boxed(), test))
    }

    fn in_boxes(&self, row: &SqliteRow) -> Result<bool, StoreError> {
        let Some(boxes) = &self.boxes else {
            return Ok(true);
        };
        let blob = stored_geometry(row)?;
        Ok(blob.is_none_or(|(bounds, _)| boxes.iter().any(|part| part.intersects(&bounds))))
    }

    /// The row's part in the answer, if it has one.
    fn look<'r>(&self, row: &'r SqliteRow) -> Result<Option<Found<'r>>, StoreError> {
        let blob = stored_geometry(row)?;
        let mut values = Vec::with_capacity(self.columns.len());
        for (column, place) in self.columns.iter().zip(fields::ATTRIBUTES..) {
            values.push(read_value(row, place, column.kind).map_err(store_error)?);
        }
        if self.recheck && !self.holds(&values) {
            return Ok(None);
        }
        values.truncate(self.query.attributes().len());
        Ok(Some(Found { blob, values }))
    }

    fn holds(&self, values: &[Value]) -> bool {
        let value_of = |attribute: AttributeId| {
            let place = self
                .columns
                .iter()
                .position(|column| column.attribute == attribute);
            place
                .and_then(|place| values.get(place))
                .unwrap_or(&Value::Null)
        };
        self.query
            .condition()
            .is_none_or(|condition| condition.holds(&value_of))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    Search,
    PassOver,
}

/// The box and the WKB of a row's geometry, if they were read.
fn stored_geometry(row: &SqliteRow) -> Result<Option<(Bounds, &[u8])>, StoreError> {
    let blob: Option<&[u8]> = row
        .try_get_unchecked(fields::GEOMETRY)
        .map_err(store_error)?;
    blob.map(blob::decode).transpose().map_err(unexpected)
}

/// Reads the next elements of a query.
pub(crate) async fn chunk(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    window: Window,
) -> Result<Chunk, StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => BlobPart::Whole,
        GeometryOutput::Omit => BlobPart::Nothing,
    };
    let plan = Plan::new(layer, query, wanted);
    let index = plan.index(source.readers, window.after).await?;
    let mut sql = plan.sql(window.after, index)?;
    let mut rows = plan.rows(source, &mut sql).await?;
    let mut chunk = Chunk {
        elements: Vec::new(),
        rest: Rest::End,
        revision: window.revision,
    };
    let (mut bytes, rows_wanted) = (0, window.limit.rows.get() as usize);
    while let Some(row) = rows.next().await? {
        let Some(found) = plan.look(&row)? else {
            continue;
        };
        let element = element(&row, found, query.geometry())?;
        let geometry = element.geometry.as_ref().map_or(0, Vec::len);
        bytes += geometry + element.values.iter().map(Value::size).sum::<usize>();
        if let Some(last) = chunk.elements.last()
            && (chunk.elements.len() >= rows_wanted || bytes > window.limit.bytes)
        {
            chunk.rest = Rest::After(last.id);
            break;
        }
        chunk.elements.push(element);
    }
    Ok(chunk)
}

fn element(
    row: &SqliteRow,
    found: Found<'_>,
    geometry: GeometryOutput,
) -> Result<Element, StoreError> {
    let number = |place: usize| row.try_get_unchecked::<i64, _>(place).map_err(store_error);
    let actor = |place: usize| {
        let id = row
            .try_get_unchecked::<Option<i64>, _>(place)
            .map_err(store_error)?;
        id.map(ActorId::new).transpose().map_err(unexpected)
    };
    let time = |place: usize| DateTime::from_millis(number(place)?).map_err(unexpected);
    Ok(Element {
        id: ElementId::new(number(fields::ID)?).map_err(unexpected)?,
        revision: DataRevision::new(number(fields::REVISION)?)
            .ok_or_else(|| unexpected("a negative revision"))?,
        geometry: match geometry {
            GeometryOutput::Include => found.blob.map(|(_, wkb)| wkb.to_vec()),
            GeometryOutput::Omit => None,
        },
        values: found.values,
        stamps: Stamps {
            created_by: actor(fields::CREATED_BY)?,
            updated_by: actor(fields::UPDATED_BY)?,
            create_time: time(fields::CREATE_TIME)?,
            update_time: time(fields::UPDATE_TIME)?,
        },
    })
}

/// Counts the elements of a query and measures their exact extent, which the index keeps only roughly.
pub(crate) async fn summary(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    revision: DataRevision,
) -> Result<Summary, StoreError> {
    let plan = Plan::new(layer, query, BlobPart::Header);
    let mut sql = plan.sql(None, Index::Search)?;
    let mut rows = plan.rows(source, &mut sql).await?;
    let mut summary = Summary {
        count: 0,
        extent: None,
        revision,
    };
    while let Some(row) = rows.next().await? {
        let Some(found) = plan.look(&row)? else {
            continue;
        };
        summary.count += 1;
        if let Some((bounds, _)) = found.blob {
            summary.extent = Some(summary.extent.map_or(bounds, |extent| extent.union(bounds)));
        }
    }
    Ok(summary)
}
