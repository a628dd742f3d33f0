//! Moving everything from one store into another: what is there is copied, then both sides are read and compared, and
//! only then the destination is finished.
//!
//! A move that was interrupted goes on where it was: a layer's elements come in ascending order, so those after the
//! highest that is there are missing. Whatever changed at the source meanwhile raised a counter, and such a layer is
//! copied anew.

mod compare;
mod history;
mod record;

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use jmap_domain::{ElementId, LayerId};

pub use compare::compare;

use crate::{
    element::{Element, ElementRecord},
    geometry::GeometryError,
    ports::{Archive, Arrival, ChunkLimit, LayerRecord, Occupant, Removal, Rest, StoreError},
    query::{CheckedQuery, Mark, OutputInput, QueryInput, SelectionInput},
};

/// How many elements are read and written at once.
const CHUNK: ChunkLimit = ChunkLimit {
    rows: NonZeroU32::MIN.saturating_add(9_999),
    bytes: 8 << 20,
};
/// How many remembered answers are; each may be about a thousand edits.
const REQUESTS: NonZeroU32 = NonZeroU32::MIN.saturating_add(63);

/// How far a layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The layer.
    pub layer: LayerId,
    /// What people call it.
    pub label: &'a str,
    /// What is being done to it.
    pub stage: Stage,
    /// How many elements are done.
    pub elements: u64,
    /// How many there are.
    pub total: u64,
}

/// What is being done to a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its elements are copied.
    Copy,
    /// Its two sides are compared.
    Compare,
}

/// What two stores have alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The layers, by id.
    pub layers: Vec<MovedLayer>,
    /// How many remembered answers.
    pub requests: u64,
}

/// A layer that is the same in two stores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedLayer {
    /// Its id.
    pub layer: LayerId,
    /// What people call it.
    pub label: String,
    /// How many elements it has.
    pub elements: u64,
    /// SHA-256 over its definition, its counters, its elements in the order of their ids and the versions that were
    /// replaced, alike in every store.
    pub checksum: [u8; 32],
}

/// What a destination is to an installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has nothing.
    Empty,
    /// A move of the same installation was begun and not finished.
    Unfinished,
    /// It is the installation's.
    Finished,
}

/// Why a move did not come to its end. What was copied so far is not served.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The source was never used.
    #[error("there are no layers of any installation at the source")]
    Nothing,
    /// The source itself is the destination of a move that was not finished.
    #[error("the move into the source is not finished; run that one again first")]
    SourceUnfinished,
    /// The destination is another installation's.
    #[error("the destination belongs to another installation; move to an empty one")]
    OtherInstallation,
    /// Both have a layer, and it is not the same.
    #[error("layer `{0}` has another definition or other counters at the destination")]
    LayerDiffers(LayerId),
    /// Both have a layer, and an element is not the same, or only one has it.
    #[error("layer `{layer}` differs at element `{element}`")]
    ElementDiffers {
        /// The layer.
        layer: LayerId,
        /// The first element that differs.
        element: ElementId,
    },
    /// The versions of a layer's elements that were replaced are not the same.
    #[error("the history of layer `{0}` differs")]
    HistoryDiffers(LayerId),
    /// The remembered answers are not the same.
    #[error("the remembered answers to requests differ")]
    RequestsDiffer,
    /// The source holds something that no layer may hold.
    #[error("layer `{layer}`, element `{element}`: the geometry cannot be read")]
    Damaged {
        /// The layer.
        layer: LayerId,
        /// The element.
        element: ElementId,
        /// What is wrong.
        source: GeometryError,
    },
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The installation that a source has.
///
/// # Errors
/// [`MoveError::Nothing`], [`MoveError::SourceUnfinished`], or when the store fails.
pub async fn installation(source: &impl Archive) -> Result<String, MoveError> {
    match source.occupant().await? {
        Occupant::Settled(installation) => Ok(installation),
        Occupant::Arriving(_) => Err(MoveError::SourceUnfinished),
        Occupant::Nobody => Err(MoveError::Nothing),
    }
}

/// What a destination is to an installation.
///
/// # Errors
/// [`MoveError::OtherInstallation`], or when the store fails.
pub async fn standing(to: &impl Archive, installation: &str) -> Result<Standing, MoveError> {
    match to.occupant().await? {
        Occupant::Nobody => Ok(Standing::Empty),
        Occupant::Arriving(known) if known == installation => Ok(Standing::Unfinished),
        Occupant::Settled(known) if known == installation => Ok(Standing::Finished),
        Occupant::Arriving(_) | Occupant::Settled(_) => Err(MoveError::OtherInstallation),
    }
}

