//! Reading: statement by statement, each a few elements, in the order of their ids. The index finds candidates; exact
//! boxes, geometries and what SQL cannot decide are looked at on the rows.

mod count;
mod feed;
mod summary;
mod versions;

use std::{ops::ControlFlow, time::Instant};

use futures::TryStreamExt;
use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId};
use jmap_postgres::Session;
use layer_data_core::{
    element::{Element, Stamps},
    geometry::Bounds,
    history::Rows,
    ports::{Chunk, ChunkLimit, Rest, StoreError},
    query::{CheckedQuery, GeometryOutput, Mark},
    value::Value,
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};
use tokio::task::consume_budget;

use crate::{
    condition::push_condition,
    error::{store_error, unexpected},
    ewkb,
    order::{push_after, push_order},
    sieve::{Candidates, Test},
    store::{Layer, Shared},
    table::{Column, GeometryColumn},
    values,
};

pub(crate) use count::count;
pub(crate) use feed::feed;
pub(crate) use summary::summary;
pub(crate) use versions::{Span, replaced, trail, versions};

/// From this many candidates of the index on, later chunks are read in the order of ids.
const MANY_CANDIDATES: i64 = 20_000;
/// Most rows of one statement.
const MOST_ROWS: usize = 16_384;

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
    pub(crate) deadline: Instant,
}

/// How the elements in a box are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Index {
    /// All at once, by the index.
    Search,
    /// One after the other, by their ids.
    PassOver,
}

/// A query prepared for a layer: which columns come, and what is left to look at on the rows.
pub(crate) struct Plan<'a> {
    layer: &'a Layer,
    query: &'a CheckedQuery,
    /// Whether the geometry is needed, for the answer or for a look.
    geometry: GeometryColumn,
    /// The wanted attributes, then those that the condition and the order need.
    columns: Vec<&'a Column>,
    /// What the elements' boxes must intersect.
    boxes: Option<Vec<Bounds>>,
    recheck: bool,
    /// What elements are compared with.
    test: Option<Test>,
}

/// A row that belongs to the answer.
pub(crate) struct Found {
    pub(crate) geometry: Option<(Vec<u8>, Bounds)>,
    pub(crate) values: Vec<Value>,
}

impl<'a> Plan<'a> {
    pub(crate) async fn new(
        shared: &Shared,
        layer: &'a Layer,
        query: &'a CheckedQuery,
        wanted: GeometryColumn,
    ) -> Result<Self, StoreError> {
        let boxes = query.search_boxes();
        Ok(Self {
            layer,
            query,
            geometry: if boxes.is_some() || query.spatial().is_some() {
                GeometryColumn::Included
            } else {
                wanted
            },
            columns: query
                .attributes_to_read()
                .into_iter()
                .map(|attribute| layer.table.column_to_read(attribute))
                .collect(),
            boxes,
            recheck: query.is_rechecked(),
            test: shared.comparisons.test(query.spatial()).await?,
        })
    }

    fn select(&self) -> QueryBuilder<Postgres> {
        let rows = self.query.as_of().into();
        let table = &self.layer.table;
        table.select(self.geometry, &self.columns, rows)
    }

    /// The statement for the next rows after a mark.
    fn sql(&self, after: Option<&Mark>, index: Index, rows: usize) -> QueryBuilder<Postgres> {
        let mut sql = self.select();
        self.push_selection(&mut sql, index);
        if let Some(after) = after {
            push_after(&mut sql, &self.layer.table, (self.query.order(), after));
        }
        // Sorted by an expression, the rows cannot be found by the index of ids, which the planner would otherwise take
        // for a box of which it knows nothing.
        let is_searched = self.boxes.is_some() && index == Index::Search;
        if is_searched && self.query.order().is_by_id() {
            sql.push(" order by t.\"fid\" + 0");
        } else {
            push_order(&mut sql, &self.layer.table, self.query.order());
        }
        sql.push(" limit ");
        sql.push_bind(i64::try_from(rows).unwrap_or(i64::MAX));
        sql
    }

    fn push_selection(&self, sql: &mut QueryBuilder<Postgres>, index: Index) {
        if let Some(ids) = self.query.ids() {
            let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
            sql.push(" and t.\"fid\" = any (").push_bind(ids).push(")");
        }
        match (&self.boxes, index) {
            (Some(boxes), Index::Search) => self.layer.table.push_boxes(sql, boxes),
            (Some(boxes), Index::PassOver) => self.layer.table.push_boxes_unsearched(sql, boxes),
            (None, Index::Search | Index::PassOver) => {}
        }
        if let Some(condition) = self.query.condition() {
            push_condition(sql, &self.layer.table, condition);
        }
    }

