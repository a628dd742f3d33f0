//! Reading the versions of one element.

use futures::TryStreamExt;
use jmap_domain::{ActorId, DataRevision, ElementId};
use layer_data_core::{
    history::{Rows, Touched, Version, VersionEnd, VersionKey, Versions},
    ports::{ChunkLimit, StoreError},
    query::{CheckedQuery, GeometryOutput},
    value::{DateTime, Value},
};
use sqlx::{QueryBuilder, Row, Sqlite, sqlite::SqliteRow};

use super::{Found, Plan, element, fields, stored_geometry};
use crate::{
    error::{store_error, unexpected},
    readers::Reader,
    store::Layer,
    table::BlobPart,
    values::read_value,
};

/// Reads the versions of the one element that a query names.
pub(crate) async fn versions(
    reader: &mut Reader,
    layer: &Layer,
    query: &CheckedQuery,
    (after, limit): (Option<DataRevision>, ChunkLimit),
) -> Result<Versions, StoreError> {
    let wanted = match query.geometry() {
        GeometryOutput::Include => BlobPart::Whole,
        GeometryOutput::Omit => BlobPart::Nothing,
    };
    let plan = Plan::new(layer, query, wanted);
    let mut sql = layer.table.select(wanted, &plan.columns, Rows::Versions);
    let id = query.ids().and_then(<[ElementId]>::first);
    sql.push(" and t.\"fid\" = ")
        .push_bind(id.map(|id| id.get()));
    if let Some(after) = after {
        sql.push(" and t.\"_revision\" > ").push_bind(after.get());
    }
    sql.push(" order by t.\"_revision\"");
    fill(reader, &plan, sql, limit).await
}

/// Reads versions that were replaced, in the order of their keys.
pub(crate) async fn replaced(
    reader: &mut Reader,
    layer: &Layer,
    query: &CheckedQuery,
    (after, limit): (Option<VersionKey>, ChunkLimit),
) -> Result<Versions, StoreError> {
    let plan = Plan::new(layer, query, BlobPart::Whole);
    let mut sql = layer
        .table
        .select(BlobPart::Whole, &plan.columns, Rows::Replaced);
    if let Some((element, revision)) = after {
        sql.push(" and (t.\"fid\", t.\"_revision\") > (")
            .push_bind(element.get());
        sql.push(", ").push_bind(revision.get()).push(")");
    }
    sql.push(" order by t.\"fid\", t.\"_revision\"");
    fill(reader, &plan, sql, limit).await
}

/// Reads the stamps of versions of several elements.
pub(crate) async fn trail(
    reader: &mut Reader,
    layer: &Layer,
    query: &CheckedQuery,
    (touched, limit): (&Touched, ChunkLimit),
) -> Result<Versions, StoreError> {
    let plan = Plan::new(layer, query, BlobPart::Nothing);
    fill(reader, &plan, layer.table.trail(touched)?, limit).await
}

pub(super) async fn fill(
    reader: &mut Reader,
    plan: &Plan<'_>,
    mut sql: QueryBuilder<Sqlite>,
    limit: ChunkLimit,
) -> Result<Versions, StoreError> {
    let mut rows = sql.build().fetch(&mut **reader);
    let (mut versions, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        if !plan.in_boxes(&row)? {
            continue;
        }
        let is_full = versions.len() >= limit.rows.get() as usize || bytes > limit.bytes;
        if is_full && !versions.is_empty() {
            return Ok(Versions {
                versions,
                more: true,
            });
        }
        let version = version(&row, plan)?;
        let geometry = version.element.geometry.as_ref().map_or(0, Vec::len);
        bytes += geometry
            + version
                .element
                .values
                .iter()
                .map(Value::size)
                .sum::<usize>();
        versions.push(version);
    }
    Ok(Versions {
        versions,
        more: false,
    })
}

fn version(row: &SqliteRow, plan: &Plan<'_>) -> Result<Version, StoreError> {
    let blob = stored_geometry(row)?;
    let mut values = Vec::with_capacity(plan.columns.len());
    for (column, place) in plan.columns.iter().zip(fields::ATTRIBUTES..) {
        values.push(read_value(row, place, column.kind).map_err(store_error)?);
    }
    let ends = fields::ATTRIBUTES + plan.columns.len();
    let number = |place: usize| {
        let number = row.try_get_unchecked::<Option<i64>, _>(ends + place);
        number.map_err(store_error)
    };
    let end = match (number(0)?, number(1)?, number(2)?) {
        (Some(until), Some(by), Some(time)) => Some(VersionEnd {
            revision: DataRevision::new(until).ok_or_else(|| unexpected("a negative revision"))?,
            by: ActorId::new(by).map_err(unexpected)?,
            time: DateTime::from_millis(time).map_err(unexpected)?,
        }),
        _ => None,
    };
    let id = ElementId::new(super::number(row, fields::ID)?).map_err(unexpected)?;
    let mark = plan.query.order().mark(id, &|_| &Value::Null);
    let element = element(row, Found { mark, blob, values }, plan.query.geometry())?;
    Ok(Version { element, end })
}
