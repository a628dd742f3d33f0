//! The pool, and connections that never go back to it in the middle of something.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use sqlx::{
    Connection, PgConnection, PgPool, Postgres,
    pool::{PoolConnection, PoolConnectionMetadata},
    postgres::PgPoolOptions,
    raw_sql,
};

use crate::{Connector, connector::within};

/// A connection that was not used for so long is looked at before it is used again.
const IDLE: Duration = Duration::from_secs(1);
/// How long a look may take. A connection that gives no answer is replaced.
const LOOK: Duration = Duration::from_secs(1);

/// A bounded pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: PgPool,
    patience: Duration,
}

impl Connector {
    /// A pool; its connections are opened when they are needed.
    #[must_use]
    pub fn database(&self) -> Database {
        let pool = PgPoolOptions::new()
            .max_connections(self.limits.database_max_connections)
            .acquire_timeout(self.limits.database_acquire_timeout)
            // A look at every use would cost a round trip for each statement.
            .test_before_acquire(false)
            .before_acquire(|connection, metadata| Box::pin(is_alive(connection, metadata)))
            .connect_lazy_with(self.options());
        Database {
            pool,
            patience: self.patience(),
        }
    }
}

async fn is_alive(
    connection: &mut PgConnection,
    metadata: PoolConnectionMetadata,
) -> sqlx::Result<bool> {
    if metadata.idle_for >= IDLE {
        within(LOOK, connection.ping()).await?;
    }
    Ok(true)
}

impl Database {
    /// Waits for a connection.
    ///
    /// # Errors
    /// The driver's; [`sqlx::Error::PoolTimedOut`] when none was free in time.
    pub async fn session(&self) -> sqlx::Result<Session> {
        let connection = self.pool.acquire().await?;
        Ok(Session {
            connection,
            is_done: false,
        })
    }

    /// Waits for a connection and begins a transaction on it. Connections that turn out to be dead are replaced: nothing
    /// was done on them.
    ///
    /// # Errors
    /// Like [`Self::session`].
    pub async fn begin(&self) -> sqlx::Result<Transaction> {
        let mut dead = 0;
        loop {
            let mut session = self.session().await?;
            match raw_sql("begin").execute(&mut *session).await {
                Ok(_) => return Ok(Transaction(session)),
                Err(error) if dead == self.pool.options().get_max_connections() => {
                    return Err(error);
                }
                Err(_) => dead += 1,
            }
        }
    }

    /// How long to wait for the answer to a statement: see [`Connector::patience`].
    #[must_use]
    pub const fn patience(&self) -> Duration {
        self.patience
    }

    /// Waits for running work and closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// A connection of the pool, in use.
///
/// It goes back to the pool only when its user says that the work is [done](Self::done). Dropped before, as when the
/// caller has gone, it is closed; the database then cancels the statement that still runs, within a second.
#[derive(Debug)]
pub struct Session {
    connection: PoolConnection<Postgres>,
    is_done: bool,
}

impl Session {
    /// Gives the connection back; nothing is running on it, and no transaction is open.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.connection
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.is_done {
            self.connection.close_on_drop();
        }
    }
}

/// A transaction on a connection of the pool. Dropped without an end, it closes the connection, which rolls it back.
#[derive(Debug)]
pub struct Transaction(Session);

impl Transaction {
    /// Makes what was written last.
    ///
    /// # Errors
    /// The driver's. [`is_outcome_unknown`](crate::is_outcome_unknown) tells whether it may have happened all the same.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        raw_sql("commit").execute(&mut *self.0).await?;
        self.0.done();
        Ok(())
    }

    /// Undoes what was written, and keeps the connection.
    ///
    /// # Errors
    /// The driver's; it is undone all the same.
    pub async fn rollback(mut self) -> sqlx::Result<()> {
        raw_sql("rollback").execute(&mut *self.0).await?;
        self.0.done();
        Ok(())
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}
