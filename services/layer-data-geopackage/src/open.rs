//! Opening: the lock, the migrations, the layers, then the writer and the readers.

use std::{collections::HashSet, path::Path, time::Duration};

use jmap_domain::{DataRevision, LayerId};
use layer_data_core::{
    catalogue::Tip, definition::LayerDefinition, history::HistoryStart, ports::Occupant,
    value::DateTime,
};
use sqlx::{
    ConnectOptions, Connection, SqliteConnection,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    GeoPackage, OpenError, archive,
    layers::{begin_feed, begin_history},
    lock::Lock,
    readers::Readers,
    sieve::Comparisons,
    store::{Catalogue, Layer},
    writer::{State, Writer},
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
        let store = Self::open_to_move(path).await?;
        let occupant = {
            let mut reader = store.readers.until(None).await?;
            archive::occupant(&mut *reader).await?
        };
        if let Occupant::Arriving(_) = occupant {
            store.close().await;
            return Err(OpenError::Unfinished(path.to_owned()));
        }
        Ok(store)
    }

    /// Opens a file like [`Self::open`] to copy from it or into it, also when a move into it is not finished.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_to_move(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, writer_options(path)).await
    }

    /// Opens a file to be written by such connections.
    async fn open_with(path: &Path, options: SqliteConnectOptions) -> Result<Self, OpenError> {
        let lock = Lock::take(path)?;
        let mut writer = options.connect().await?;
        migrate(&mut writer).await?;
        let catalogue = load(&mut writer).await?;
        let epoch = sqlx::query_scalar(include_str!("../sql/next_epoch.sql"))
            .fetch_one(&mut writer)
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE);
        let readers = readers
            .connect_with(common_options(path).read_only(true))
            .await?;
        let state = State::new(writer, options, catalogue.clone(), epoch);
        let writer = Writer::start(state);
        Ok(Self {
            writer,
            readers: Readers::new(readers),
            comparisons: Comparisons::default(),
            catalogue,
            _lock: lock,
        })
    }
}

fn common_options(path: &Path) -> SqliteConnectOptions {
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
    let options = common_options(path)
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

/// Id, definition, newest revision, when it was made, from when on history is kept, and the id of the next element.
type StoredLayer = (i64, String, i64, i64, Option<i64>, Option<i64>, i64, i64);

async fn load(writer: &mut SqliteConnection) -> Result<Catalogue, OpenError> {
    let catalogue = Catalogue::default();
    let searchable = sqlx::query_scalar(include_str!("../sql/feed_indexes.sql"));
    let searchable: Vec<i64> = searchable.fetch_all(&mut *writer).await?;
    let searchable: HashSet<i64> = searchable.into_iter().collect();
    let rows: Vec<StoredLayer> = sqlx::query_as(include_str!("../sql/load_layers.sql"))
        .fetch_all(&mut *writer)
        .await?;
    for (id, definition, revision, created, from, since, next_element, restored) in rows {
        let definition = LayerDefinition::from_json(&definition)
            .map_err(|error| OpenError::Definition(id, error))?;
        let damaged = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
        let layer = LayerId::new(id).map_err(|error| damaged(error.into()))?;
        let created = DateTime::from_millis(created).map_err(|error| damaged(error.into()))?;
        let revision =
            DataRevision::new(revision).ok_or_else(|| damaged("a negative revision".into()))?;
        let history = match (from.and_then(DataRevision::new), since) {
            (Some(revision), Some(since)) => {
                let time = DateTime::from_millis(since).map_err(|error| damaged(error.into()))?;
                Some(HistoryStart { revision, time })
            }
            (None, _) | (_, None) => None,
        };
        let now = HistoryStart {
            revision,
            time: DateTime::now(),
        };
        let stored = Layer::new(layer, definition, created, history.unwrap_or(now));
        if history.is_none() {
            begin_history(writer, &stored).await?;
        } else if !searchable.contains(&id) {
            // The layer is older than feeds are.
            let mut tx = writer.begin().await?;
            begin_feed(&mut tx, &stored).await?;
            tx.commit().await?;
        }
        let restored = DataRevision::new(restored);
        let tip = Tip {
            revision,
            next_element,
            restored: restored.ok_or_else(|| damaged("a negative revision".into()))?,
        };
        catalogue.put(layer, stored.into(), tip);
    }
    Ok(catalogue)
}

/// Closes a connection whose work is done. A failure leaves a log file behind that the next opening reads.
pub(crate) async fn close(connection: SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the storage was not closed cleanly");
    }
}

