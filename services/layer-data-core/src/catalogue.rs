//! The layers of a store, in memory: a store has one process, so that process knows them.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use event_listener::Event;
use jmap_domain::{DataRevision, LayerId};

/// How far the committed edits of a layer have come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// The revision of the newest one.
    pub revision: DataRevision,
    /// The id that the next element gets; from 1 on.
    pub next_element: i64,
    /// Nothing that was deleted came back later than at this revision.
    pub restored: DataRevision,
}

/// The layers of a store, as the store works with them (`L`), each with how far its committed edits have come.
/// Cheap to clone; clones are the same catalogue.
#[derive(Debug)]
pub struct Catalogue<L>(Arc<RwLock<HashMap<LayerId, Entry<L>>>>);

#[derive(Debug)]
struct Entry<L> {
    layer: Arc<L>,
    tip: Tip,
    /// Tells those who wait for something new of the layer.
    news: Arc<Event>,
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
        Some((Arc::clone(&entry.layer), entry.tip.revision))
    }

    /// How far a layer's edits have come; `None` for one that the store does not have.
    #[must_use]
    pub fn tip(&self, layer: LayerId) -> Option<Tip> {
        let layers = self.0.read().unwrap_or_else(PoisonError::into_inner);
        layers.get(&layer).map(|entry| entry.tip)
    }

    /// Adds a layer.
    pub fn put(&self, id: LayerId, layer: Arc<L>, tip: Tip) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let news = Arc::default();
        layers.insert(id, Entry { layer, tip, news });
    }

    /// Replaces a layer by its changed form, if it is there.
    pub fn replace(&self, id: LayerId, layer: Arc<L>) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = layers.get_mut(&id) {
            entry.layer = layer;
            entry.news.notify(usize::MAX);
        }
    }

    /// Removes a layer, if it is there.
    pub fn remove(&self, layer: LayerId) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = layers.remove(&layer) {
            entry.news.notify(usize::MAX);
        }
    }

    /// Remembers how far a committed edit came; an older one than is known changes nothing.
    pub fn advance(&self, layer: LayerId, tip: Tip) {
        let mut layers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = layers.get_mut(&layer)
            && entry.tip.revision < tip.revision
        {
            entry.tip = Tip {
                restored: entry.tip.restored.max(tip.restored),
                ..tip
            };
            entry.news.notify(usize::MAX);
        }
    }

    /// Completes when this is so of the layer and its newest revision, or when the store does not have it.
    pub async fn until(&self, layer: LayerId, is_so: impl Fn(&L, DataRevision) -> bool) {
        loop {
            let listener = {
                let layers = self.0.read().unwrap_or_else(PoisonError::into_inner);
                let Some(entry) = layers.get(&layer) else {
                    return;
                };
                if is_so(&entry.layer, entry.tip.revision) {
                    return;
                }
                // Whoever makes news of it waits for the lock, so none is missed.
                entry.news.listen()
            };
            listener.await;
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
