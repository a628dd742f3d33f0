//! Forgetting: versions that ended longer ago than their layer's definition wants them kept are removed, some at a time.
//!
//! The history of a layer then begins with the newest edit whose replaced versions are gone: its state and all later ones
//! are whole, and earlier ones are refused. A part of a pruning ends with an edit, never within one, so that between two
//! parts nothing is half there. A version belongs to no state that is kept once it ended by the first of them, so elements
//! as they are never go.

use std::{
    num::NonZeroU32,
    sync::{Arc, PoisonError, RwLock},
};

use jmap_domain::LayerId;

use super::HistoryStart;
use crate::{
    ports::{LayerStore, StoreError},
    service::LayerData,
    value::DateTime,
};

/// About how many versions one transaction of a pruning removes: edits of the layer wait for that long.
const AT_ONCE: NonZeroU32 = NonZeroU32::MIN.saturating_add(999);

/// The start of a layer's history, which moves while the layer is in use. Clones are the same start, whatever becomes of
/// the definition.
#[derive(Clone, Debug)]
pub struct MovingStart(Arc<RwLock<HistoryStart>>);

/// What a part of a pruning removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// How many versions.
    pub versions: u64,
    /// Whether more may be removed at once.
    pub more: bool,
}

impl MovingStart {
    /// A start that moves from here.
    #[must_use]
    pub fn new(start: HistoryStart) -> Self {
        Self(Arc::new(RwLock::new(start)))
    }

    /// Where it is.
    #[must_use]
    pub fn get(&self) -> HistoryStart {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves it forward; it never goes back. To be called before anything that lies before it vanishes for readers, who
    /// look at it once more after they have read.
    pub fn advance(&self, to: HistoryStart) {
        let mut start = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if start.revision < to.revision {
            *start = to;
        }
    }
}

impl<S: LayerStore, A, R> LayerData<S, A, R> {
    /// The layers whose history is not kept for ever.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot answer now.
    pub async fn forgetful_layers(&self) -> Result<Vec<LayerId>, StoreError> {
        let mut found = Vec::new();
        for layer in self.store.layers().await? {
            let stored = self.store.layer(layer).await?;
            let is_kept = |layer: &crate::ports::StoredLayer| layer.definition.keep_history();
            if stored.as_ref().and_then(is_kept).is_some() {
                found.push(layer);
            }
        }
        Ok(found)
    }

    /// Removes some of a layer's versions that are no longer to be kept at a time.
    ///
    /// # Errors
    /// [`StoreError`], with nothing removed.
    pub async fn prune_history(&self, layer: LayerId, now: DateTime) -> Result<Pruned, StoreError> {
        self.store.prune(layer, now, AT_ONCE).await
    }
}
