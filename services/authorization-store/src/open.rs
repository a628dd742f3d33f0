//! Opening the database: the lock, the file, the schema, and the row that says whose it is.

use std::{
    fs::OpenOptions,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    Opening, SqlStore, StandingError,
    db::Db,
    lease::{FileLease, LeaseError},
    opening::Installation,
    sql,
    store::Hold,
};
use sqlx::{
    Connection, SqlitePool,
    migrate::{MigrateError, Migrator},
    query, query_as, query_scalar,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");
/// One writes, the others read.
const CONNECTIONS: u32 = 4;
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("the database `{}` is in use by another process; stop that one first", .0.display())]
    InUse(PathBuf),
    /// A newer version of this program has changed it.
    #[error("the database `{}` was written by a newer version of this program; start that version", .0.display())]
    Newer(PathBuf),
    /// The file, or the lock file beside it, cannot be used.
    #[error("the database file `{}` cannot be used", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// The schema cannot be brought up to date.
    #[error("the schema of the database `{}` cannot be brought up to date", .0.display())]
    Schema(PathBuf, #[source] MigrateError),
    /// The database cannot be read or written.
    #[error("the database `{}` cannot be read or written", .0.display())]
    Database(PathBuf, #[source] sqlx::Error),
    /// It is not what it has to be.
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl SqlStore {
    /// Opens the database in a file, made first if it does not exist, and takes it for this process.
    ///
    /// # Errors
    /// [`OpenError`] when another process holds it, a newer version wrote it, or it cannot be used.
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_for(path, Opening::Serve).await
    }

    /// Opens the database in a file for some purpose, and takes it for this process. Only what is copied from has to
    /// be there.
    ///
    /// # Errors
    /// Like [`Self::open`], and [`StandingError`] when the database is not fit for the purpose.
    pub async fn open_for(path: &Path, opening: Opening<'_>) -> Result<Self, OpenError> {
        if matches!(opening, Opening::Leave) && !path.exists() {
            return Err(StandingError::Nothing(path.display().to_string()).into());
        }
        Self::open_with(path, options(path), opening).await
    }

    /// Opens the database by such connections.
    async fn open_with(
        path: &Path,
        options: SqliteConnectOptions,
        opening: Opening<'_>,
    ) -> Result<Self, OpenError> {
        let lease = FileLease::take(path).map_err(|error| match error {
            LeaseError::Held => OpenError::InUse(path.to_owned()),
            LeaseError::Io(error) => OpenError::File(path.to_owned(), error),
        })?;
        create_private(path).map_err(|error| OpenError::File(path.to_owned(), error))?;
        let database = |error| OpenError::Database(path.to_owned(), error);
        let pool = connect(options).await.map_err(database)?;
        MIGRATIONS
            .run(&pool)
            .await
            .map_err(|error| schema(path, error))?;
        let found = identify(&pool, opening).await.map_err(database)?;
        let label = path.display().to_string();
        let found = found.ok_or_else(|| StandingError::Nothing(label.clone()))?;
        opening.check(&found, &label)?;
        let tenure = query_scalar(sql!("installation/take")).fetch_one(&pool);
        let tenure = tenure.await.map_err(database)?;
        let hold = Hold::File {
            tenure,
            _lease: lease,
        };
        Ok(Self::new(Db::Sqlite(pool), found.installation_id, hold))
    }
}

/// The file holds keys and hashes, so nobody else may read it; SQLite gives its companions the same mode.
fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
}

async fn connect(options: SqliteConnectOptions) -> sqlx::Result<SqlitePool> {
    SqlitePoolOptions::new()
        .max_connections(CONNECTIONS)
        // On a full disk SQLite ends a transaction by itself. The driver counts on it still and would begin no other
        // on that connection, so another one takes its place.
        .before_acquire(|connection, _| {
            let free = !connection.is_in_transaction();
            Box::pin(async move { Ok(free) })
        })
        .connect_with(options)
        .await
}

fn schema(path: &Path, error: MigrateError) -> OpenError {
    if matches!(error, MigrateError::VersionMissing(_)) {
        return OpenError::Newer(path.to_owned());
    }
    OpenError::Schema(path.to_owned(), error)
}

/// Whose the database is; a new one becomes somebody's.
async fn identify(pool: &SqlitePool, opening: Opening<'_>) -> sqlx::Result<Option<Installation>> {
    if let Some((id, arriving)) = opening.first_row() {
        let create = query(sql!("installation/create")).bind(id).bind(arriving);
        create.execute(pool).await?;
    }
    query_as(sql!("installation/identify"))
        .fetch_optional(pool)
        .await
}

#[cfg(test)]
mod tests {
    use authorization_core::{
        Timestamp,
        model::{Account, Session, SessionState},
        ports::{PolicyStore, StoreError},
    };
    use jmap_domain::{ServiceId, SessionId};

    use super::*;

    /// Room for the tables and some sessions.
    const PAGES: &str = "56";

    #[tokio::test]
    async fn when_a_full_disk_has_room_again_the_store_works_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.db");
        let options = options(&path)
            .pragma("max_page_count", PAGES)
            .synchronous(SqliteSynchronous::Off);
        let store = SqlStore::open_with(&path, options, Opening::Serve)
            .await
            .unwrap();
        let end = Timestamp::from_millis(1);
        let put = async |id| {
            let session = Session {
                id: SessionId::new(id).unwrap(),
                account: Account::Service {
                    service: ServiceId::new(1).unwrap(),
                },
                opened_at: Timestamp::from_millis(0),
                expires_at: end,
                state: SessionState::Open,
                refresh: None,
            };
            store.put_session(&session, None).await
        };
        let mut stored = 0;
        let failure = loop {
            match put(stored + 1).await {
                Ok(()) => stored += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(failure, StoreError::Unavailable);
        for _ in 0..CONNECTIONS {
            assert_eq!(put(stored + 1).await, Err(StoreError::Unavailable));
        }
        let kept = store.load().await.unwrap();
        assert_eq!(i64::try_from(kept.sessions.len()).unwrap(), stored);
        assert_eq!(kept.last_session, stored);
        store
            .forget_sessions(Timestamp::from_millis(2))
            .await
            .unwrap();
        put(stored + 1).await.unwrap();
    }
}
