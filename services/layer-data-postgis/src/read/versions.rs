//! Reading the versions of one element.

use std::time;

use futures::TryStreamExt;
use jmap_domain::{ActorId, DataRevision, ElementId};
use jmap_postgres::Session;
use layer_data_core::{
    history::{Rows, Touched, Version, VersionEnd, VersionKey, Versions},
    ports::{ChunkLimit, StoreError},
    query::{CheckedQuery, GeometryOutput},
    value::Value,
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};

use super::{Found, element, fields, session};
use crate::{
    error::{store_error, unexpected},
    ewkb,
    store::{Layer, Shared},
    table::{Column, GeometryColumn},
    values,
};

/// Which versions of an element to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) after: Option<DataRevision>,
    pub(crate) limit: ChunkLimit,
    pub(crate) deadline: time::Instant,
}

/// Reads the versions of the one element that a query names.
pub(crate) async fn versions(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    span: Span,
) -> Result<Versions, StoreError> {
    let columns = columns(layer, query);
    let wanted = match query.geometry() {
        GeometryOutput::Include => GeometryColumn::Included,
        GeometryOutput::Omit => GeometryColumn::LeftOut,
    };
    let mut sql = layer.table.select(wanted, &columns, Rows::Versions);
    let id = query.ids().and_then(<[ElementId]>::first);
    sql.push(" and t.\"fid\" = ")
        .push_bind(id.map(|id| id.get()));
    if let Some(after) = span.after {
        sql.push(" and t.\"_revision\" > ").push_bind(after.get());
    }
    sql.push(" order by t.\"_revision\"");
    let session = session(shared, span.deadline).await?;
    let reading = Reading { session, columns };
    reading.fill(sql, query.geometry(), span.limit).await
}

/// Reads the stamps of versions of several elements.
pub(crate) async fn trail(
    shared: &Shared,
    layer: &Layer,
    touched: &Touched,
    (limit, deadline): (ChunkLimit, time::Instant),
) -> Result<Versions, StoreError> {
    let sql = layer.table.trail(touched);
    let reading = Reading {
        session: session(shared, deadline).await?,
        columns: Vec::new(),
    };
    reading.fill(sql, GeometryOutput::Omit, limit).await
}

/// Reads versions that were replaced, in the order of their keys.
pub(crate) async fn replaced(
    session: Session,
    layer: &Layer,
    query: &CheckedQuery,
    (after, limit): (Option<VersionKey>, ChunkLimit),
) -> Result<Versions, StoreError> {
    let columns = columns(layer, query);
    let included = GeometryColumn::Included;
    let mut sql = layer.table.select(included, &columns, Rows::Replaced);
    if let Some((element, revision)) = after {
        sql.push(" and (t.\"fid\", t.\"_revision\") > (")
            .push_bind(element.get());
        sql.push(", ").push_bind(revision.get()).push(")");
    }
    sql.push(" order by t.\"fid\", t.\"_revision\"");
    let reading = Reading { session, columns };
    reading.fill(sql, GeometryOutput::Include, limit).await
}

pub(super) fn columns<'a>(layer: &'a Layer, query: &CheckedQuery) -> Vec<&'a Column> {
    let attributes = query.attributes().iter();
    attributes
        .map(|id| layer.table.column_to_read(*id))
        .collect()
}

/// A statement that reads versions, and the attributes among its columns.
pub(super) struct Reading<'a> {
    pub(super) session: Session,
    pub(super) columns: Vec<&'a Column>,
}

impl Reading<'_> {
    pub(super) async fn fill(
        mut self,
        mut sql: QueryBuilder<Postgres>,
        geometry: GeometryOutput,
        limit: ChunkLimit,
    ) -> Result<Versions, StoreError> {
        let most = i64::from(limit.rows.get()).saturating_add(1);
        sql.push(" limit ").push_bind(most);
        let mut filling = Filling::new(limit);
        let mut rows = sql.build().fetch(&mut *self.session);
        // All are received, so that the connection can be used again.
        while let Some(row) = rows.try_next().await.map_err(store_error)? {
            filling.take(&row, &self.columns, geometry)?;
        }
        drop(rows);
        self.session.done();
        Ok(filling.read)
    }
}

/// Versions on their way.
struct Filling {
    read: Versions,
    limit: ChunkLimit,
    bytes: usize,
}

impl Filling {
    const fn new(limit: ChunkLimit) -> Self {
        Self {
            read: Versions {
                versions: Vec::new(),
                more: false,
            },
            limit,
            bytes: 0,
        }
    }

    fn take(
        &mut self,
        row: &PgRow,
        columns: &[&Column],
        geometry: GeometryOutput,
    ) -> Result<(), StoreError> {
        let versions = &mut self.read.versions;
        let is_full =
            versions.len() >= self.limit.rows.get() as usize || self.bytes > self.limit.bytes;
        self.read.more |= is_full && !versions.is_empty();
        if self.read.more {
            return Ok(());
        }
        let version = version(row, columns, geometry)?;
        let geometry = version.element.geometry.as_ref().map_or(0, Vec::len);
        self.bytes += geometry
            + version
                .element
                .values
                .iter()
                .map(Value::size)
                .sum::<usize>();
        versions.push(version);
        Ok(())
    }
}

fn version(
    row: &PgRow,
    columns: &[&Column],
    geometry: GeometryOutput,
) -> Result<Version, StoreError> {
    let ewkb = values::bytes(row, fields::GEOMETRY).map_err(store_error)?;
    let mut found = Found {
        geometry: ewkb.map(ewkb::decode).transpose().map_err(unexpected)?,
        values: Vec::with_capacity(columns.len()),
    };
    for (column, place) in columns.iter().zip(fields::ATTRIBUTES..) {
        let value = values::read(row, place, column.kind).map_err(store_error)?;
        found.values.push(value);
    }
    Ok(Version {
        element: element(row, found, geometry)?,
        end: end(row, fields::ATTRIBUTES + columns.len())?,
    })
}

fn end(row: &PgRow, place: usize) -> Result<Option<VersionEnd>, StoreError> {
    let number = |place: usize| values::number(row, place).map_err(store_error);
    let (Some(until), Some(by)) = (number(place)?, number(place + 1)?) else {
        return Ok(None);
    };
    Ok(Some(VersionEnd {
        revision: DataRevision::new(until).ok_or_else(|| unexpected("a negative revision"))?,
        by: ActorId::new(by).map_err(unexpected)?,
        time: values::read_instant(row, place + 2).map_err(store_error)?,
    }))
}
