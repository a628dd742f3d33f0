//! Removing versions that are no longer to be kept, in the turn of the writing task, so that edits come in between.

use std::num::NonZeroU32;

use jmap_domain::{DataRevision, LayerId};
use layer_data_core::{
    history::{HistoryStart, Pruned},
    ports::StoreError,
    value::DateTime,
};

use crate::{
    error::{store_error, unexpected},
    writer::{State, begin, find},
};

/// The newest edit among those looked at whose replaced versions may go, when it was made, and how many versions were
/// looked at.
type Edge = (Option<i64>, Option<i64>, i64);

/// Removes about as many versions as the limit.
pub(crate) async fn prune(
    state: &mut State,
    id: LayerId,
    (now, limit): (DateTime, NonZeroU32),
) -> Result<Pruned, StoreError> {
    let layer = find(state.catalogue(), id)?;
    let Some(keep) = layer.definition.keep_history() else {
        return Ok(Pruned::default());
    };
    let mut tx = begin(state).await?;
    let from = sqlx::query_scalar(include_str!("../sql/history_from.sql")).bind(id.get());
    let from: i64 = from.fetch_one(&mut *tx).await.map_err(store_error)?;
    let mut sql = layer.table.edge(from, keep.horizon(now), limit);
    let edge = sql.build_query_as().fetch_one(&mut *tx).await;
    let edge: Edge = edge.map_err(store_error)?;
    let (Some(revision), Some(millis), looked_at) = edge else {
        tx.rollback().await.map_err(store_error)?;
        return Ok(Pruned::default());
    };
    let start = HistoryStart {
        revision: DataRevision::new(revision).ok_or_else(|| unexpected("a negative revision"))?,
        time: DateTime::from_millis(millis).map_err(unexpected)?,
    };
    let query = sqlx::query(include_str!("../sql/move_history_start.sql"))
        .bind(id.get())
        .bind(start.revision.get())
        .bind(start.time.millis());
    query.execute(&mut *tx).await.map_err(store_error)?;
    let mut sql = layer.table.prune(from, start);
    let removed = sql.build().execute(&mut *tx).await.map_err(store_error)?;
    // Who has read what is gone now must find out. Should the commit fail, a little is refused that is there.
    layer.history.advance(start);
    tx.commit().await.map_err(store_error)?;
    Ok(Pruned {
        versions: removed.rows_affected(),
        more: looked_at >= i64::from(limit.get()),
    })
}
