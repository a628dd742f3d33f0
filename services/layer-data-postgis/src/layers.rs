//! Making and removing the storage of layers.

use std::{sync::Arc, time::Duration};

use jmap_domain::{DataRevision, LayerId};
use jmap_postgres::{Failure, Transaction, classify};
use layer_data_core::{
    definition::{LayerDefinition, StoredDefinitionError},
    history::HistoryStart,
    ports::{LayerRecord, NewLayer, Removal, StoreError, StoredLayer},
    value::DateTime,
};
use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Row, error::BoxDynError, postgres::PgRow, raw_sql,
};

use crate::{
    error::{answered, store_error, unexpected},
    store::{Layer, Shared},
    table::{Counters, drop_tables},
    values,
};

/// How often a change is tried when a lock is not free, and how long between the tries: meanwhile those who wait behind
/// get their turn.
const ATTEMPTS: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// The column of a layer's row that is null as long as its history was not begun.
pub(crate) const HISTORY_FROM: usize = 6;
const RESTORED: usize = 8;

/// What stops a change.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("the tenure is over")]
    Over,
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Trouble {
    fn is_lock(&self) -> bool {
        match self {
            Self::Over | Self::Store(_) => false,
            Self::Database(error) => {
                matches!(classify(error), Failure::LockTimeout | Failure::Contended)
            }
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Over => Self::Unavailable,
            Trouble::Database(error) => store_error(error),
            Trouble::Store(error) => error,
        }
    }
}

pub(crate) async fn create(shared: &Shared, new: NewLayer) -> Result<StoredLayer, StoreError> {
    let (id, first) = (new.layer, new.definition.clone());
    if shared.catalogue.find(id).is_none() {
        make(shared, &LayerRecord::new(new)).await?;
    }
    let (layer, revision) = shared.found(id)?;
    if layer.definition.began_as(&first) {
        Ok(layer.stored(revision))
    } else {
        Err(StoreError::LayerExists(id))
    }
}

/// Makes the layer, or finds that it was made: by a call of which nobody knew how it ended.
pub(crate) async fn make(shared: &Shared, record: &LayerRecord) -> Result<(), StoreError> {
    let json = record.definition.to_json().map_err(unexpected)?;
    let counters = Counters {
        revision: record.revision,
        next_element: record.next_element,
        edited: record.edited,
        // What came back before the layer was moved is not known.
        restored: record.revision,
    };
    let definition = record.definition.clone();
    let layer = Layer::new(
        record.layer,
        definition,
        record.created,
        (counters, record.history),
    );
    let making = patiently(|| try_make(shared, &layer, record, &json));
    let found = answered(shared.database.patience(), making).await?;
    let (layer, counters) = match found {
        None => (layer, counters),
        Some(row) => load(&row).map_err(unexpected)?,
    };
    shared
        .catalogue
        .put(record.layer, Arc::new(layer), counters.tip());
    Ok(())
}

/// The row of a layer that is there already.
async fn try_make(
    shared: &Shared,
    layer: &Layer,
    record: &LayerRecord,
    json: &str,
) -> Result<Option<PgRow>, Trouble> {
    let mut tx = begin(shared).await?;
    let query = sqlx::query(include_str!("../sql/insert_layer.sql")).bind(layer.id.get());
    let query = query.bind(json).bind(record.next_element);
    let query = query.bind(record.revision.get());
    let query = query.bind(values::Instant(layer.created));
    let query = query.bind(record.history.revision.get());
    let query = query.bind(values::Instant(record.history.time));
    let query = query.bind(record.edited.millis());
    if query.execute(&mut *tx).await?.rows_affected() == 0 {
        let query = sqlx::query(include_str!("../sql/find_layer.sql")).bind(layer.id.get());
        let row = query.fetch_one(&mut *tx).await?;
        tx.rollback().await?;
        return Ok(Some(row));
    }
    let readers = sqlx::query_scalar(include_str!("../sql/readers.sql"));
    let readers: Vec<String> = readers.fetch_all(&mut *tx).await?;
    let statements = layer
        .table
        .create(&layer.definition, &record.label, &readers);
    // By the audited writer.
    raw_sql(AssertSqlSafe(statements)).execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(None)
}

