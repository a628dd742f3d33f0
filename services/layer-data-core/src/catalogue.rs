//! The layers of a store, in memory: a store has one process, so that process knows them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use jmap_domain::{DataRevision, LayerId};

/// The layers of a store, as the store works with them (`L`), each with the revision of its newest committed edit.
/// Cheap to clone; clones are the same catalogue.
#[derive(Debug)]
pub struct Catalogue<L>(Arc<RwLock<HashMap<LayerId, Entry<L>>>>);

#[derive(Debug)]
struct Entry<L> {
    layer: Arc<L>,
    revision: DataRevision,
}

impl<L> Clone for Catalogue<L> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L> Default for Catalogue<L> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<L> Catalogue<L> {
    /// A layer and its newest revision; `None` for one that the store does not have.
    #[must_use]
    pub fn find(&self, layer: LayerId) -> Option<(Arc<L>, DataRevision)> {
        let layers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let entry = layers.get(&layer)?;
        Some((Arc::clone(&entry.layer), entry.revision))
    }

    /// Adds a layer.
    pub fn put(&self, id: LayerId, layer: Arc<L>, revision: DataRevision) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        layers.insert(id, Entry { layer, revision });
    }

    /// Removes a layer, if it is there.
    pub fn remove(&self, layer: LayerId) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        layers.remove(&layer);
    }

    /// Remembers the revision of a committed edit; an older one than is known changes nothing.
    pub fn advance(&self, layer: LayerId, revision: DataRevision) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = layers.get_mut(&layer) {
            entry.revision = entry.revision.max(revision);
        }
    }

    /// The ids of all layers, ascending.
    #[must_use]
    pub fn ids(&self) -> Vec<LayerId> {
        let layers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<LayerId> = layers.keys().copied().collect();
        ids.sort_unstable();
        ids
    }
}
