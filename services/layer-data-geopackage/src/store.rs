//! The store: what it holds, and the port that it implements.

use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
    time::Instant,
};

use jmap_domain::{ActorId, AttributeId, DataRevision, LayerId};
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
    error::store_error, lock::Lock, read, readers::Readers, redefine, replay, sieve::Comparisons,
    table::Table, tally, unique, writer::Writer,
};

/// A GeoPackage file with its writer and its readers.
#[derive(Debug)]
pub struct GeoPackage {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) comparisons: Comparisons,
    pub(crate) catalogue: Catalogue,
    pub(crate) _lock: Lock,
}

/// A layer as the store works with it.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) id: LayerId,
    pub(crate) definition: Arc<LayerDefinition>,
    pub(crate) created: DateTime,
    pub(crate) history: MovingStart,
    pub(crate) table: Table,
    /// Held by those who read from the table, and alone by who changes its columns.
    pub(crate) structure: Arc<RwLock<()>>,
}

/// A layer to read from, the revision of its data, and what keeps its columns as they are meanwhile.
pub(crate) type Reading = (Arc<Layer>, DataRevision, OwnedRwLockReadGuard<()>);

/// The layers of the file.
pub(crate) type Catalogue = layer_data_core::catalogue::Catalogue<Layer>;

impl Layer {
    pub(crate) fn new(
        id: LayerId,
        definition: LayerDefinition,
        created: DateTime,
        history: HistoryStart,
    ) -> Self {
        let table = Table::new(id, &definition);
        Self {
            id,
            definition: Arc::new(definition),
            created,
            history: MovingStart::new(history),
            table,
            structure: Arc::default(),
        }
    }

    /// The same layer with another definition.
    pub(crate) fn redefined(&self, definition: LayerDefinition) -> Self {
        Self {
            history: self.history.clone(),
            structure: Arc::clone(&self.structure),
            ..Self::new(self.id, definition, self.created, self.history.get())
        }
    }

    pub(crate) fn stored(&self, revision: DataRevision) -> StoredLayer {
        let definition = Arc::clone(&self.definition);
        StoredLayer {
            layer: self.id,
            definition,
            created: self.created,
            revision,
            history: self.history.get(),
        }
    }
}

impl GeoPackage {
    pub(crate) fn found(&self, layer: LayerId) -> Result<(Arc<Layer>, DataRevision), StoreError> {
        self.catalogue
            .find(layer)
            .ok_or(StoreError::LayerMissing(layer))
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

    const fn source(&self, deadline: Instant) -> read::Source<'_> {
        read::Source {
            readers: &self.readers,
            comparisons: &self.comparisons,
            deadline,
        }
    }

    /// Finishes what is being written and closes the file.
    pub async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

impl LayerStore for GeoPackage {
    async fn bind_installation(&self, installation: &str) -> Result<(), StoreError> {
        self.writer.bind(installation.to_owned()).await
    }

    async fn create_layer(&self, layer: NewLayer) -> Result<StoredLayer, StoreError> {
        self.writer.create_layer(layer).await
    }

    async fn drop_layer(&self, removal: Removal) -> Result<(), StoreError> {
        self.writer.drop_layer(removal).await
    }

    async fn layer(&self, layer: LayerId) -> Result<Option<StoredLayer>, StoreError> {
        Ok(self
            .catalogue
            .find(layer)
            .map(|(layer, revision)| layer.stored(revision)))
    }

    async fn layers(&self) -> Result<Vec<LayerId>, StoreError> {
        Ok(self.catalogue.ids())
    }

    async fn last_edit(&self, layer: LayerId) -> Result<Option<DateTime>, StoreError> {
        Ok(self.layer_record(layer).await?.last_edit())
    }

    async fn edit(&self, batch: PermittedBatch) -> Result<StoredAnswer, StoreError> {
        self.writer.edit(batch).await
    }

    async fn remembered(
        &self,
        actor: ActorId,
        request: RequestKey,
    ) -> Result<Option<StoredAnswer>, StoreError> {
        let mut reader = self.readers.until(None).await.map_err(store_error)?;
        replay::remembered(&mut reader, actor, request).await
    }