/// A layer as the catalogue keeps it, with its counters.
pub(crate) fn load(row: &PgRow) -> Result<(Layer, Counters), LoadError> {
    let (id, json): (i64, &str) = (row.try_get(0)?, row.try_get(1)?);
    let definition =
        LayerDefinition::from_json(json).map_err(|error| LoadError::Definition(id, error))?;
    let id = LayerId::new(id).map_err(damaged)?;
    let revision = |place: usize| {
        let revision = DataRevision::new(row.try_get(place)?);
        revision.ok_or_else(|| damaged("a negative revision"))
    };
    let counters = Counters {
        restored: revision(RESTORED)?,
        revision: revision(2)?,
        next_element: row.try_get(3)?,
        edited: DateTime::from_millis(row.try_get(5)?).map_err(damaged)?,
    };
    let created = values::read_instant(row, 4)?;
    let history = match row.try_get(HISTORY_FROM)? {
        Some(from) => HistoryStart {
            revision: DataRevision::new(from).ok_or_else(|| damaged("a negative revision"))?,
            time: values::read_instant(row, HISTORY_FROM + 1)?,
        },
        None => HistoryStart {
            revision: counters.revision,
            time: DateTime::now(),
        },
    };
    let layer = Layer::new(id, definition, created, (counters, history));
    Ok((layer, counters))
}

/// Why a layer cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    #[error("layer `{0}`")]
    Definition(i64, #[source] StoredDefinitionError),
}

fn damaged(error: impl Into<BoxDynError>) -> LoadError {
    LoadError::Database(sqlx::Error::Decode(error.into()))
}

/// R25: elements, history, remembered answers and counters.
pub(crate) async fn remove(shared: &Shared, removal: Removal) -> Result<(), StoreError> {
    let id = removal.layer;
    let found = shared.catalogue.find(id);
    // Nobody writes to the layer any more.
    let _writing = match &found {
        Some((layer, _)) => Some(layer.counters.lock().await),
        None => None,
    };
    // A layer that the catalogue does not know may be stored all the same, when nobody knew how its making ended.
    let removing = patiently(|| try_remove(shared, id));
    answered(shared.database.patience(), removing).await?;
    shared.catalogue.remove(id);
    Ok(())
}

async fn try_remove(shared: &Shared, layer: LayerId) -> Result<(), Trouble> {
    let mut tx = begin(shared).await?;
    raw_sql(AssertSqlSafe(drop_tables(layer)))
        .execute(&mut *tx)
        .await?;
    for statement in [
        include_str!("../sql/delete_layer_requests.sql"),
        include_str!("../sql/delete_layer.sql"),
    ] {
        sqlx::query(statement)
            .bind(layer.get())
            .execute(&mut *tx)
            .await?;
    }
    Ok(tx.commit().await?)
}

/// Begins the history of a layer that is older than history is kept.
pub(crate) async fn begin_history(db: &mut PgConnection, layer: &Layer) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    let readers = sqlx::query_scalar(include_str!("../sql/readers.sql"));
    let readers: Vec<String> = readers.fetch_all(&mut *tx).await?;
    let statements = layer.table.create_history(&layer.definition, &readers);
    // By the audited writer.
    raw_sql(AssertSqlSafe(statements)).execute(&mut *tx).await?;
    let query = sqlx::query(include_str!("../sql/begin_history.sql"))
        .bind(layer.id.get())
        .bind(layer.history.get().revision.get())
        .bind(values::Instant(layer.history.get().time));
    query.execute(&mut *tx).await?;
    tx.commit().await
}

/// Lets the feed of a layer be searched that is older than feeds are.
pub(crate) async fn begin_feed(db: &mut PgConnection, layer: &Layer) -> Result<(), sqlx::Error> {
    // By the audited writer.
    let statements = raw_sql(AssertSqlSafe(layer.table.index_feed()));
    statements.execute(db).await.map(drop)
}

/// A transaction that changes layers. Until it ends the store stays this process's, and it waits only shortly for locks.
pub(crate) async fn begin(shared: &Shared) -> Result<Transaction, Trouble> {
    let mut tx = shared.database.begin().await?;
    let timeout = include_str!("../sql/layer_lock_timeout.sql");
    raw_sql(timeout).execute(&mut *tx).await?;
    let query = sqlx::query_scalar(include_str!("../sql/hold_tenure.sql"));
    let held: Option<i64> = query
        .bind(shared.lease.tenure())
        .fetch_optional(&mut *tx)
        .await?;
    held.map(|_| tx).ok_or(Trouble::Over)
}

/// Tries a change again when a lock was not free.
pub(crate) async fn patiently<T, F>(change: impl Fn() -> F) -> Result<T, StoreError>
where
    F: Future<Output = Result<T, Trouble>>,
{
    for attempt in 1..ATTEMPTS {
        match change().await {
            Err(trouble) if trouble.is_lock() => tokio::time::sleep(PAUSE * attempt).await,
            done => return done.map_err(StoreError::from),
        }
    }
    change().await.map_err(StoreError::from)
}
