//! Counting elements up to a cap, and estimating how many there are beyond it.

use std::{num::NonZeroU64, ops::ControlFlow, time::Instant};

use jmap_postgres::Session;
use layer_data_core::{
    ports::{Count, StoreError},
    query::CheckedQuery,
};
use sqlx::{Postgres, QueryBuilder, postgres::PgRow};

use super::{Index, Plan, look_at_all, session};
use crate::{
    error::{store_error, unexpected},
    store::{Layer, Shared},
    table::{GeometryColumn, Table},
};

/// Counts the elements of a query, in the database where it can decide which they are. When there are more than the
/// cap, the planner says about how many.
pub(crate) async fn count(
    shared: &Shared,
    layer: &Layer,
    query: &CheckedQuery,
    (cap, deadline): (NonZeroU64, Instant),
) -> Result<Count, StoreError> {
    let plan = Plan::new(shared, layer, query, GeometryColumn::LeftOut).await?;
    let mut session = session(shared, deadline).await?;
    let enough = cap.get().saturating_add(1);
    let counted = if plan.recheck || query.spatial().is_some() {
        count_each(&mut session, &plan, enough).await?
    } else {
        count_rows(&mut session, &plan, enough).await?
    };
    let count = if counted < enough {
        Count::Exact(counted)
    } else {
        let expected = expected(&mut session, &plan).await?;
        Count::About(expected.max(enough))
    };
    session.done();
    Ok(count)
}

fn push_exact_selection(plan: &Plan<'_>, sql: &mut QueryBuilder<Postgres>) {
    plan.push_selection(sql, Index::Search);
    if let Some(boxes) = &plan.boxes {
        Table::push_exact_boxes(sql, boxes);
    }
}

async fn count_rows(
    session: &mut Session,
    plan: &Plan<'_>,
    enough: u64,
) -> Result<u64, StoreError> {
    let mut sql = plan.layer.table.counted(plan.query.as_of().into());
    push_exact_selection(plan, &mut sql);
    let limit = i64::try_from(enough).unwrap_or(i64::MAX);
    sql.push(" limit ").push_bind(limit).push(") as c");
    let query = sql.build_query_scalar();
    let count: i64 = query.fetch_one(&mut **session).await.map_err(store_error)?;
    u64::try_from(count).map_err(unexpected)
}

async fn count_each(
    session: &mut Session,
    plan: &Plan<'_>,
    enough: u64,
) -> Result<u64, StoreError> {
    let mut count = 0;
    let add = |row: &PgRow| {
        if plan.look(row)?.is_some() {
            count += 1;
        }
        Ok(if count < enough {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        })
    };
    // Whether it wanted more shows in the count.
    let _ = look_at_all(session, plan, add).await?;
    Ok(count)
}

/// How many rows the planner expects of the very selection, from the statistics of the layer's table.
async fn expected(session: &mut Session, plan: &Plan<'_>) -> Result<u64, StoreError> {
    let mut sql = plan.layer.table.expected(plan.query.as_of().into());
    plan.push_selection(&mut sql, Index::Search);
    let query = sql.build_query_scalar();
    let lines: Vec<String> = query.fetch_all(&mut **session).await.map_err(store_error)?;
    Ok(lines.first().and_then(|line| rows(line)).unwrap_or(0))
}

/// The rows in a line such as `Seq Scan on l_7 t  (cost=0.00..1.05 rows=5 width=0)`.
fn rows(line: &str) -> Option<u64> {
    let (_, rest) = line.rsplit_once(" rows=")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_planner_says_how_many_rows_it_expects() {
        let line = "Seq Scan on l_7 t  (cost=0.00..1.05 rows=52341 width=0)";
        assert_eq!(rows(line), Some(52_341));
        assert_eq!(rows("Planning Time: 0.1 ms"), None);
    }
}
