//! Opening: the lock, the migrations, the layers, then the writer and the readers.

use std::{path::Path, time::Duration};

use jmap_domain::{DataRevision, LayerId};
use layer_data_core::{definition::LayerDefinition, value::DateTime};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    GeoPackage, OpenError,
    lock::Lock,
    store::{Catalogue, Layer},
    writer::Writer,
};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Most connections that read at the same time.
const READERS: u32 = 8;

/// How long a call waits for a connection or for another program that is writing to the file.
const PATIENCE: Duration = Duration::from_secs(5);

impl GeoPackage {
    /// Opens a file, making it if there is none, and takes it for this process.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let lock = Lock::take(path)?;
        let mut writer = writer_options(path).connect().await?;
        migrate(&mut writer).await?;
        let catalogue = load(&mut writer).await?;
        let epoch = sqlx::query_scalar(include_str!("../sql/next_epoch.sql"))
            .fetch_one(&mut writer)
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE);
        let readers = readers.connect_with(options(path).read_only(true)).await?;
        let writer = Writer::start(writer, epoch, catalogue.clone());
        Ok(Self {
            writer,
            readers,
            catalogue,
            _lock: lock,
        })
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE);
    // Statements per layer and mask are many, and parsing one costs more than running it.
    options
        .statement_cache_capacity(256)
        .pragma("cache_size", "-16384")
        .disable_statement_logging()
}

fn writer_options(path: &Path) -> SqliteConnectOptions {
    let options = options(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal);
    // In WAL mode anything less than FULL may lose the last commits when the power fails; what was answered as done
    // has to stay done.
    options.synchronous(SqliteSynchronous::Full)
}

async fn migrate(writer: &mut SqliteConnection) -> Result<(), OpenError> {
    // Of the ways to run migrations on one connection, only this one's future may move between threads.
    match MIGRATIONS.run_direct(None, writer, false).await {
        Ok(()) => {}
        Err(MigrateError::VersionMissing(_)) => return Err(OpenError::NewerThanCode),
        Err(error) => return Err(OpenError::Migrate(error)),
    }
    // Other programs recognise a GeoPackage by the first bytes of the file itself, not of its log.
    sqlx::query(include_str!("../sql/checkpoint.sql"))
        .execute(writer)
        .await?;
    Ok(())
}

async fn load(writer: &mut SqliteConnection) -> Result<Catalogue, OpenError> {
    let catalogue = Catalogue::default();
    let rows: Vec<(i64, String, i64, i64)> = sqlx::query_as(include_str!("../sql/load_layers.sql"))
        .fetch_all(writer)
        .await?;
    for (id, definition, revision, created) in rows {
        let definition = LayerDefinition::from_json(&definition)
            .map_err(|error| OpenError::Definition(id, error))?;
        let damaged = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let layer = LayerId::new(id).map_err(|error| damaged(error.into()))?;
        let created = DateTime::from_millis(created).map_err(|error| damaged(error.into()))?;
        let revision =
            DataRevision::new(revision).ok_or_else(|| damaged("a negative revision".into()))?;
        catalogue.put(
            layer,
            Layer::new(layer, definition, created).into(),
            revision,
        );
    }
    Ok(catalogue)
}

/// Closes a connection whose work is done. A failure leaves a log file behind that the next opening reads.
pub(crate) async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the storage was not closed cleanly");
    }
}
