//! Beginning another life of a database that was restored from a backup.
//!
//! What was changed and given out after the backup is unknown to it, and still known to others: tokens of the policy,
//! ids, sessions. None of them may mean anything here.

use authorization_core::{Timestamp, ports::StoreError};
use jmap_domain::Epoch;

use crate::{
    SqlStore, load::installation, record::Unreadable, sql, statement::statement, store::unavailable,
};

/// By how much the highest ids given out are raised: more than any installation gives out between two backups.
const GAP: i64 = 1_000_000;

impl SqlStore {
    /// Begins another epoch, closes every session and raises the highest ids given out (R8, R116), all in one
    /// transaction. The same backup may be restored several times, so epochs are not counted but taken from the time:
    /// each is another one.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read or written, or another process has taken it.
    pub async fn begin_epoch(&self, now: Timestamp) -> Result<Epoch, StoreError> {
        let begin = statement(sql!("installation/begin_epoch"))
            .bind(self.tenure())
            .bind(now.as_millis() / 1000)
            .bind(GAP);
        let statements = vec![statement(sql!("session/forget_all")), begin];
        self.write(statements, None).await?;
        let mut tx = self.begin_reading().await?;
        let row = installation(&mut tx).await.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        let row = row.ok_or(StoreError::Corrupt)?;
        Ok(Epoch(u32::try_from(row.epoch).map_err(Unreadable::from)?))
    }
}
