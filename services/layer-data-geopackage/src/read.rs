//! Reading: one statement, row by row, stopped when enough is read. The index finds candidates; exact boxes, geometries
//! and what SQL cannot decide are looked at on the rows.

mod feed;
mod versions;

use std::{future::ready, num::NonZeroU64, ops::ControlFlow, sync::Arc, time::Instant};

use futures::{StreamExt, TryStreamExt};
use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId};
use layer_data_core::{
    element::{Element, Stamps},
    geometry::Bounds,
    ports::{Chunk, ChunkLimit, Count, Rest, StoreError, Summary},
    query::{CheckedQuery, GeometryOutput, Mark},
    value::{DateTime, Value},
};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};
use tokio::task::consume_budget;

use crate::{
    blob,
    condition::push_condition,
    error::{store_error, unexpected},
    order::{push_after, push_order},
    readers::{Reader, Readers},
    sieve::{Comparisons, Sieve, Test},
    store::Layer,
    table::{BlobPart, Column},
    values::read_value,
};

pub(crate) use feed::feed;
pub(crate) use versions::{replaced, trail, versions};

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
pub(crate) struct Window<'a> {
    pub(crate) after: Option<&'a Mark>,
    pub(crate) limit: ChunkLimit,
    pub(crate) revision: DataRevision,
}

/// What is read from until when, and where geometries are compared.
pub(crate) struct Source<'a> {
    pub(crate) readers: &'a Readers,
    pub(crate) comparisons: &'a Comparisons,
    pub(crate) deadline: Instant,
}

impl Source<'_> {
    pub(crate) async fn reader(&self) -> Result<Reader, StoreError> {
        let reader = self.readers.until(Some(self.deadline)).await;
        reader.map_err(store_error)
    }
}

/// A query prepared for a layer: which columns come, and what is left to look at on the rows.
pub(crate) struct Plan<'a> {
    layer: &'a Layer,
    query: &'a CheckedQuery,
    /// What of the blob is needed, for the answer or for a look.
    part: BlobPart,
    /// The wanted attributes, then those that the condition and the order need.
    columns: Vec<&'a Column>,
    /// What the elements' boxes must intersect.
    boxes: Option<Vec<Bounds>>,
    recheck: bool,
}

/// A row that belongs to the answer.
pub(crate) struct Found<'r> {
    mark: Mark,
    pub(crate) blob: Option<(Bounds, &'r [u8])>,
    pub(crate) values: Vec<Value>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(layer: &'a Layer, query: &'a CheckedQuery, wanted: BlobPart) -> Self {
        let boxes = query.search_boxes();
        let part = if query.spatial().is_some() {
            BlobPart::Whole
        } else if boxes.is_some() {
            wanted.max(BlobPart::Header)
        } else {
            wanted
        };
        let columns = query
            .attributes_to_read()
            .into_iter()
            .map(|attribute| layer.table.column_to_read(attribute))
            .collect();
        Self {
            layer,
            query,
            part,
            columns,
            boxes,
            recheck: query.is_rechecked(),
        }
    }

    fn sql(&self, after: Option<&Mark>, index: Index) -> Result<QueryBuilder<Sqlite>, StoreError> {
        let rows = self.query.as_of().into();
        let mut sql = self.layer.table.select(self.part, &self.columns, rows);
        if let Some(after) = after {
            push_after(&mut sql, &self.layer.table, (self.query.order(), after));
        }
        if let Some(ids) = self.query.ids() {
            let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
            let ids = serde_json::to_string(&ids).map_err(unexpected)?;
            sql.push(" and t.\"fid\" in (select value from json_each(")
                .push_bind(ids)
                .push("))");
        }
        // The index knows the elements as they are alone.
        if let (Some(boxes), Index::Search, None) = (&self.boxes, index, self.query.as_of()) {
            self.layer.table.push_boxes(&mut sql, boxes);
        }
        if let Some(condition) = self.query.condition() {
            push_condition(&mut sql, &self.layer.table, condition);
        }
        push_order(&mut sql, &self.layer.table, self.query.order());
        Ok(sql)
    }

    /// Whether to search the index. It finds all that is in a box at once, whichever chunk is wanted, so the later chunks
    /// of a large answer are read in the order of ids instead.
    async fn index(&self, reader: &mut Reader, after: Option<&Mark>) -> Result<Index, StoreError> {
        // In another order all must be found before the first can be told, and no index knows the past.
        let is_by_id = self.query.order().is_by_id() && self.query.as_of().is_none();
        let (Some(boxes), Some(_), true) = (&self.boxes, after, is_by_id) else {
            return Ok(Index::Search);
        };
        let mut sql = self.layer.table.count_candidates(boxes, MANY_CANDIDATES);
        let count: i64 = sql
            .build_query_scalar()
            .fetch_one(&mut **reader)
            .await
            .map_err(store_error)?;
        Ok(if count < MANY_CANDIDATES {
            Index::Search
        } else {
            Index::PassOver
        })
    }

    /// What the elements are compared with, and a place for that. Who waits for one holds no connection yet.
    async fn test(&self, comparisons: &Comparisons) -> Result<Option<Test>, StoreError> {
        match self.query.spatial() {
            Some(spatial) => Ok(Some((Arc::clone(spatial), comparisons.place().await?))),
            None => Ok(None),
        }
    }

    /// The rows of a statement of [`Self::sql`] that are in the boxes and in the wanted relations. Whether the condition
    /// holds is looked at afterwards.
    fn rows<'s>(
        &'s self,
        reader: &'s mut Reader,
        sql: &'s mut QueryBuilder<Sqlite>,
        test: Option<Test>,
    ) -> Sieve<'s> {
        let rows = sql.build().fetch(&mut **reader).map_err(store_error);
        let boxed =
            rows.try_filter_map(|row| ready(self.in_boxes(&row).map(|is| is.then_some(row))));
        Sieve::new(boxed.boxed(), test)
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
        let id = ElementId::new(number(row, fields::ID)?).map_err(unexpected)?;
        let mark = self.query.order().mark(id, &|id| self.value(&values, id));
        values.truncate(self.query.attributes().len());
        Ok(Some(Found { mark, blob, values }))
    }

    fn holds(&self, values: &[Value]) -> bool {
        self.query
            .condition()
            .is_none_or(|condition| condition.holds(&|id| self.value(values, id)))
    }

    fn value<'v>(&self, values: &'v [Value], attribute: AttributeId) -> &'v Value {
        let mut columns = self.columns.iter();
        let place = columns.position(|column| column.attribute == attribute);
        place
            .and_then(|place| values.get(place))
            .unwrap_or(&Value::Null)
    }

    /// How many rows are enough for so many elements, where that can be told. Sorted by values, all rows would be kept
    /// until the first is given.
    fn enough(&self, elements: usize) -> Option<i64> {
        let is_sieved = self.recheck || self.boxes.is_some() || self.query.spatial().is_some();
        let rows = i64::try_from(elements.saturating_add(1)).ok();
        rows.filter(|_| !is_sieved && !self.query.order().is_by_id())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    Search,
    PassOver,
}

