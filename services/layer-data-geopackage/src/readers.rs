//! Connections that read. A statement on one ends when its time is up, and when nobody waits for it any more: SQLite would
//! go on to its next row, however far that is.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Instant,
};

use sqlx::{Sqlite, SqliteConnection, SqlitePool, pool::PoolConnection};

/// So many steps of SQLite's machine, some tenths of a millisecond, pass between two looks at whether to go on.
const STEPS: i32 = 10_000;

/// The connections.
#[derive(Clone, Debug)]
pub(crate) struct Readers(SqlitePool);

/// A connection that is taken for a read. What still runs on it when it is dropped ends then.
pub(crate) struct Reader {
    connection: PoolConnection<Sqlite>,
    _waiting: Arc<()>,
}

impl Readers {
    pub(crate) const fn new(pool: SqlitePool) -> Self {
        Self(pool)
    }

    /// Waits for a connection, to be used until a deadline if there is one.
    pub(crate) async fn until(&self, deadline: Option<Instant>) -> sqlx::Result<Reader> {
        let mut connection = self.0.acquire().await?;
        let waiting = Arc::new(());
        let awaited = Arc::downgrade(&waiting);
        let goes_on = move || {
            awaited.strong_count() > 0 && deadline.is_none_or(|deadline| Instant::now() < deadline)
        };
        let mut handle = connection.lock_handle().await?;
        handle.set_progress_handler(STEPS, goes_on);
        drop(handle);
        Ok(Reader {
            connection,
            _waiting: waiting,
        })
    }

    pub(crate) async fn close(&self) {
        self.0.close().await;
    }
}

impl Deref for Reader {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.connection
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }
}
