//! Reading both sides of a move and comparing them, element by element.

use std::vec;

use jmap_domain::{ElementId, LayerId};
use sha2::{Digest, Sha256};

use super::{
    CHUNK, MoveError, Moved, MovedLayer, Progress, REQUESTS, Stage, everything, history,
    record::{of_layer, put_element},
    some_day,
};
use crate::{
    element::Element,
    ports::{Archive, LayerRecord, LayerStore, Rest, StoreError},
    query::{CheckedQuery, Mark},
};

/// How many elements pass between two words about the progress.
const STEP: u64 = 10_000;

/// Reads two stores and compares everything that they keep; tells how far it is.
///
/// # Errors
/// [`MoveError`] with the first difference.
pub async fn compare(
    from: &impl Archive,
    to: &impl Archive,
    mut told: impl FnMut(Progress<'_>),
) -> Result<Moved, MoveError> {
    let ids = from.layers().await?;
    only_in_one(&ids, &to.layers().await?)?;
    let mut layers = Vec::with_capacity(ids.len());
    for layer in ids {
        let record = from.layer_record(layer).await?;
        let beginning = of_layer(&record)?;
        if beginning != of_layer(&to.layer_record(layer).await?)? {
            return Err(MoveError::LayerDiffers(layer));
        }
        let sum = Sha256::new_with_prefix(beginning);
        layers.push(compare_elements(from, to, record, sum, &mut told).await?);
    }
    let requests = compare_requests(from, to).await?;
    Ok(Moved { layers, requests })
}

fn only_in_one(ours: &[LayerId], theirs: &[LayerId]) -> Result<(), MoveError> {
    let mut all = ours.iter().chain(theirs);
    let lonely = all.find(|layer| !(ours.contains(layer) && theirs.contains(layer)));
    lonely.map_or(Ok(()), |layer| Err(MoveError::LayerDiffers(*layer)))
}

async fn compare_elements(
    from: &impl Archive,
    to: &impl Archive,
    record: LayerRecord,
    mut sum: Sha256,
    told: &mut impl FnMut(Progress<'_>),
) -> Result<MovedLayer, MoveError> {
    let query = everything(&record)?;
    let mut progress = Progress {
        layer: record.layer,
        label: &record.label,
        stage: Stage::Compare,
        elements: 0,
        total: from.summarize(&query, some_day()).await?.count,
    };
    let (mut ours, mut theirs) = (Elements::of(from, &query), Elements::of(to, &query));
    let (mut one, mut other) = (Vec::new(), Vec::new());
    loop {
        let pair = (ours.next().await?, theirs.next().await?);
        let (Some(left), Some(right)) = &pair else {
            break none_left(record.layer, &pair)?;
        };
        put_element(left, &mut one);
        put_element(right, &mut other);
        if one != other {
            return Err(differs(record.layer, left.id.min(right.id)));
        }
        sum.update(&one);
        if progress.elements.is_multiple_of(STEP) {
            told(progress);
        }
        progress.elements += 1;
    }
    told(progress);
    history::compare(from, to, &record, &mut sum).await?;
    Ok(MovedLayer {
        layer: record.layer,
        elements: progress.elements,
        label: record.label,
        checksum: sum.finalize().into(),
    })
}

/// Both sides are at their end, or one has an element more.
fn none_left(layer: LayerId, pair: &(Option<Element>, Option<Element>)) -> Result<(), MoveError> {
    match pair {
        (None, None) => Ok(()),
        (Some(more), _) | (None, Some(more)) => Err(differs(layer, more.id)),
    }
}

const fn differs(layer: LayerId, element: ElementId) -> MoveError {
    MoveError::ElementDiffers { layer, element }
}

/// How many remembered answers both have.
async fn compare_requests(from: &impl Archive, to: &impl Archive) -> Result<u64, MoveError> {
    let (mut last, mut count) = (None, 0);
    loop {
        let ours = from.requests(last.as_ref(), REQUESTS).await?;
        if ours != to.requests(last.as_ref(), REQUESTS).await? {
            return Err(MoveError::RequestsDiffer);
        }
        count += ours.len() as u64;
        last = ours.last().cloned();
        if last.is_none() {
            return Ok(count);
        }
    }
}

/// The elements of a query, one by one, read chunk by chunk.
struct Elements<'a, S> {
    store: &'a S,
    query: &'a CheckedQuery,
    ready: vec::IntoIter<Element>,
    after: Option<Mark>,
    is_over: bool,
}

impl<'a, S: LayerStore> Elements<'a, S> {
    fn of(store: &'a S, query: &'a CheckedQuery) -> Self {
        Self {
            store,
            query,
            ready: Vec::new().into_iter(),
            after: None,
            is_over: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Element>, StoreError> {
        loop {
            if let Some(element) = self.ready.next() {
                return Ok(Some(element));
            }
            if self.is_over {
                return Ok(None);
            }
            let chunk = self
                .store
                .read(self.query, self.after.as_ref(), CHUNK, some_day())
                .await?;
            match chunk.rest {
                Rest::After(last) => self.after = Some(last),
                Rest::End => self.is_over = true,
            }
            self.ready = chunk.elements.into_iter();
        }
    }
}