    /// Whether to search the index. It finds all that is in a box at once, whichever chunk is wanted, so the later chunks
    /// of a large answer are read in the order of ids instead.
    async fn index(
        &self,
        session: &mut Session,
        after: Option<&Mark>,
    ) -> Result<Index, StoreError> {
        // No index knows the past.
        if self.query.as_of().is_some() {
            return Ok(Index::PassOver);
        }
        // In another order all must be found before the first can be told.
        let (Some(boxes), Some(_), true) = (&self.boxes, after, self.query.order().is_by_id())
        else {
            return Ok(Index::Search);
        };
        let mut sql = self.layer.table.counted(Rows::Present);
        self.layer.table.push_boxes(&mut sql, boxes);
        sql.push(" limit ")
            .push_bind(MANY_CANDIDATES)
            .push(") as c");
        let query = sql.build_query_scalar();
        let count: i64 = query.fetch_one(&mut **session).await.map_err(store_error)?;
        Ok(if count < MANY_CANDIDATES {
            Index::Search
        } else {
            Index::PassOver
        })
    }

    /// The row's part in the answer, if it has one.
    pub(crate) fn look(&self, row: &PgRow) -> Result<Option<Found>, StoreError> {
        let ewkb = values::bytes(row, fields::GEOMETRY).map_err(store_error)?;
        let geometry = ewkb.map(ewkb::decode).transpose().map_err(unexpected)?;
        if let (Some(boxes), Some((_, bounds))) = (&self.boxes, &geometry)
            && !boxes.iter().any(|part| part.intersects(bounds))
        {
            return Ok(None);
        }
        let mut values = self.values(row)?;
        if self.recheck && !self.holds(&values) {
            return Ok(None);
        }
        values.truncate(self.query.attributes().len());
        Ok(Some(Found { geometry, values }))
    }

    fn values(&self, row: &PgRow) -> Result<Vec<Value>, StoreError> {
        let columns = self.columns.iter().zip(fields::ATTRIBUTES..);
        let values = columns.map(|(column, place)| values::read(row, place, column.kind));
        values.collect::<Result<_, _>>().map_err(store_error)
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

    /// Where a row stands in the order, whether it belongs to the answer or not.
    fn mark(&self, row: &PgRow) -> Result<Mark, StoreError> {
        let (id, order) = (id(row)?, self.query.order());
        if order.is_by_id() {
            return Ok(id.into());
        }
        let values = self.values(row)?;
        Ok(order.mark(id, &|id| self.value(&values, id)))
    }
}

pub(crate) async fn session(shared: &Shared, deadline: Instant) -> Result<Session, StoreError> {
    let session = shared.database.session_until(deadline.into()).await;
    session.map_err(store_error)
}

/// Reads the next elements of a query.
pub(crate) async fn chunk(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    window: Window<'_>,
) -> Result<Chunk, StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => GeometryColumn::Included,
        GeometryOutput::Omit => GeometryColumn::LeftOut,
    };
    let plan = Plan::new(shared, layer, query, wanted).await?;
    let mut session = session(shared, window.deadline).await?;
    let index = plan.index(&mut session, window.after).await?;
    let mut filling = Filling::new(window);
    let wanted = window.limit.rows.get() as usize + 1;
    let mut rows = wanted.min(layer.elements_within(window.limit.bytes));
    while !filling.is_over {
        let sql = plan.sql(filling.scanned.as_ref(), index, rows.min(MOST_ROWS));
        let looked_at = look_at(&mut session, &plan, (sql, Leftover::Receive), |row| {
            filling.take(row, &plan)
        })
        .await?;
        filling.is_over |= looked_at.count < rows.min(MOST_ROWS);
        filling.scanned = looked_at.last;
        // Few of the rows were wanted, so the next statement looks at more.
        rows = rows.saturating_mul(4);
    }
    session.done();
    layer.learn(filling.chunk.elements.len(), filling.bytes);
    Ok(filling.chunk)
}

/// What becomes of the rows that the visitor does not want any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leftover {
    /// They are received and dropped, so that the connection can be used again: there are few.
    Receive,
    /// They are left, and the connection with them.
    Abandon,
}

/// What a statement answered.
struct LookedAt {
    /// How many rows.
    count: usize,
    /// Where the last of them stands.
    last: Option<Mark>,
    /// Whether the visitor wanted more.
    flow: ControlFlow<()>,
}