#[cfg(test)]
mod tests {
    use futures::future::join_all;
    use jmap_domain::Decision;
    use layer_data_core::{
        conformance::{
            actor, batch, creation, definition, done, make_layer, name_of, named, read_all,
            renaming,
        },
        edit::{Edit, ExpectedRevision},
        ports::{LayerStore, NewLayer, Removal, StoreError},
    };

    use super::*;

    /// Room for the tables and some elements.
    const PAGES: &str = "100";

    async fn small(folder: &Path) -> GeoPackage {
        let path = folder.join("layers.gpkg");
        let options = writer_options(&path).pragma("max_page_count", PAGES);
        GeoPackage::open_with(&path, options).await.unwrap()
    }

    async fn create(store: &GeoPackage, names: Vec<String>) -> Result<(), StoreError> {
        let edits = names.iter().map(|name| creation(1.0, 2.0, named(name)));
        let batch = batch(actor(1), Decision::All, edits.collect());
        store.edit(batch).await.map(drop)
    }

    async fn stored(store: &GeoPackage) -> Vec<String> {
        let elements = read_all(store).await;
        elements
            .iter()
            .map(|element| name_of(element).to_owned())
            .collect()
    }

    async fn delete_all(store: &GeoPackage) {
        let deletions = read_all(store)
            .await
            .into_iter()
            .map(|element| Edit::Delete {
                element: element.id,
                expected: ExpectedRevision::Any,
            });
        let batch = batch(actor(1), Decision::All, deletions.collect());
        store.edit(batch).await.unwrap();
    }

    #[tokio::test]
    async fn on_a_full_disk_nothing_is_acknowledged_that_is_not_stored() {
        // R57, R109. A change of one row that finds no room ends SQLite's transaction.
        let folder = tempfile::tempdir().unwrap();
        let store = small(folder.path()).await;
        make_layer(&store).await;
        let small = |n: usize| vec![format!("small {n}")];
        for round in 0..3 {
            let grown = done(&store, creation(1.0, 2.0, named("grown")))
                .await
                .element;
            let growth = renaming(grown, ExpectedRevision::Any, &"x".repeat(1 << 20));
            let growing = store.edit(batch(actor(1), Decision::All, vec![growth]));
            let before = join_all((0..4).map(|n| create(&store, small(n))));
            let after = join_all((4..9).map(|n| create(&store, small(n))));
            let (before, growing, after) = tokio::join!(before, growing, after);
            assert!(matches!(growing, Err(StoreError::Unavailable)));
            let acknowledged = (0..).zip(before.into_iter().chain(after));
            let acknowledged = acknowledged.filter(|(_, answer)| answer.is_ok());
            let mut expected = vec!["grown".to_owned()];
            expected.extend(acknowledged.flat_map(|(n, _)| small(n)));
            assert_eq!(stored(&store).await, expected, "in round {round}");
            delete_all(&store).await;
        }
        create(&store, small(9)).await.unwrap();
        assert_eq!(stored(&store).await, small(9));
    }

    #[tokio::test]
    async fn a_layer_that_finds_no_room_leaves_the_store_working() {
        let folder = tempfile::tempdir().unwrap();
        let store = small(folder.path()).await;
        make_layer(&store).await;
        let layer = |n| NewLayer {
            layer: LayerId::new(n).unwrap(),
            label: "one more".to_owned(),
            definition: definition(),
        };
        let mut next = 8;
        while store.create_layer(layer(next)).await.is_ok() {
            next += 1;
        }
        assert_eq!(
            store.layers().await.unwrap().len(),
            usize::try_from(next).unwrap() - 7
        );
        let element = vec!["small".to_owned()];
        let mut expected = stored(&store).await;
        while create(&store, element.clone()).await.is_ok() {
            expected.extend(element.clone());
        }
        // A deletion keeps what it deletes, so it makes no room; a layer that goes does.
        let layer = LayerId::new(8).unwrap();
        store.drop_layer(Removal { layer }).await.unwrap();
        create(&store, element.clone()).await.unwrap();
        expected.extend(element);
        assert_eq!(stored(&store).await, expected);
    }
}
