//! Copies from layer to layer: a read of one that is an import of the other, chunk by chunk (R38, R39).
//!
//! What is copied is the source as of a state that does not change, in an order that does not change, in chunks that do
//! not change. Each chunk is one transaction under a request id of its own, so a copy that was interrupted is simply run
//! once more from anywhere before: what was taken already is not taken again (R109).

mod mapping;

use std::num::NonZeroU32;

use jmap_domain::{AttributeId, ElementId, LayerId};
use sha2::{Digest, Sha256};

pub use mapping::{Mapping, MappingFault, Pair};

use crate::{
    edit::{Intent, RequestKey},
    element::{AttributeRef, Element, ElementInput, InputError},
    geometry::{GeometryError, Reshape},
    history::AsOf,
    ports::{Authorizer, Call, ChunkLimit, LayerStore},
    query::{Mark, OutputInput, QueryInput, SelectionInput},
    reads::{PageStart, ReadError, ReadPurpose, Reader},
    service::LayerData,
    transfer::{Import, ImportCounts, ImportError, ImportRow, RowRefusal},
    value::Value,
};

/// Most elements of a chunk.
const CHUNK_ELEMENTS: usize = 1_000;
/// About how many bytes of elements a chunk has.
const CHUNK_BYTES: usize = 4 << 20;
/// What each value counts at least: as much as any text that a value of another type becomes when its type is widened, so
/// that a chunk ends where it did before.
const SHORT_TEXT: usize = 24;
/// How much is read from the storage at a time.
const READ: ChunkLimit = ChunkLimit {
    rows: match NonZeroU32::new(1_000) {
        Some(rows) => rows,
        None => NonZeroU32::MIN,
    },
    bytes: 1 << 20,
};

