//! The pool, and connections that never go back to it in the middle of something.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::managed::{self, Metrics, Object, PoolError, RecycleError, RecycleResult};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use tokio::time::{Instant, timeout};

use crate::{Connector, DatabaseOptions, connector::within};

/// A connection that was not used for so long is looked at before it is used again.
const IDLE: Duration = Duration::from_secs(1);
/// How long a look may take. A connection that gives no answer is replaced.
const LOOK: Duration = Duration::from_secs(1);
/// A connection is replaced after so many uses: the database keeps some 50 KiB for each table that one has touched, and
/// there may be thousands of tables.
const MOST_USES: usize = 1_000;
/// A deadline that comes about when the limit of all statements does is left to that one.
const TOLERANCE: Duration = Duration::from_secs(2);

type Pool = managed::Pool<Opener>;

/// A bounded pool of connections to one database.
#[derive(Clone, Debug)]
pub struct Database {
    pool: Pool,
}

/// Opens the pool's connections.
#[derive(Debug)]
struct Opener(Connector);

/// What the pool keeps.
#[derive(Debug)]
struct Pooled {
    connection: PgConnection,
    /// Something may be running on it, or a transaction be open.
    is_busy: bool,
    /// How long its statements may take, where that is less than what all may.
    limit: Option<Duration>,
    /// How often it was used; a use of several tables counts as several.
    uses: usize,
}

impl managed::Manager for Opener {
    type Type = Pooled;
    type Error = sqlx::Error;

    async fn create(&self) -> sqlx::Result<Pooled> {
        // Large, and rare.
        let opening = Box::pin(self.0.connect());
        Ok(Pooled {
            connection: opening.await?,
            is_busy: false,
            limit: None,
            uses: 0,
        })
    }

    async fn recycle(&self, pooled: &mut Pooled, metrics: &Metrics) -> RecycleResult<sqlx::Error> {
        if pooled.is_busy || pooled.uses >= MOST_USES {
            return Err(RecycleError::message("not to be used again"));
        }
        // A look at every use would cost a round trip for each statement.
        if metrics.last_used() >= IDLE {
            within(LOOK, pooled.connection.ping()).await?;
        }
        Ok(())
    }
}

impl Connector {
    /// A pool; its connections are opened when they are needed.
    #[must_use]
    pub fn database(&self) -> Database {
        Database {
            pool: Opener(self.clone()).pool(),
        }
    }
}

impl Opener {
    #[expect(
        clippy::expect_used,
        reason = "a pool without time-outs of its own is always built"
    )]
    fn pool(self) -> Pool {
        let most = usize::try_from(self.0.limits.database_max_connections);
        Pool::builder(self)
            .max_size(most.unwrap_or(usize::MAX))
            // So that no more connections are open than are needed.
            .queue_mode(managed::QueueMode::Lifo)
            .build()
            .expect("a pool without time-outs")
    }
}

impl Database {
    /// Waits for a connection.
    ///
    /// # Errors
    /// The driver's; [`sqlx::Error::PoolTimedOut`] when none was free in time.
    pub async fn session(&self) -> sqlx::Result<Session> {
        let mut session = self.acquire().await?;
        session.limit(None).await?;
        Ok(session)
    }