/// The box and the WKB of a row's geometry, if they were read.
pub(crate) fn stored_geometry(row: &SqliteRow) -> Result<Option<(Bounds, &[u8])>, StoreError> {
    let blob: Option<&[u8]> = row
        .try_get_unchecked(fields::GEOMETRY)
        .map_err(store_error)?;
    blob.map(blob::decode).transpose().map_err(unexpected)
}

fn number(row: &SqliteRow, place: usize) -> Result<i64, StoreError> {
    row.try_get_unchecked(place).map_err(store_error)
}

/// Reads the next elements of a query.
pub(crate) async fn chunk(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    window: Window<'_>,
) -> Result<Chunk, StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => BlobPart::Whole,
        GeometryOutput::Omit => BlobPart::Nothing,
    };
    let plan = Plan::new(layer, query, wanted);
    let test = plan.test(source.comparisons).await?;
    let mut reader = source.reader().await?;
    let index = plan.index(&mut reader, window.after).await?;
    let rows_wanted = window.limit.rows.get() as usize;
    let mut sql = plan.sql(window.after, index)?;
    if let Some(enough) = plan.enough(rows_wanted) {
        sql.push(" limit ").push_bind(enough);
    }
    let mut rows = plan.rows(&mut reader, &mut sql, test);
    let mut chunk = Chunk {
        elements: Vec::new(),
        rest: Rest::End,
        revision: window.revision,
    };
    let (mut bytes, mut last) = (0, None);
    while let Some(row) = rows.next().await? {
        // Looking at rows may take long, and others have to get their turn.
        consume_budget().await;
        let Some(found) = plan.look(&row)? else {
            continue;
        };
        let mark = found.mark.clone();
        let element = element(&row, found, query.geometry())?;
        let geometry = element.geometry.as_ref().map_or(0, Vec::len);
        bytes += geometry + element.values.iter().map(Value::size).sum::<usize>();
        if let Some(last) = last.take()
            && (chunk.elements.len() >= rows_wanted || bytes > window.limit.bytes)
        {
            chunk.rest = Rest::After(last);
            break;
        }
        chunk.elements.push(element);
        last = Some(mark);
    }
    Ok(chunk)
}

fn element(
    row: &SqliteRow,
    found: Found<'_>,
    geometry: GeometryOutput,
) -> Result<Element, StoreError> {
    let actor = |place: usize| {
        let id = row
            .try_get_unchecked::<Option<i64>, _>(place)
            .map_err(store_error)?;
        id.map(ActorId::new).transpose().map_err(unexpected)
    };
    let time = |place: usize| DateTime::from_millis(number(row, place)?).map_err(unexpected);
    Ok(Element {
        id: found.mark.id(),
        revision: DataRevision::new(number(row, fields::REVISION)?)
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
    let mut summary = Summary {
        count: 0,
        extent: None,
        revision,
    };
    let add = |found: Found<'_>| {
        summary.count += 1;
        if let Some((bounds, _)) = found.blob {
            summary.extent = Some(summary.extent.map_or(bounds, |extent| extent.union(bounds)));
        }
        ControlFlow::Continue(())
    };
    visit(source, &plan, add).await?;
    Ok(summary)
}

/// Counts the elements of a query, up to one more than a cap: there are no statistics to estimate from.
pub(crate) async fn count(
    source: &Source<'_>,
    layer: &Layer,
    query: &CheckedQuery,
    cap: NonZeroU64,
) -> Result<Count, StoreError> {
    let plan = Plan::new(layer, query, BlobPart::Nothing);
    let mut counted = 0;
    let add = |_: Found<'_>| {
        counted += 1;
        if counted > cap.get() {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    };
    visit(source, &plan, add).await?;
    Ok(Count::capped(counted, cap))
}

/// Visits all elements of a query by one statement, as long as the visitor wants more.
pub(crate) async fn visit(
    source: &Source<'_>,
    plan: &Plan<'_>,
    mut visitor: impl FnMut(Found<'_>) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    let test = plan.test(source.comparisons).await?;
    let mut reader = source.reader().await?;
    let mut sql = plan.sql(None, Index::Search)?;
    let mut rows = plan.rows(&mut reader, &mut sql, test);
    while let Some(row) = rows.next().await? {
        consume_budget().await;
        if let Some(found) = plan.look(&row)?
            && visitor(found).is_break()
        {
            break;
        }
    }
    Ok(())
}
