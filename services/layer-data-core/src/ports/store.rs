//! The port to the storage of layers.

use std::{
    error::Error,
    future::Future,
    num::{NonZeroU32, NonZeroU64},
    sync::Arc,
    time::Instant,
};

use jmap_domain::{ActorId, AttributeId, DataRevision, LayerId};

use super::Removal;
use crate::{
    definition::{Contradiction, DefinitionVersion, Examination, LayerDefinition},
    edit::{Holder, PermittedBatch, RequestKey, StoredAnswer},
    element::Element,
    feed::{FeedPart, FeedPlace, Seen},
    geometry::Bounds,
    history::{HistoryStart, Pruned, Touched, Versions},
    permit::{Renewal, StructurePermit},
    query::{CheckedQuery, Mark},
    statistics::Tally,
    value::{DateTime, Value},
};

/// Keeps layers and their elements. Every method is all or nothing, and what it answered as done survives a crash.
///
/// Whatever takes a [`CheckedQuery`], or values to look for, answers [`StoreError::DefinitionChanged`] where attributes of it
/// got other types since it was checked.
pub trait LayerStore: Send + Sync + 'static {
    /// Binds a new store to an installation, or checks that it is bound to this one.
    ///
    /// # Errors
    /// [`StoreError::OtherInstallation`] when it belongs to another.
    fn bind_installation(
        &self,
        installation: &str,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Makes the storage of a layer. Repeating it for the same layer and definition changes nothing, whatever became of
    /// the definition since.
    ///
    /// # Errors
    /// [`StoreError::LayerExists`] when the layer was made with another definition.
    fn create_layer(
        &self,
        layer: NewLayer,
    ) -> impl Future<Output = Result<StoredLayer, StoreError>> + Send;

    /// Removes the storage of a layer that was deleted, with all its data (R25). Repeating it changes nothing.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot do it now.
    fn drop_layer(&self, removal: Removal) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// What the store knows of a layer; `None` when it has none of it.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot answer now.
    fn layer(
        &self,
        layer: LayerId,
    ) -> impl Future<Output = Result<Option<StoredLayer>, StoreError>> + Send;

    /// The ids of all layers that the store has, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot answer now.
    fn layers(&self) -> impl Future<Output = Result<Vec<LayerId>, StoreError>> + Send;

    /// Makes edits, each under its permit, and answers what became of each. A call takes one new revision per layer.
    /// An expected revision and *only own* are part of the writing statement (R58, R108). Immediately before the
    /// commit every permit is looked at once more.
    /// An edit that was checked against another form of the definition is not made (R105, R114).
    ///
    /// # Errors
    /// [`StoreError::PermitExpired`] or [`StoreError::DefinitionChanged`], with nothing changed;
    /// [`StoreError::RequestReused`]; [`StoreError::LayerMissing`].
    fn edit(
        &self,
        batch: PermittedBatch,
    ) -> impl Future<Output = Result<StoredAnswer, StoreError>> + Send;

    /// The answer that an actor's request was given, where it was done and is remembered still (R109).
    ///
    /// # Errors
    /// [`StoreError::RequestReused`] when it was another request; or when the storage cannot answer now.
    fn remembered(
        &self,
        actor: ActorId,
        request: RequestKey,
    ) -> impl Future<Output = Result<Option<StoredAnswer>, StoreError>> + Send;

    /// Looks at the elements that were changed after a revision, and answers with the revision up to which it looked.
    /// Nobody is held up by it, and nobody waits for it after the deadline.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn examine(
        &self,
        layer: LayerId,
        examination: Examination,
        since: DataRevision,
        deadline: Instant,
    ) -> impl Future<Output = Result<(Examination, DataRevision), StoreError>> + Send;

    /// Changes the definition of a layer, and its table with it (R114). Elements changed since they were examined are
    /// examined once more, while nobody writes. Immediately before the commit the permit is looked at once more, and
    /// asked for anew where it has run out.
    ///
    /// # Errors
    /// [`StoreError::PermitExpired`], with nothing changed; [`StoreError::LayerMissing`]; or when the storage cannot
    /// do it now.
    fn redefine(
        &self,
        change: Redefinition,
    ) -> impl Future<Output = Result<Redefined, StoreError>> + Send;

    /// The elements that have one of these values of a unique attribute; of an attribute that is none, nobody.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn holders(
        &self,
        layer: LayerId,
        key: AttributeId,
        values: &[Value],
        deadline: Instant,
    ) -> impl Future<Output = Result<Vec<Holder>, StoreError>> + Send;

    /// Reads the next elements of a query, in its order, after the given mark of that order. Nobody waits for them after
    /// the deadline.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn read(
        &self,
        query: &CheckedQuery,
        after: Option<&Mark>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> impl Future<Output = Result<Chunk, StoreError>> + Send;

    /// Reads versions of the one element that a query names, whatever else it selects: those made after a revision, in
    /// their order.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn versions(
        &self,
        query: &CheckedQuery,
        after: Option<DataRevision>,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> impl Future<Output = Result<Versions, StoreError>> + Send;

    /// The place in a layer's feed where nothing is left to be told now.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn newest(&self, layer: LayerId) -> impl Future<Output = Result<FeedPlace, StoreError>> + Send;

    /// Reads the next changes of a query's layer after a place in its feed, in the order of revisions, then of ids: those
    /// of elements that are in the query's boxes, before or after. Nothing else of the query selects.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn feed(
        &self,
        query: &CheckedQuery,
        after: FeedPlace,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> impl Future<Output = Result<FeedPart, StoreError>> + Send;

    /// Completes when a layer is not any more what was seen of it, by an edit or a change of its definition, or when it is
    /// gone.
    fn news(&self, layer: LayerId, seen: Seen) -> impl Future<Output = ()> + Send;

    /// Removes versions that ended longer before a time than the layer's definition, as it is then, wants history kept,
    /// and moves the start of its history: the oldest ones first, about as many as the limit, all that an edit ended or
    /// none of them. In one transaction, before whose end readers are told of the new start. Where history is kept for
    /// ever it removes nothing.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot do it now.
    fn prune(
        &self,
        layer: LayerId,
        now: DateTime,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Pruned, StoreError>> + Send;

    /// Reads versions of several elements of a query's layer, whatever else it selects, in the order of the elements and
    /// then of their revisions, from the first one on.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn trail(
        &self,
        query: &CheckedQuery,
        touched: &Touched,
        limit: ChunkLimit,
        deadline: Instant,
    ) -> impl Future<Output = Result<Versions, StoreError>> + Send;

    /// Counts the elements of a query and measures their extent. Nobody waits for that after the deadline.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn summarize(
        &self,
        query: &CheckedQuery,
        deadline: Instant,
    ) -> impl Future<Output = Result<Summary, StoreError>> + Send;

    /// When a layer was edited last: its newest stamp, whatever the clock has done since. `None` before the first edit.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn last_edit(
        &self,
        layer: LayerId,
    ) -> impl Future<Output = Result<Option<DateTime>, StoreError>> + Send;

    /// Counts the elements of a query, those beyond a cap no longer one by one. Nobody waits for that after the deadline.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn count(
        &self,
        query: &CheckedQuery,
        cap: NonZeroU64,
        deadline: Instant,
    ) -> impl Future<Output = Result<(Count, DataRevision), StoreError>> + Send;

    /// Adds the elements of a query to a tally, all as they are at one moment and no further than it wants them. Nobody
    /// waits for that after the deadline.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now, or by the deadline.
    fn tally(
        &self,
        query: &CheckedQuery,
        tally: Tally,
        deadline: Instant,
    ) -> impl Future<Output = Result<(Tally, DataRevision), StoreError>> + Send;
}