/// Visits the rows of a statement that have the wanted relations, if there are any, as long as the visitor wants
/// more.
async fn look_at(
    session: &mut Session,
    plan: &Plan<'_>,
    (mut sql, leftover): (QueryBuilder<Postgres>, Leftover),
    mut visit: impl FnMut(&PgRow) -> Result<ControlFlow<()>, StoreError>,
) -> Result<LookedAt, StoreError> {
    let (mut candidates, mut flow) = (Candidates::default(), ControlFlow::Continue(()));
    let (mut count, mut last) = (0, None);
    let mut rows = sql.build().fetch(&mut **session);
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        if flow.is_break() && leftover == Leftover::Abandon {
            break;
        }
        // Looking at rows may take long, and others have to get their turn.
        consume_budget().await;
        count += 1;
        last = Some(plan.mark(&row)?);
        match &plan.test {
            _ if flow.is_break() => {}
            None => flow = visit(&row)?,
            Some(test) => {
                candidates.add(row)?;
                if candidates.are_enough() {
                    flow = visit_all(&test.sift(&mut candidates).await?, &mut visit)?;
                }
            }
        }
    }
    if let (Some(test), ControlFlow::Continue(())) = (&plan.test, flow) {
        flow = visit_all(&test.sift(&mut candidates).await?, &mut visit)?;
    }
    Ok(LookedAt { count, last, flow })
}

fn visit_all(
    rows: &[PgRow],
    visit: &mut impl FnMut(&PgRow) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    for row in rows {
        if visit(row)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// A chunk on its way.
struct Filling {
    chunk: Chunk,
    limit: ChunkLimit,
    bytes: usize,
    /// The last element that was taken.
    last: Option<Mark>,
    /// The last element that was looked at.
    scanned: Option<Mark>,
    is_over: bool,
}

impl Filling {
    fn new(window: Window<'_>) -> Self {
        Self {
            chunk: Chunk {
                elements: Vec::new(),
                rest: Rest::End,
                revision: window.revision,
            },
            limit: window.limit,
            bytes: 0,
            last: None,
            scanned: window.after.cloned(),
            is_over: false,
        }
    }

    fn take(&mut self, row: &PgRow, plan: &Plan<'_>) -> Result<ControlFlow<()>, StoreError> {
        let Some(found) = plan.look(row)? else {
            return Ok(ControlFlow::Continue(()));
        };
        let element = element(row, found, plan.query.geometry())?;
        let geometry = element.geometry.as_ref().map_or(0, Vec::len);
        let bytes = geometry + element.values.iter().map(Value::size).sum::<usize>();
        let is_full = self.chunk.elements.len() >= self.limit.rows.get() as usize
            || self.bytes + bytes > self.limit.bytes;
        if is_full && let Some(last) = self.last.take() {
            self.chunk.rest = Rest::After(last);
            self.is_over = true;
            return Ok(ControlFlow::Break(()));
        }
        self.bytes += bytes;
        self.chunk.elements.push(element);
        self.last = Some(plan.mark(row)?);
        Ok(ControlFlow::Continue(()))
    }
}

fn number(row: &PgRow, place: usize) -> Result<i64, StoreError> {
    let number = values::number(row, place).map_err(store_error)?;
    number.ok_or_else(|| unexpected("a number is missing"))
}

fn id(row: &PgRow) -> Result<ElementId, StoreError> {
    ElementId::new(number(row, fields::ID)?).map_err(unexpected)
}

fn element(row: &PgRow, found: Found, geometry: GeometryOutput) -> Result<Element, StoreError> {
    let actor = |place: usize| {
        let id = values::number(row, place).map_err(store_error)?;
        id.map(ActorId::new).transpose().map_err(unexpected)
    };
    let time = |place: usize| values::read_instant(row, place).map_err(store_error);
    Ok(Element {
        id: id(row)?,
        revision: DataRevision::new(number(row, fields::REVISION)?)
            .ok_or_else(|| unexpected("a negative revision"))?,
        geometry: match geometry {
            GeometryOutput::Include => found.geometry.map(|(wkb, _)| wkb),
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

/// Visits all rows of a query by one statement, as long as the visitor wants more. After a break the session is in the
/// middle of the statement: it must be dropped, which ends that.
pub(crate) async fn look_at_all(
    session: &mut Session,
    plan: &Plan<'_>,
    visit: impl FnMut(&PgRow) -> Result<ControlFlow<()>, StoreError>,
) -> Result<ControlFlow<()>, StoreError> {
    let mut sql = plan.select();
    plan.push_selection(&mut sql, Index::Search);
    let looked_at = look_at(session, plan, (sql, Leftover::Abandon), visit).await?;
    Ok(looked_at.flow)
}
