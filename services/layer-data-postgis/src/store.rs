//! The store: what it holds, and the port that it implements.

use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jmap_domain::{ActorId, AttributeId, DataRevision, LayerId};
use jmap_postgres::{Database, Lease, Session};
use layer_data_core::{
    definition::{Examination, LayerDefinition},
    edit::{Holder, PermittedBatch, RequestKey, StoredAnswer},
    feed::{FeedPart, FeedPlace, FeedSearch, Seen},
    history::{HistoryStart, MovingStart, Pruned, Touched, Versions},
    ports::{
        Archive, Chunk, ChunkLimit, Count, LayerStore, NewLayer, Redefined, Redefinition, Removal,
        StoreError, StoredLayer, Summary,
    },
    query::{CheckedQuery, Mark},
    statistics::Tally,
    value::{DateTime, Value},
};
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::{
    error::{answered, store_error},
    lanes::{self, Lanes},
    layers, prune, read, redefine, requests,
    sieve::Comparisons,
    table::{Counters, Table},
    tally, unique,
};

/// A database with its layers, held by this process.
#[derive(Debug)]
pub struct PostGis {
    pub(crate) shared: Arc<Shared>,
}

/// What the store's tasks share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) database: Database,
    pub(crate) lease: Lease,
    pub(crate) catalogue: Catalogue,
    pub(crate) lanes: Lanes,
    pub(crate) comparisons: Comparisons,
    forgotten: Mutex<Option<Instant>>,
}

/// The layers of the database.
pub(crate) type Catalogue = layer_data_core::catalogue::Catalogue<Layer>;

/// The stored counters of a layer, while this process knows them.
pub(crate) type KnownCounters = Option<Counters>;

/// A layer as the store works with it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) id: LayerId,
    pub(crate) definition: Arc<LayerDefinition>,
    pub(crate) created: DateTime,
    pub(crate) history: MovingStart,
    pub(crate) table: Table,
    /// Whoever writes to the layer holds this.
    pub(crate) counters: Arc<tokio::sync::Mutex<KnownCounters>>,
    /// Held by those who read from the table, and alone by who changes its columns.
    pub(crate) structure: Arc<RwLock<()>>,
    /// About how many bytes an element has, by what was read lately.
    element_bytes: AtomicUsize,
}

/// A layer to read from, the revision of its data, and what keeps its columns as they are meanwhile.
pub(crate) type Reading = (Arc<Layer>, DataRevision, OwnedRwLockReadGuard<()>);

impl Layer {
    pub(crate) fn new(
        id: LayerId,
        definition: LayerDefinition,
        created: DateTime,
        (counters, history): (Counters, HistoryStart),
    ) -> Self {
        let table = Table::new(id, &definition);
        Self {
            id,
            definition: Arc::new(definition),
            created,
            history: MovingStart::new(history),
            table,
            counters: Arc::new(tokio::sync::Mutex::new(Some(counters))),
            structure: Arc::default(),
            element_bytes: AtomicUsize::new(0),
        }
    }

    /// The same layer with another definition.
    pub(crate) fn redefined(&self, definition: LayerDefinition) -> Self {
        let element_bytes = self.element_bytes.load(Ordering::Relaxed);
        Self {
            id: self.id,
            created: self.created,
            history: self.history.clone(),
            table: Table::new(self.id, &definition),
            definition: Arc::new(definition),
            counters: Arc::clone(&self.counters),
            structure: Arc::clone(&self.structure),
            element_bytes: AtomicUsize::new(element_bytes),
        }
    }

    pub(crate) fn stored(&self, revision: DataRevision) -> StoredLayer {
        StoredLayer {
            layer: self.id,
            definition: Arc::clone(&self.definition),
            created: self.created,
            revision,
            history: self.history.get(),
        }
    }

    /// How many elements have so many bytes, rather a few more than too few; at least one.
    pub(crate) fn elements_within(&self, bytes: usize) -> usize {
        let each = self.element_bytes.load(Ordering::Relaxed).max(1);
        let about = bytes / each;
        about.saturating_add(about / 4).saturating_add(1)
    }

    /// Learns from elements that were read.
    pub(crate) fn learn(&self, elements: usize, bytes: usize) {
        if let Some(each) = bytes.checked_div(elements) {
            self.element_bytes.store(each, Ordering::Relaxed);
        }
    }
}

impl Shared {
    pub(crate) fn new(database: Database, lease: Lease, catalogue: Catalogue) -> Self {
        Self {
            database,
            lease,
            catalogue,
            lanes: Lanes::default(),
            comparisons: Comparisons::default(),
            forgotten: Mutex::default(),
        }
    }

