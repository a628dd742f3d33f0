//! Removing versions that are no longer to be kept.

use std::num::NonZeroU32;

use jmap_domain::{DataRevision, LayerId};
use layer_data_core::{
    history::{HistoryStart, Pruned},
    ports::StoreError,
    value::DateTime,
};
use sqlx::{Row, postgres::PgRow};

use crate::{
    error::{answered, unexpected},
    layers::{self, Trouble, begin},
    store::{Layer, Shared},
    values,
};

/// Removes about as many versions as the limit. While the counters are held nobody changes the definition, so that nothing
/// is removed any more once somebody was told that it is kept; edits of the layer come before or after.
pub(crate) async fn prune(
    shared: &Shared,
    id: LayerId,
    (now, limit): (DateTime, NonZeroU32),
) -> Result<Pruned, StoreError> {
    let (layer, _) = shared.found(id)?;
    let _writing = layer.counters.lock().await;
    // It may have been changed meanwhile, or dropped.
    let (layer, _) = shared.found(id)?;
    let Some(keep) = layer.definition.keep_history() else {
        return Ok(Pruned::default());
    };
    let horizon = keep.horizon(now);
    let pruning = layers::patiently(|| try_prune(shared, &layer, horizon, limit));
    answered(shared.database.patience(), pruning).await
}

async fn try_prune(
    shared: &Shared,
    layer: &Layer,
    horizon: DateTime,
    limit: NonZeroU32,
) -> Result<Pruned, Trouble> {
    let mut tx = begin(shared).await?;
    let from = sqlx::query_scalar(include_str!("../sql/history_from.sql")).bind(layer.id.get());
    let from: Option<i64> = from.fetch_optional(&mut *tx).await?;
    let from = from.ok_or(StoreError::LayerMissing(layer.id))?;
    let mut sql = layer.table.edge(from, horizon, limit);
    let row = sql.build().fetch_one(&mut *tx).await?;
    let Some(start) = edge(&row)? else {
        tx.rollback().await?;
        return Ok(Pruned::default());
    };
    let query = sqlx::query(include_str!("../sql/move_history_start.sql"))
        .bind(layer.id.get())
        .bind(start.revision.get())
        .bind(values::Instant(start.time));
    query.execute(&mut *tx).await?;
    let mut sql = layer.table.prune(from, start);
    let removed = sql.build().execute(&mut *tx).await?;
    let looked_at: i64 = row.try_get(2)?;
    // Who has read what is gone now must find out. Should the commit fail, a little is refused that is there.
    layer.history.advance(start);
    tx.commit().await?;
    Ok(Pruned {
        versions: removed.rows_affected(),
        more: looked_at >= i64::from(limit.get()),
    })
}

/// Where history begins afterwards; `None` when nothing is to be removed.
fn edge(row: &PgRow) -> Result<Option<HistoryStart>, Trouble> {
    let Some(revision) = row.try_get(0)? else {
        return Ok(None);
    };
    let revision = DataRevision::new(revision).ok_or_else(|| unexpected("a negative revision"))?;
    let time = values::read_instant(row, 1)?;
    Ok(Some(HistoryStart { revision, time }))
}