/// Why a copy was not begun, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The caller may not copy, or the target cannot be written.
    #[error(transparent)]
    Write(#[from] ImportError),
    /// Values do not go from the one layer to the other like that.
    #[error(transparent)]
    Mapping(#[from] MappingFault),
}

/// A copy as it is asked for.
#[derive(Clone, Debug)]
pub struct CopyInput {
    /// The layer that elements are copied from.
    pub source: LayerId,
    /// Which elements of it.
    pub selection: SelectionInput,
    /// The layer that they are copied to; may be the source.
    pub target: LayerId,
    /// Whose values go where.
    pub mapping: Mapping,
}

/// What does not change as long as a copy goes on, however often it is interrupted.
#[derive(Clone, Debug, PartialEq)]
pub struct CopyPlan {
    /// The state of the source that is copied.
    pub as_of: AsOf,
    /// Whose values go where.
    pub pairs: Vec<Pair>,
}

/// A copy that may begin.
#[derive(Clone, Debug, PartialEq)]
pub struct PreparedCopy {
    /// What is fixed from now on.
    pub plan: CopyPlan,
    /// The names of the source's attributes whose values go nowhere.
    pub ignored: Vec<String>,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopyProgress {
    /// The last element of the source that was looked at; `None` at the beginning.
    pub after: Option<ElementId>,
    /// Elements that were created.
    pub copied: u64,
    /// Elements that were not taken.
    pub refused: u64,
}

/// A copy on its way. Whoever runs it created each copied element (R54).
#[derive(Debug)]
pub struct LayerCopy<S, A, R> {
    reader: Reader<S, A, R>,
    import: Import<S, A, R>,
    key: RequestKey,
    /// For each pair the place of its value among those that are read, and the attribute that gets it.
    values: Vec<(usize, AttributeId)>,
    reshape: Reshape,
    waiting: Vec<Element>,
    begun: CopyProgress,
    unplaced: u64,
    after: Option<ElementId>,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Fixes what a copy is of, and checks that it may begin. Nothing is changed.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn prepare_copy(
        &self,
        call: &Call,
        input: CopyInput,
    ) -> Result<PreparedCopy, CopyError> {
        let CopyInput {
            source,
            selection,
            target,
            mapping,
        } = input;
        let layers = (Some(source), target);
        let terms = self.import_terms(call, layers).await?;
        let (from, to) = (self.stored(source).await?, self.stored(target).await?);
        let definitions = (from.definition.as_ref(), to.definition.as_ref());
        let (pairs, ignored) = mapping.resolve(definitions, terms.source)?;
        let as_of = selection.as_of.unwrap_or(AsOf::Revision(from.revision));
        let plan = CopyPlan { as_of, pairs };
        let query = plan.query(source, selection);
        // What is wrong with the selection is told now.
        self.read(call, query, ReadPurpose::Export, PageStart::default())
            .await?;
        Ok(PreparedCopy { plan, ignored })
    }

    /// Begins a copy, or goes on with it, as it was planned. `key` tells this copy from all others. With
    /// [`Intent::Validate`] elements are checked and none is copied.
    ///
    /// # Errors
    /// [`CopyError`].
    pub async fn copy(
        &self,
        call: &Call,
        (input, plan): (CopyInput, &CopyPlan),
        (key, begun): (RequestKey, CopyProgress),
        intent: Intent,
    ) -> Result<LayerCopy<S, A, R>, CopyError> {
        let layers = (Some(input.source), input.target);
        let import = self.import_from(call, layers, intent).await?;
        let query = plan.query(input.source, input.selection);
        let start = PageStart {
            after: begun.after.map(|last| Mark::new(Vec::new(), last)),
            ..PageStart::default()
        };
        let reader = self.read(call, query, ReadPurpose::Export, start).await?;
        let reshape = Reshape {
            from: reader.definition().geometry().crs,
            to: import.definition().geometry().crs,
            tolerance: None,
        };
        Ok(LayerCopy {
            reader,
            import,
            key,
            values: plan.values(),
            reshape,
            waiting: Vec::new(),
            begun,
            unplaced: 0,
            after: begun.after,
        })
    }
}

impl CopyPlan {
    /// The read of the source.
    fn query(&self, source: LayerId, selection: SelectionInput) -> QueryInput {
        let attributes = mapping::sources(&self.pairs).into_iter();
        QueryInput {
            layer: source,
            selection: SelectionInput {
                as_of: Some(self.as_of),
                ..selection
            },
            output: OutputInput {
                attributes: Some(attributes.map(AttributeRef::Id).collect()),
                ..OutputInput::default()
            },
            maximum: None,
        }
    }

    fn values(&self) -> Vec<(usize, AttributeId)> {
        let sources = mapping::sources(&self.pairs);
        let pairs = self.pairs.iter().filter_map(|pair| {
            let place = sources.iter().position(|source| *source == pair.source)?;
            Some((place, pair.target))
        });
        pairs.collect()
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerCopy<S, A, R> {
    /// How far the copy is, runs before this one included.
    #[must_use]
    pub const fn progress(&self) -> CopyProgress {
        let ImportCounts {
            created,
            promoted: _,
            repaired: _,
            refused,
        } = self.import.counts();
        CopyProgress {
            after: self.after,
            copied: self.begun.copied + created,
            refused: self.begun.refused + refused + self.unplaced,
        }
    }

    /// Copies the next chunk, and answers which elements of the source were not taken and why; `None` at the end.
    ///
    /// # Errors
    /// [`CopyError`], after which this run is over. Chunks copied before stay.
    pub async fn next(&mut self) -> Result<Option<Vec<RowRefusal>>, CopyError> {
        let elements = self.chunk().await?;
        let Some(last) = elements.last().map(|element| element.id) else {
            return Ok(None);
        };
        let request = chunk_key(self.key, &elements);
        let (mut rows, mut refused) = (Vec::with_capacity(elements.len()), Vec::new());
        for element in elements {
            match self.row(element) {
                Ok(row) => rows.push(row),
                Err(refusal) => refused.push(refusal),
            }
        }
        self.unplaced += refused.len() as u64;
        if !rows.is_empty() {
            refused.extend(self.import.push_once(&rows, Some(request)).await?);
        }
        self.after = Some(last);
        Ok(Some(refused))
    }

    /// The elements of the next chunk. Where it ends depends on nothing but them: a chunk that is copied once more must
    /// be the same.
    async fn chunk(&mut self) -> Result<Vec<Element>, CopyError> {
        loop {
            if let Some(full) = full(&self.waiting) {
                return Ok(self.waiting.drain(..full).collect());
            }
            match self.reader.next(READ).await? {
                Some(read) => self.waiting.extend(read.elements),
                None => return Ok(std::mem::take(&mut self.waiting)),
            }
        }
    }

    /// The value as one of its target's type. The source's may have become wider since the copy was planned (R114): then it
    /// is what it was.
    fn fitted(&self, value: Value, target: AttributeId) -> Value {
        let Some((_, target)) = self.import.definition().attribute(target) else {
            return value;
        };
        let fitted = value.widened(target.kind);
        let fitted = fitted.or_else(|| value.narrowed(target.kind));
        // What fits neither way is refused like any other wrong value.
        fitted.unwrap_or(value)
    }

    fn row(&self, element: Element) -> Result<ImportRow, RowRefusal> {
        let Element {
            id,
            geometry,
            values,
            ..
        } = element;
        let row = id.get().unsigned_abs();
        let stored = geometry.unwrap_or_default();
        let moved = if self.reshape.is_nothing() {
            Some(stored)
        } else {
            self.reshape.apply(&stored)
        };
        let geometry = moved.ok_or_else(|| RowRefusal {
            row,
            refusal: InputError::from(GeometryError::Outside).into(),
        })?;
        let value = |(place, target): &(usize, AttributeId)| {
            let value = values.get(*place).cloned().unwrap_or(Value::Null);
            (AttributeRef::Id(*target), self.fitted(value, *target))
        };
        let element = ElementInput {
            geometry,
            values: self.values.iter().map(value).collect(),
        };
        Ok(ImportRow { row, element })
    }
}

/// How many of them make a chunk; `None` when they are too few.
fn full(waiting: &[Element]) -> Option<usize> {
    let mut bytes = 0;
    let place = waiting.iter().position(|element| {
        bytes += element.geometry.as_ref().map_or(0, Vec::len);
        let sizes = element.values.iter().map(Value::size);
        bytes += sizes.map(|size| size.max(SHORT_TEXT)).sum::<usize>();
        bytes >= CHUNK_BYTES
    });
    let full = place.map_or(CHUNK_ELEMENTS, |place| place + 1);
    let full = full.min(CHUNK_ELEMENTS);
    (waiting.len() >= full).then_some(full)
}

/// Recognises a chunk by its copy and where it begins, and its content by all that it is of: should another chunk ever
/// begin there, it is refused and nothing is copied twice.
fn chunk_key(copy: RequestKey, elements: &[Element]) -> RequestKey {
    let first = elements.first().map_or(0, |element| element.id.get());
    let name = Sha256::new()
        .chain_update(copy.id)
        .chain_update(first.to_be_bytes());
    let name: [u8; 32] = name.finalize().into();
    let mut content = Sha256::new().chain_update(copy.content);
    for element in elements {
        content.update(element.id.get().to_be_bytes());
        content.update(element.revision.get().to_be_bytes());
    }
    let mut id = [0; 16];
    id.copy_from_slice(name.split_at(16).0);
    RequestKey {
        id,
        content: content.finalize().into(),
    }
}