/// A layer to make storage for.
#[derive(Clone, Debug)]
pub struct NewLayer {
    /// Its id, reserved in the registry.
    pub layer: LayerId,
    /// Its name at the moment: a label for whoever looks into the storage, never read back.
    pub label: String,
    /// Its definition.
    pub definition: LayerDefinition,
}

/// A change of a layer's definition, under its permit.
#[derive(Clone, Debug)]
pub struct Redefinition {
    /// The right to it.
    pub permit: StructurePermit,
    /// Where the right is asked for again, if it runs out while the change is made.
    pub renewal: Renewal,
    /// The form of the definition that is changed.
    pub from: DefinitionVersion,
    /// The form that it gets.
    pub definition: LayerDefinition,
    /// Elements were examined up to this revision, and satisfy the new form.
    pub examined: DataRevision,
}

impl Redefinition {
    /// Whether there is no use in going on with the change: to be asked before anything that takes long.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.renewal.is_abandoned() && !self.permit.is_valid_at(Instant::now())
    }

    /// Whether the change may be committed at this moment.
    pub async fn may_commit(&self) -> bool {
        if self.permit.is_valid_at(Instant::now()) {
            return true;
        }
        let renewed = self.renewal.permit().await;
        let renewed = renewed.filter(|permit| permit.layer() == self.permit.layer());
        renewed.is_some_and(|permit| permit.is_valid_at(Instant::now()))
    }
}