    /// Waits for a connection whose statements the database ends at a deadline, unless their own limit comes first.
    ///
    /// # Errors
    /// Like [`Self::session`]; [`sqlx::Error::Io`] when the deadline has passed.
    pub async fn session_until(&self, deadline: Instant) -> sqlx::Result<Session> {
        let mut session = self.acquire().await?;
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            session.done();
            return Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into()));
        }
        let limit = self.limits().database_statement_timeout;
        session
            .limit((left + TOLERANCE < limit).then_some(left))
            .await?;
        Ok(session)
    }

    /// Waits for a connection and begins a transaction on it. Connections that turn out to be dead are replaced: nothing
    /// was done on them.
    ///
    /// # Errors
    /// Like [`Self::session`].
    pub async fn begin(&self) -> sqlx::Result<Transaction> {
        self.begin_by("begin").await
    }

    /// Begins a transaction that waits so long for the locks of others, to the millisecond.
    ///
    /// # Errors
    /// Like [`Self::session`].
    pub async fn begin_waiting(&self, lock_timeout: Duration) -> sqlx::Result<Transaction> {
        // Never 0, which would be no limit at all.
        let limit = lock_timeout.as_millis().max(1);
        self.begin_by(&format!("begin; set local lock_timeout = {limit}"))
            .await
    }

    async fn begin_by(&self, statement: &str) -> sqlx::Result<Transaction> {
        let mut dead = 0;
        loop {
            let mut session = self.acquire().await?;
            match session.begin(statement).await {
                Ok(()) => return Ok(Transaction(session)),
                Err(error) if dead == self.limits().database_max_connections => {
                    return Err(error);
                }
                Err(_) => dead += 1,
            }
        }
    }

    async fn acquire(&self) -> sqlx::Result<Session> {
        let limits = self.limits();
        let got = timeout(limits.database_acquire_timeout, self.pool.get()).await;
        let mut pooled = got
            .unwrap_or(Err(PoolError::Timeout(managed::TimeoutType::Wait)))
            .map_err(|error| match error {
                PoolError::Backend(error) => error,
                PoolError::Timeout(_) => sqlx::Error::PoolTimedOut,
                PoolError::Closed
                | PoolError::NoRuntimeSpecified
                | PoolError::PostCreateHook(_) => sqlx::Error::PoolClosed,
            })?;
        pooled.is_busy = true;
        pooled.uses += 1;
        Ok(Session {
            pooled,
            sweeper: Sweeper(Some(self.pool.clone())),
        })
    }

    fn limits(&self) -> &DatabaseOptions {
        &self.pool.manager().0.limits
    }

    /// How long to wait for the answer to a statement: see [`Connector::patience`].
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.pool.manager().0.patience()
    }

    /// Gives out no more connections, and closes them: those in use when their users are done.
    pub fn close(&self) {
        self.pool.close();
    }
}

/// A connection of the pool, in use.
///
/// It goes back to the pool only when its user says that the work is [done](Self::done). Dropped before, as when the
/// caller has gone, it is closed; the database then cancels the statement that still runs, within a second.
#[derive(Debug)]
pub struct Session {
    // Dropped in this order: first it comes back to the pool, then it is swept out of it.
    pooled: Object<Opener>,
    sweeper: Sweeper,
}

/// Closes what came back to the pool busy.
#[derive(Debug)]
struct Sweeper(Option<Pool>);

impl Drop for Sweeper {
    fn drop(&mut self) {
        if let Some(pool) = &self.0 {
            drop(pool.retain(|pooled, _| !pooled.is_busy));
        }
    }
}

impl Session {
    /// Gives the connection back; nothing is running on it, and no transaction is open.
    pub fn done(mut self) {
        self.pooled.is_busy = false;
        self.sweeper.0 = None;
    }

    /// Sees to it that statements may take so long; without a limit of its own, as long as all may.
    async fn limit(&mut self, limit: Option<Duration>) -> sqlx::Result<()> {
        if self.pooled.limit == limit {
            return Ok(());
        }
        let statement = match limit {
            None => "reset statement_timeout".to_owned(),
            // Rather later than earlier, and never 0, which would be no limit at all.
            Some(limit) => format!("set statement_timeout = {}", limit.as_millis() + 1),
        };
        raw_sql(AssertSqlSafe(statement))
            .execute(&mut **self)
            .await?;
        self.pooled.limit = limit;
        Ok(())
    }

    async fn begin(&mut self, statement: &str) -> sqlx::Result<()> {
        self.limit(None).await?;
        raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut **self)
            .await?;
        Ok(())
    }
}

impl Deref for Session {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.pooled.connection
    }
}

impl DerefMut for Session {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.pooled.connection
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

    /// Says that so many tables are used, where one is usual: the connection is replaced the earlier.
    pub fn uses_tables(&mut self, count: usize) {
        self.0.pooled.uses += count.saturating_sub(1);
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
