//! The one task that writes. Jobs wait in a bounded queue; edits that wait together are committed together.

use std::{num::NonZeroU32, sync::Arc};

use jmap_domain::LayerId;
use layer_data_core::{
    edit::{PermittedBatch, StoredAnswer},
    history::Pruned,
    ports::{Arrival, NewLayer, Redefined, Redefinition, Removal, StoreError, StoredLayer},
    value::DateTime,
};
use sqlx::{
    ConnectOptions, Connection, Sqlite, SqliteConnection, Transaction, sqlite::SqliteConnectOptions,
};
use tokio::{
    sync::{Mutex, mpsc, oneshot},
    task::JoinHandle,
};

use crate::{
    archive,
    error::{may_end_transaction, store_error},
    group, layers, open, prune, redefine,
    store::Catalogue,
};

/// Most jobs that wait. More are refused at once: the caller knows better than a queue what to do.
const QUEUE: usize = 1_024;

/// Most edit calls in one commit.
const GROUP: usize = 128;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// An edit call that waits for its answer.
pub(crate) struct EditJob {
    pub(crate) batch: PermittedBatch,
    pub(crate) reply: Reply<StoredAnswer>,
}

enum Job {
    Edit(EditJob),
    Change(Change),
    Close,
}

/// A change of the store itself, which shares its commit with nothing.
enum Change {
    Create(Box<NewLayer>, Reply<StoredLayer>),
    Redefine(Box<Redefinition>, Reply<Redefined>),
    Drop(Removal, Reply<()>),
    Prune(LayerId, DateTime, NonZeroU32, Reply<Pruned>),
    Bind(String, Reply<()>),
    TakeIn(Box<Arrival>, Reply<()>),
}

/// The way to the writing task.
#[derive(Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the writing task works with.
pub(crate) struct State {
    /// Absent after an error that may have ended its transaction: the driver still counts on one.
    connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    catalogue: Catalogue,
    epoch: i64,
}

impl Writer {
    pub(crate) fn start(state: State) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        let task = tokio::spawn(run(state, waiting));
        Self {
            jobs,
            task: Mutex::new(Some(task)),
        }
    }

    pub(crate) async fn edit(&self, batch: PermittedBatch) -> Result<StoredAnswer, StoreError> {
        self.send(|reply| Job::Edit(EditJob { batch, reply })).await
    }

    pub(crate) async fn create_layer(&self, layer: NewLayer) -> Result<StoredLayer, StoreError> {
        self.send(|reply| Job::Change(Change::Create(Box::new(layer), reply)))
            .await
    }

    pub(crate) async fn redefine(&self, change: Redefinition) -> Result<Redefined, StoreError> {
        self.send(|reply| Job::Change(Change::Redefine(Box::new(change), reply)))
            .await
    }

    pub(crate) async fn drop_layer(&self, removal: Removal) -> Result<(), StoreError> {
        self.send(|reply| Job::Change(Change::Drop(removal, reply)))
            .await
    }

    pub(crate) async fn prune(
        &self,
        layer: LayerId,
        now: DateTime,
        limit: NonZeroU32,
    ) -> Result<Pruned, StoreError> {
        self.send(|reply| Job::Change(Change::Prune(layer, now, limit, reply)))
            .await
    }

    pub(crate) async fn bind(&self, installation: String) -> Result<(), StoreError> {
        self.send(|reply| Job::Change(Change::Bind(installation, reply)))
            .await
    }

    pub(crate) async fn take_in(&self, arrival: Arrival) -> Result<(), StoreError> {
        self.send(|reply| Job::Change(Change::TakeIn(Box::new(arrival), reply)))
            .await
    }

    /// Lets the task finish what waits already, and waits for it.
    pub(crate) async fn close(&self) {
        let task = self.task.lock().await.take();
        // A task that has ended already has nothing to close.
        let _ = self.jobs.send(Job::Close).await;
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the writing task failed");
        }
    }

    async fn send<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.jobs
            .try_send(job(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => StoreError::Overloaded,
                mpsc::error::TrySendError::Closed(_) => StoreError::Unavailable,
            })?;
        answer.await.unwrap_or(Err(StoreError::Unavailable))
    }
}