/// What became of a change of a definition.
#[derive(Clone, Debug)]
pub enum Redefined {
    /// It is made.
    Done(StoredLayer),
    /// Somebody else made another one before; this is the definition's form now.
    Stale(DefinitionVersion),
    /// Elements contradict it.
    Contradicted(Vec<Contradiction>),
}

/// What a store knows of a layer.
#[derive(Clone, Debug)]
pub struct StoredLayer {
    /// Its id.
    pub layer: LayerId,
    /// Its definition.
    pub definition: Arc<LayerDefinition>,
    /// When its storage was made.
    pub created: DateTime,
    /// The revision of its newest edit; 0 before the first.
    pub revision: DataRevision,
    /// From when on its history is kept.
    pub history: HistoryStart,
}

/// How much to read at once. At least one element is read, whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimit {
    /// Most elements.
    pub rows: NonZeroU32,
    /// About how many bytes, after which no more elements are added.
    pub bytes: usize,
}

/// Some elements of a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The elements, in the order of the query.
    pub elements: Vec<Element>,
    /// Whether more may follow.
    pub rest: Rest,
    /// The revision of the layer's data that they were read at.
    pub revision: DataRevision,
}

/// What follows a chunk.
#[derive(Clone, Debug, PartialEq)]
pub enum Rest {
    /// Nothing.
    End,
    /// Perhaps more, after this mark.
    After(Mark),
}

/// How many elements there are, and where.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many.
    pub count: u64,
    /// The smallest box around them; `None` when there are none.
    pub extent: Option<Bounds>,
    /// The revision of the layer's data that this was taken at.
    pub revision: DataRevision,
}

/// How many elements there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exact(u64),
    /// About so many, and more than were worth counting: the storage's own estimate, from what it knows of all elements
    /// of the layer.
    About(u64),
    /// So many at least, which is more than were worth counting.
    AtLeast(u64),
}

impl Count {
    /// The count of a storage that counted up to one more than the cap, and has no estimate.
    #[must_use]
    pub const fn capped(counted: u64, cap: NonZeroU64) -> Self {
        if counted <= cap.get() {
            Self::Exact(counted)
        } else {
            Self::AtLeast(counted)
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A permit ran out before the commit. Nothing was changed; ask again.
    #[error("a permit ran out before the commit")]
    PermitExpired,
    /// The store has none of the layer.
    #[error("layer `{0}` has no storage")]
    LayerMissing(LayerId),
    /// The layer's definition was changed after an edit was checked against it. Nothing was changed; check again.
    #[error("the definition of layer `{0}` was changed")]
    DefinitionChanged(LayerId),
    /// Something that others made in the database, such as a view, depends on a column that was to change.
    #[error(
        "a view or a rule in the database depends on a column of layer `{0}` that would change; it has to go first"
    )]
    Dependent(LayerId),
    /// The layer exists with another definition.
    #[error("layer `{0}` exists with another definition")]
    LayerExists(LayerId),
    /// The request id was used for another request (R109).
    #[error("the request id was used for another request")]
    RequestReused,
    /// The store belongs to another installation.
    #[error("the storage belongs to another installation")]
    OtherInstallation,
    /// Too much is waiting to be written already.
    #[error("the storage is busy")]
    Overloaded,
    /// The storage cannot be reached, or is shutting down.
    #[error("the storage is not available")]
    Unavailable,
    /// Anything else. The source is for the log and never leaves the service (R120).
    #[error("the storage failed")]
    Unexpected(#[source] Box<dyn Error + Send + Sync>),
}

impl StoreError {
    /// The same error for one more caller: of the source, which cannot be shared, only its sentence is left.
    #[must_use]
    pub fn repeated(&self) -> Self {
        match self {
            Self::PermitExpired => Self::PermitExpired,
            Self::LayerMissing(layer) => Self::LayerMissing(*layer),
            Self::DefinitionChanged(layer) => Self::DefinitionChanged(*layer),
            Self::Dependent(layer) => Self::Dependent(*layer),
            Self::LayerExists(layer) => Self::LayerExists(*layer),
            Self::RequestReused => Self::RequestReused,
            Self::OtherInstallation => Self::OtherInstallation,
            Self::Overloaded => Self::Overloaded,
            Self::Unavailable => Self::Unavailable,
            Self::Unexpected(source) => Self::Unexpected(source.to_string().into()),
        }
    }
}
