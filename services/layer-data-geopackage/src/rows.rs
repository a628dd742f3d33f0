//! Writing whole elements, with their boxes in the index.

use layer_data_core::{element::ElementRow, ports::StoreError};
use sqlx::SqliteConnection;

use crate::{error::store_error, table::Table};

/// Most elements that one statement inserts; with 250 attributes each it is half of what SQLite binds at once.
pub(crate) const ROWS_PER_STATEMENT: usize = 64;

/// Writes new elements, many by one statement: most of the time that an import takes is the way to the driver and back.
pub(crate) async fn insert(
    db: &mut SqliteConnection,
    table: &Table,
    rows: &[ElementRow<'_>],
) -> Result<(), StoreError> {
    let mut rest = rows;
    while let Some(most) = rest.len().checked_ilog2() {
        // Powers of two, so that few different statements have to be prepared.
        let (now, remaining) = rest.split_at(1 << most.min(ROWS_PER_STATEMENT.ilog2()));
        let boxes: Vec<_> = now
            .iter()
            .map(|row| (row.id, row.geometry.bounds()))
            .collect();
        for mut sql in [table.insert(now), table.put_boxes(&boxes)] {
            sql.build().execute(&mut *db).await.map_err(store_error)?;
        }
        rest = remaining;
    }
    Ok(())
}
