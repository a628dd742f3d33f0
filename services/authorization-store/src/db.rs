//! The two engines as one: transactions that take the same statements and give the same rows.

use std::time::Duration;

use jmap_postgres::within;
use sqlx::{
    ColumnIndex, Decode, FromRow, Postgres, Sqlite, SqlitePool, Type, postgres::PgRow,
    sqlite::SqliteRow,
};

use crate::{
    statement::{Statement, Value},
    tables::Kind,
};

/// Takes the write lock at once: a transaction that reads first could not write after another one has.
const BEGIN: &str = "begin immediate";

/// A row that either engine gives.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}

impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{}

/// A pool of connections to the one or the other.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite(SqlitePool),
    Postgres {
        pool: jmap_postgres::Database,
        /// How long an answer may take before the connection is given up.
        patience: Duration,
    },
}

/// A transaction. Dropped without a commit, it is undone.
#[derive(Debug)]
pub(crate) enum Tx {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres {
        tx: jmap_postgres::Transaction,
        patience: Duration,
    },
}

impl Db {
    /// Begins a transaction that writes.
    pub(crate) async fn begin(&self) -> sqlx::Result<Tx> {
        match self {
            Self::Sqlite(pool) => Ok(Tx::Sqlite(pool.begin_with(BEGIN).await?)),
            Self::Postgres { pool, patience } => begin(pool, *patience).await,
        }
    }

    /// Begins a transaction that only reads, and that waits for nobody.
    pub(crate) async fn begin_reading(&self) -> sqlx::Result<Tx> {
        match self {
            Self::Sqlite(pool) => Ok(Tx::Sqlite(pool.begin().await?)),
            Self::Postgres { pool, patience } => begin(pool, *patience).await,
        }
    }

    /// Waits for running work and closes the connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres { pool, patience: _ } => pool.close(),
        }
    }
}

async fn begin(pool: &jmap_postgres::Database, patience: Duration) -> sqlx::Result<Tx> {
    let tx = within(patience, pool.begin()).await?;
    Ok(Tx::Postgres { tx, patience })
}

impl Tx {
    /// Runs a statement and answers how many rows it wrote.
    pub(crate) async fn execute(&mut self, statement: Statement) -> sqlx::Result<u64> {
        match self {
            Self::Sqlite(tx) => Ok(statement
                .query::<Sqlite>()
                .execute(&mut **tx)
                .await?
                .rows_affected()),
            Self::Postgres { tx, patience } => {
                let query = statement.query::<Postgres>();
                let done = within(*patience, query.execute(&mut **tx)).await?;
                Ok(done.rows_affected())
            }
        }
    }

    /// All rows that a statement gives.
    pub(crate) async fn list<R: Row>(&mut self, statement: Statement) -> sqlx::Result<Vec<R>> {
        match self {
            Self::Sqlite(tx) => {
                let rows = statement.query::<Sqlite>().fetch_all(&mut **tx).await?;
                rows.iter().map(R::from_row).collect()
            }
            Self::Postgres { tx, patience } => {
                let query = statement.query::<Postgres>();
                let rows = within(*patience, query.fetch_all(&mut **tx)).await?;
                rows.iter().map(R::from_row).collect()
            }
        }
    }

    /// All rows that a statement gives, as values of these kinds.
    pub(crate) async fn values(
        &mut self,
        statement: Statement,
        kinds: impl Iterator<Item = Kind>,
    ) -> sqlx::Result<Vec<Vec<Value>>> {
        let kinds: Vec<Kind> = kinds.collect();
        match self {
            Self::Sqlite(tx) => {
                let rows = statement.query::<Sqlite>().fetch_all(&mut **tx).await?;
                rows.iter().map(|row| values(row, &kinds)).collect()
            }
            Self::Postgres { tx, patience } => {
                let query = statement.query::<Postgres>();
                let rows = within(*patience, query.fetch_all(&mut **tx)).await?;
                rows.iter().map(|row| values(row, &kinds)).collect()
            }
        }
    }

    /// The row that a statement gives, if any.
    pub(crate) async fn find<R: Row>(&mut self, statement: Statement) -> sqlx::Result<Option<R>> {
        Ok(self.list(statement).await?.pop())
    }

    pub(crate) async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres { tx, patience } => within(patience, tx.commit()).await,
        }
    }

    pub(crate) async fn rollback(self) -> sqlx::Result<()> {
        match self {
            Self::Sqlite(tx) => tx.rollback().await,
            Self::Postgres { tx, patience } => within(patience, tx.rollback()).await,
        }
    }
}

fn values<R: sqlx::Row>(row: &R, kinds: &[Kind]) -> sqlx::Result<Vec<Value>>
where
    usize: ColumnIndex<R>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let value = |(place, kind): (usize, &Kind)| {
        Ok(match kind {
            Kind::Integer => Value::Integer(row.try_get(place)?),
            Kind::Flag => Value::Flag(row.try_get(place)?),
            Kind::Text => Value::Text(row.try_get(place)?),
            Kind::Bytes => Value::Bytes(row.try_get(place)?),
        })
    };
    kinds.iter().enumerate().map(value).collect()
}