    pub(crate) fn found(&self, layer: LayerId) -> Result<(Arc<Layer>, DataRevision), StoreError> {
        self.catalogue
            .find(layer)
            .ok_or(StoreError::LayerMissing(layer))
    }

    /// The place in a layer's feed where nothing is left to be told.
    pub(crate) fn newest(&self, layer: LayerId) -> Result<FeedPlace, StoreError> {
        let tip = self.catalogue.tip(layer);
        let tip = tip.ok_or(StoreError::LayerMissing(layer))?;
        Ok(tip.into())
    }

    /// A layer to read from: as long as the guard is held, its table has the columns that it says.
    pub(crate) async fn reading(&self, id: LayerId) -> Result<Reading, StoreError> {
        let structure = Arc::clone(&self.found(id)?.0.structure);
        let guard = structure.read_owned().await;
        // It may have been changed meanwhile, or dropped.
        let (layer, revision) = self.found(id)?;
        Ok((layer, revision, guard))
    }

    /// The layer of a query, to read from; its attributes have the types that the query was checked by.
    async fn asked(&self, query: &CheckedQuery) -> Result<Reading, StoreError> {
        let reading = self.reading(query.layer()).await?;
        let is_of = query.is_of(&reading.0.definition);
        is_of
            .then_some(reading)
            .ok_or(StoreError::DefinitionChanged(query.layer()))
    }

    /// Whether something that is done now and then is due; if so, the time until the next begins.
    pub(crate) fn is_time_to_forget(&self, now: Instant, between: Duration) -> bool {
        let mut last = self
            .forgotten
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= between);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}

impl PostGis {
    /// Finishes what is being written and closes the connections.
    pub async fn close(&self) {
        self.shared.lanes.close().await;
        self.shared.database.close();
    }

    /// Completes when another process has taken the database: this one has to end.
    pub async fn over(&self) {
        self.shared.lease.over().await;
    }

    /// A connection to read with.
    pub(crate) async fn session(&self) -> Result<Session, StoreError> {
        self.held()?.database.session().await.map_err(store_error)
    }

    /// A process that cannot confirm its lease neither reads nor writes.
    pub(crate) fn held(&self) -> Result<&Arc<Shared>, StoreError> {
        if self.shared.lease.is_confirmed() {
            Ok(&self.shared)
        } else {
            Err(StoreError::Unavailable)
        }
    }
}

impl LayerStore for PostGis {
    async fn bind_installation(&self, installation: &str) -> Result<(), StoreError> {
        let shared = self.held()?;
        let mut session = shared.database.session().await.map_err(store_error)?;
        let query = sqlx::query_scalar(include_str!("../sql/bind_installation.sql"))
            .bind(installation)
            .bind(shared.lease.tenure());
        let bound: Option<String> = query
            .fetch_optional(&mut *session)
            .await
            .map_err(store_error)?;
        session.done();
        match bound {
            None => Err(StoreError::Unavailable),
            Some(bound) if bound == installation => Ok(()),
            Some(_) => Err(StoreError::OtherInstallation),
        }
    }

    async fn create_layer(&self, layer: NewLayer) -> Result<StoredLayer, StoreError> {
        layers::create(self.held()?, layer).await
    }

    async fn drop_layer(&self, removal: Removal) -> Result<(), StoreError> {
        layers::remove(self.held()?, removal).await
    }

    async fn layer(&self, layer: LayerId) -> Result<Option<StoredLayer>, StoreError> {
        let found = self.held()?.catalogue.find(layer);
        Ok(found.map(|(layer, revision)| layer.stored(revision)))
    }

    async fn layers(&self) -> Result<Vec<LayerId>, StoreError> {
        Ok(self.held()?.catalogue.ids())
    }

    async fn last_edit(&self, layer: LayerId) -> Result<Option<DateTime>, StoreError> {
        Ok(self.layer_record(layer).await?.last_edit())
    }

    async fn edit(&self, batch: PermittedBatch) -> Result<StoredAnswer, StoreError> {
        lanes::edit(self.held()?, batch).await
    }

    async fn remembered(
        &self,
        actor: ActorId,
        request: RequestKey,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let database = &self.held()?.database;
        let mut session = database.session().await.map_err(store_error)?;
        let known = requests::remembered(&mut session, actor, request);
        let known = answered(database.patience(), known).await?;
        session.done();
        Ok(known)
    }