async fn run(mut state: State, mut waiting: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(GROUP);
    let mut open = true;
    while open && waiting.recv_many(&mut jobs, GROUP).await > 0 {
        let mut edits = Vec::new();
        for job in jobs.drain(..) {
            match job {
                Job::Edit(edit) => edits.push(edit),
                Job::Change(change) => {
                    // Edits sent before a change of layers come before it.
                    group::commit(&mut state, std::mem::take(&mut edits)).await;
                    change.run(&mut state).await;
                }
                Job::Close => open = false,
            }
        }
        group::commit(&mut state, edits).await;
    }
    state.close().await;
}

impl Change {
    /// Whoever no longer waits for an answer gets none; the change is made all the same.
    async fn run(self, state: &mut State) {
        match self {
            Self::Create(layer, reply) => {
                let done = layers::create(state, *layer).await;
                drop(reply.send(state.unless_ended(done).await));
            }
            Self::Redefine(change, reply) => {
                let done = redefine::redefine(state, *change).await;
                drop(reply.send(state.unless_ended(done).await));
            }
            Self::Drop(removal, reply) => {
                let done = layers::remove(state, removal).await;
                drop(reply.send(state.unless_ended(done).await));
            }
            Self::Prune(layer, now, limit, reply) => {
                let done = prune::prune(state, layer, (now, limit)).await;
                drop(reply.send(state.unless_ended(done).await));
            }
            Self::Bind(installation, reply) => {
                let done = bind(state, &installation).await;
                drop(reply.send(state.unless_ended(done).await));
            }
            Self::TakeIn(arrival, reply) => {
                let done = archive::take_in(state, *arrival).await;
                drop(reply.send(state.unless_ended(done).await));
            }
        }
    }
}

async fn bind(state: &mut State, installation: &str) -> Result<(), StoreError> {
    let query = sqlx::query_scalar(include_str!("../sql/bind_installation.sql")).bind(installation);
    let bound: String = query
        .fetch_one(state.connection().await?)
        .await
        .map_err(store_error)?;
    if bound == installation {
        Ok(())
    } else {
        Err(StoreError::OtherInstallation)
    }
}

/// Begins a transaction that changes the store, which is still this process's.
pub(crate) async fn begin(state: &mut State) -> Result<Transaction<'_, Sqlite>, StoreError> {
    let epoch = state.epoch();
    let connection = state.connection().await?;
    let tx = connection.begin_with("begin immediate").await;
    let mut tx = tx.map_err(store_error)?;
    confirm_epoch(&mut tx, epoch).await?;
    Ok(tx)
}

/// Looks whether the store is still this process's. First in every transaction that changes something.
pub(crate) async fn confirm_epoch(
    connection: &mut SqliteConnection,
    epoch: i64,
) -> Result<(), StoreError> {
    let query = sqlx::query_scalar(include_str!("../sql/epoch.sql"));
    let now: i64 = query.fetch_one(connection).await.map_err(store_error)?;
    if now == epoch {
        Ok(())
    } else {
        Err(StoreError::Unavailable)
    }
}

impl State {
    /// What works with a connection just opened, and opens others like it.
    pub(crate) const fn new(
        connection: SqliteConnection,
        options: SqliteConnectOptions,
        catalogue: Catalogue,
        epoch: i64,
    ) -> Self {
        Self {
            connection: Some(connection),
            options,
            catalogue,
            epoch,
        }
    }

    /// The connection that writes, opened anew if need be.
    pub(crate) async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        if self.connection.is_none() {
            let fresh = self.options.connect().await.map_err(store_error)?;
            self.connection = Some(fresh);
        }
        self.connection.as_mut().ok_or(StoreError::Unavailable)
    }

    /// Gives the connection up, with whatever is open on it, if its transaction may have ended.
    pub(crate) async fn after(&mut self, error: &StoreError) {
        if may_end_transaction(error) {
            self.close().await;
        }
    }

    async fn unless_ended<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &done {
            self.after(error).await;
        }
        done
    }

    async fn close(&mut self) {
        if let Some(connection) = self.connection.take() {
            open::close(connection).await;
        }
    }

    /// The number by which this process holds the store.
    pub(crate) const fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The layers, shared with the readers.
    pub(crate) const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }
}

/// A layer of the catalogue, or the error that the port has for it.
pub(crate) fn find(
    catalogue: &Catalogue,
    layer: LayerId,
) -> Result<Arc<crate::store::Layer>, StoreError> {
    catalogue
        .find(layer)
        .map(|(layer, _)| layer)
        .ok_or(StoreError::LayerMissing(layer))
}