/// Copies what the destination lacks, and marks it as not to be served; tells how far it is.
///
/// # Errors
/// [`MoveError`]. The same call again goes on.
pub async fn copy(
    from: &impl Archive,
    to: &impl Archive,
    installation: &str,
    mut told: impl FnMut(Progress<'_>),
) -> Result<(), MoveError> {
    to.take_in(Arrival::Begun(installation.to_owned())).await?;
    let layers = from.layers().await?;
    for layer in to.layers().await? {
        if !layers.contains(&layer) {
            to.drop_layer(Removal { layer }).await?;
        }
    }
    for layer in layers {
        let record = from.layer_record(layer).await?;
        prepare(to, &record).await?;
        copy_elements(from, to, &record, &mut told).await?;
        history::copy(from, to, &record).await?;
    }
    copy_requests(from, to).await
}

/// Ends the move, if it is not finished yet: the destination can be served.
///
/// # Errors
/// When the store fails.
pub async fn finish(to: &impl Archive) -> Result<(), MoveError> {
    match to.occupant().await? {
        Occupant::Arriving(_) => Ok(to.take_in(Arrival::Finished).await?),
        Occupant::Nobody | Occupant::Settled(_) => Ok(()),
    }
}

/// Makes the layer at the destination, unless an earlier try did and nothing changed since.
async fn prepare(to: &impl Archive, record: &LayerRecord) -> Result<(), MoveError> {
    let layer = record.layer;
    if to.layer(layer).await?.is_some() {
        if record::same(&to.layer_record(layer).await?, record)? {
            return Ok(());
        }
        to.drop_layer(Removal { layer }).await?;
    }
    Ok(to.take_in(Arrival::Layer(record.clone())).await?)
}

async fn copy_elements(
    from: &impl Archive,
    to: &impl Archive,
    record: &LayerRecord,
    told: &mut impl FnMut(Progress<'_>),
) -> Result<(), MoveError> {
    let query = everything(record)?;
    let mut progress = Progress {
        layer: record.layer,
        label: &record.label,
        stage: Stage::Copy,
        elements: 0,
        total: from.summarize(&query, some_day()).await?.count,
    };
    let mut after = to.last_element(record.layer).await?.map(Mark::from);
    if after.is_some() {
        progress.elements = to.summarize(&query, some_day()).await?.count;
    }
    loop {
        told(progress);
        let chunk = from.read(&query, after.as_ref(), CHUNK, some_day()).await?;
        let elements = chunk.elements.into_iter();
        let elements = elements.map(|element| whole(element, record));
        let elements: Vec<_> = elements.collect::<Result<_, _>>()?;
        progress.elements += elements.len() as u64;
        if !elements.is_empty() {
            to.take_in(Arrival::Elements(record.layer, elements))
                .await?;
        }
        match chunk.rest {
            Rest::After(last) => after = Some(last),
            Rest::End => break,
        }
    }
    told(progress);
    Ok(())
}

/// An element of a layer that was read with everything.
fn whole(element: Element, record: &LayerRecord) -> Result<ElementRecord, MoveError> {
    let id = element.id;
    let read = ElementRecord::read(element, record.definition.geometry());
    read.map_err(|source| MoveError::Damaged {
        layer: record.layer,
        element: id,
        source,
    })
}

async fn copy_requests(from: &impl Archive, to: &impl Archive) -> Result<(), MoveError> {
    let mut last = None;
    loop {
        let requests = from.requests(last.as_ref(), REQUESTS).await?;
        last = requests.last().cloned();
        if last.is_none() {
            return Ok(());
        }
        to.take_in(Arrival::Requests(requests)).await?;
    }
}

/// A move has no deadline of its own.
fn some_day() -> Instant {
    Instant::now() + Duration::from_hours(24)
}

/// The query that reads a layer as a whole.
fn everything(record: &LayerRecord) -> Result<CheckedQuery, StoreError> {
    let query = QueryInput {
        layer: record.layer,
        selection: SelectionInput::default(),
        output: OutputInput::default(),
        maximum: None,
    };
    let checked = query.check(&record.definition);
    let checked = checked.map_err(|error| StoreError::Unexpected(error.into()))?;
    Ok(checked.with_dropped(&record.definition))
}