    async fn examine(
        &self,
        layer: LayerId,
        mut examination: Examination,
        since: DataRevision,
        deadline: Instant,
    ) -> Result<(Examination, DataRevision), StoreError> {
        let (layer, revision, _reading) = self.reading(layer).await?;
        let mut reader = self.source(deadline).reader().await?;
        redefine::examine(&mut reader, &layer, &mut examination, since).await?;
        Ok((examination, revision))
    }

    async fn redefine(&self, change: Redefinition) -> Result<Redefined, StoreError> {
        self.writer.redefine(change).await
    }

    async fn holders(
        &self,
        layer: LayerId,
        key: AttributeId,
        values: &[Value],
        deadline: Instant,
    ) -> Result<Vec<Holder>, StoreError> {
        let (layer, _, _reading) = self.reading(layer).await?;
        if !layer.definition.fits(key, values) {
            return Err(StoreError::DefinitionChanged(layer.id));
        }
        let mut reader = self.source(deadline).reader().await?;
        let values: Vec<&Value> = values.iter().collect();
        unique::holders(&mut reader, &layer, key, &values).await
    }

    async fn read(
        &self,
        query: &CheckedQuery,
        after: Option<&Mark>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Chunk, StoreError> {
        let (layer, revision, _reading) = self.asked(query).await?;
        read::chunk(
            &self.source(deadline),
            &layer,
            query,
            read::Window {
                after,
                limit,
                revision,
            },
        )
        .await
    }

    async fn versions(
        &self,
        query: &CheckedQuery,
        after: Option<DataRevision>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let (layer, _, _reading) = self.asked(query).await?;
        let mut reader = self.source(deadline).reader().await?;
        read::versions(&mut reader, &layer, query, (after, limit)).await
    }

    async fn newest(&self, layer: LayerId) -> Result<FeedPlace, StoreError> {
        let tip = self.catalogue.tip(layer);
        let tip = tip.ok_or(StoreError::LayerMissing(layer))?;
        Ok(tip.into())
    }

    async fn feed(
        &self,
        query: &CheckedQuery,
        after: FeedPlace,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<FeedPart, StoreError> {
        let (layer, _, _reading) = self.asked(query).await?;
        let tip = self.catalogue.tip(query.layer());
        let tip = tip.ok_or(StoreError::LayerMissing(query.layer()))?;
        let search = FeedSearch::new(after, tip, limit);
        read::feed(&self.source(deadline), &layer, query, search).await
    }

    async fn news(&self, layer: LayerId, seen: Seen) {
        let is_news = |layer: &Layer, revision| {
            seen != Seen {
                revision,
                definition: layer.definition.version(),
            }
        };
        self.catalogue.until(layer, is_news).await;
    }

    async fn prune(
        &self,
        layer: LayerId,
        now: DateTime,
        limit: NonZeroU32,
    ) -> Result<Pruned, StoreError> {
        self.writer.prune(layer, now, limit).await
    }

    async fn trail(
        &self,
        query: &CheckedQuery,
        touched: &Touched,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> Result<Versions, StoreError> {
        let (layer, _, _reading) = self.asked(query).await?;
        let mut reader = self.source(deadline).reader().await?;
        read::trail(&mut reader, &layer, query, (touched, limit)).await
    }

    async fn summarize(
        &self,
        query: &CheckedQuery,
        deadline: Instant,
    ) -> Result<Summary, StoreError> {
        let (layer, revision, _reading) = self.asked(query).await?;
        read::summary(&self.source(deadline), &layer, query, revision).await
    }

    async fn count(
        &self,
        query: &CheckedQuery,
        cap: NonZeroU64,
        deadline: Instant,
    ) -> Result<(Count, DataRevision), StoreError> {
        let (layer, revision, _reading) = self.asked(query).await?;
        let counted = read::count(&self.source(deadline), &layer, query, cap).await?;
        Ok((counted, revision))
    }

    async fn tally(
        &self,
        query: &CheckedQuery,
        tally: Tally,
        deadline: Instant,
    ) -> Result<(Tally, DataRevision), StoreError> {
        let (layer, revision, _reading) = self.asked(query).await?;
        tally::tally(&self.source(deadline), &layer, query, (tally, revision)).await
    }
}
