//! Counting and measuring elements.

use std::{ops::ControlFlow, time::Instant};

use jmap_domain::DataRevision;
use jmap_postgres::Session;
use layer_data_core::{
    geometry::Bounds,
    ports::{StoreError, Summary},
    query::CheckedQuery,
};
use sqlx::postgres::PgRow;

use super::{Found, Index, Plan, look_at_all, session};
use crate::{
    error::{store_error, unexpected},
    store::{Layer, Shared},
    table::{GeometryColumn, Table},
};

/// Counts the elements of a query and measures their exact extent, in the database where it can decide which they are.
pub(crate) async fn summary(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    (revision, deadline): (DataRevision, Instant),
) -> Result<Summary, StoreError> {
    let plan = Plan::new(shared, layer, query, GeometryColumn::Included).await?;
    let mut session = session(shared, deadline).await?;
    let (count, extent) = if plan.recheck || query.spatial().is_some() {
        count_each(&mut session, &plan).await?
    } else {
        measure(&mut session, &plan).await?
    };
    session.done();
    Ok(Summary {
        count,
        extent,
        revision,
    })
}

/// An edge of an extent; null without elements.
type Edge = Option<f64>;

async fn measure(
    session: &mut Session,
    plan: &Plan<'_>,
) -> Result<(u64, Option<Bounds>), StoreError> {
    let mut sql = plan.layer.table.measure(plan.query.as_of().into());
    plan.push_selection(&mut sql, Index::Search);
    if let Some(boxes) = &plan.boxes {
        Table::push_exact_boxes(&mut sql, boxes);
    }
    sql.push(") as m");
    let query = sql.build_query_as();
    let row: (i64, Edge, Edge, Edge, Edge) =
        query.fetch_one(&mut **session).await.map_err(store_error)?;
    let extent = match row {
        (_, Some(min_x), Some(min_y), Some(max_x), Some(max_y)) => Some(Bounds {
            min_x,
            min_y,
            max_x,
            max_y,
        }),
        _ => None,
    };
    Ok((u64::try_from(row.0).map_err(unexpected)?, extent))
}

async fn count_each(
    session: &mut Session,
    plan: &Plan<'_>,
) -> Result<(u64, Option<Bounds>), StoreError> {
    let (mut count, mut extent) = (0, None::<Bounds>);
    let add = |row: &PgRow| {
        if let Some(Found {
            geometry: Some((_, bounds)),
            values: _,
        }) = plan.look(row)?
        {
            count += 1;
            extent = Some(extent.map_or(bounds, |extent| extent.union(bounds)));
        }
        Ok(ControlFlow::Continue(()))
    };
    // It wants all.
    let _ = look_at_all(session, plan, add).await?;
    Ok((count, extent))
}