    async fn examine(
        &self,
        layer: LayerId,
        mut examination: Examination,
        since: DataRevision,
        deadline: Instant,
    ) -> Result<(Examination, DataRevision), StoreError> {
        let shared = self.held()?;
        let (layer, revision, _reading) = shared.reading(layer).await?;
        let session = shared.database.session_until(deadline.into()).await;
        let mut session = session.map_err(store_error)?;
        redefine::examine(&mut session, &layer, &mut examination, since).await?;
        session.done();
        Ok((examination, revision))
    }

    async fn redefine(&self, change: Redefinition) -> Result<Redefined, StoreError> {
        redefine::redefine(self.held()?, change).await
    }

    async fn holders(
        &self,
        layer: LayerId,
        key: AttributeId,
        values: &[Value],
        deadline: Instant,
    ) -> Result<Vec<Holder>, StoreError> {
        let shared = self.held()?;
        let (layer, _, _reading) = shared.reading(layer).await?;
        if !layer.definition.fits(key, values) {
            return Err(StoreError::DefinitionChanged(layer.id));
        }
        let session = shared.database.session_until(deadline.into()).await;
        let mut session = session.map_err(store_error)?;
        let values = values.iter().collect();
        let holders = unique::holders(&mut session, &layer, key, values).await?;
        session.done();
        Ok(holders)
    }

    async fn read(
        &self,
        query: &CheckedQuery,
        after: Option<&Mark>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Chunk, StoreError> {
        let shared = self.held()?;
        let (layer, revision, _reading) = shared.asked(query).await?;
        let window = read::Window {
            after,
            limit,
            revision,
            deadline,
        };
        read::chunk(shared, &layer, query, window).await
    }

    async fn versions(
        &self,
        query: &CheckedQuery,
        after: Option<DataRevision>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let shared = self.held()?;
        let (layer, _, _reading) = shared.asked(query).await?;
        let span = read::Span {
            after,
            limit,
            deadline,
        };
        read::versions(shared, &layer, query, span).await
    }

    async fn newest(&self, layer: LayerId) -> Result<FeedPlace, StoreError> {
        self.held()?.newest(layer)
    }

    async fn feed(
        &self,
        query: &CheckedQuery,
        after: FeedPlace,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<FeedPart, StoreError> {
        let shared = self.held()?;
        let (layer, _, _reading) = shared.asked(query).await?;
        let tip = shared.catalogue.tip(query.layer());
        let tip = tip.ok_or(StoreError::LayerMissing(query.layer()))?;
        let search = FeedSearch::new(after, tip, limit);
        read::feed(shared, &layer, query, (search, deadline)).await
    }

    async fn news(&self, layer: LayerId, seen: Seen) {
        let is_news = |layer: &Layer, revision| {
            seen != Seen {
                revision,
                definition: layer.definition.version(),
            }
        };
        self.shared.catalogue.until(layer, is_news).await;
    }

    async fn prune(
        &self,
        layer: LayerId,
        now: DateTime,
        limit: NonZeroU32,
    ) -> Result<Pruned, StoreError> {
        prune::prune(self.held()?, layer, (now, limit)).await
    }

    async fn trail(
        &self,
        query: &CheckedQuery,
        touched: &Touched,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let shared = self.held()?;
        let (layer, _, _reading) = shared.asked(query).await?;
        read::trail(shared, &layer, touched, (limit, deadline)).await
    }

    async fn summarize(
        &self,
        query: &CheckedQuery,
        deadline: Instant,
    ) -> Result<Summary, StoreError> {
        let shared = self.held()?;
        let (layer, revision, _reading) = shared.asked(query).await?;
        read::summary(shared, &layer, query, (revision, deadline)).await
    }

    async fn count(
        &self,
        query: &CheckedQuery,
        cap: NonZeroU64,
        deadline: Instant,
    ) -> Result<(Count, DataRevision), StoreError> {
        let shared = self.held()?;
        let (layer, revision, _reading) = shared.asked(query).await?;
        let counted = read::count(shared, &layer, query, (cap, deadline)).await?;
        Ok((counted, revision))
    }

    async fn tally(
        &self,
        query: &CheckedQuery,
        tally: Tally,
        deadline: Instant,
    ) -> Result<(Tally, DataRevision), StoreError> {
        let shared = self.held()?;
        let (layer, revision, _reading) = shared.asked(query).await?;
        tally::tally(shared, &layer, query, (tally, revision, deadline)).await
    }
}
