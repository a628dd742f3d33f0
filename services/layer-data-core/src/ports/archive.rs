//! The port by which everything that a store keeps is moved into another one, with nothing numbered anew.

use std::{future::Future, num::NonZeroU32};

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId};

use super::{ChunkLimit, LayerStore, NewLayer, StoreError};
use crate::{
    definition::LayerDefinition,
    edit::{RequestKey, StoredAnswer},
    element::ElementRecord,
    history::{HistoryStart, VersionKey, VersionRecord, Versions},
    query::CheckedQuery,
    value::DateTime,
};

/// Gives away what a store keeps, and takes in what another one gave: ids, revisions, stamps and counters as they were
/// (R116). Elements are given by [`LayerStore::read`].
pub trait Archive: LayerStore {
    /// Whose the store is.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot answer now.
    fn occupant(&self) -> impl Future<Output = Result<Occupant, StoreError>> + Send;

    /// What is kept of a layer beside its elements.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn layer_record(
        &self,
        layer: LayerId,
    ) -> impl Future<Output = Result<LayerRecord, StoreError>> + Send;

    /// The highest id among a layer's elements; `None` when there are none.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn last_element(
        &self,
        layer: LayerId,
    ) -> impl Future<Output = Result<Option<ElementId>, StoreError>> + Send;

    /// Versions that were replaced, by their keys, after the given one, with everything that a query wants of each.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn replaced(
        &self,
        query: &CheckedQuery,
        after: Option<VersionKey>,
        limit: ChunkLimit,
    ) -> impl Future<Output = Result<Versions, StoreError>> + Send;

    /// The highest key among a layer's versions that were replaced; `None` when there are none.
    ///
    /// # Errors
    /// [`StoreError::LayerMissing`], or when the storage cannot answer now.
    fn last_replaced(
        &self,
        layer: LayerId,
    ) -> impl Future<Output = Result<Option<VersionKey>, StoreError>> + Send;

    /// Remembered answers, by actor and request id, after the given one; at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] when the storage cannot answer now.
    fn requests(
        &self,
        after: Option<&RequestRecord>,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<RequestRecord>, StoreError>> + Send;

    /// Takes a part of a move in. Each is all or nothing.
    ///
    /// # Errors
    /// [`StoreError::OtherInstallation`] when the store is somebody's already; [`StoreError::LayerMissing`]; or when
    /// the storage cannot do it now.
    fn take_in(&self, arrival: Arrival) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Whose a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Occupant {
    /// Nobody's.
    Nobody,
    /// This installation is on its way into it: it is not to be served.
    Arriving(String),
    /// This installation's.
    Settled(String),
}

/// What is kept of a layer beside its elements.
#[derive(Clone, Debug)]
pub struct LayerRecord {
    /// Its id.
    pub layer: LayerId,
    /// What people who look into the storage read.
    pub label: String,
    /// Its definition.
    pub definition: LayerDefinition,
    /// When its storage was made.
    pub created: DateTime,
    /// The revision of its newest edit; 0 before the first.
    pub revision: DataRevision,
    /// The id that the next element gets; from 1 on. No element ever had it (R103).
    pub next_element: i64,
    /// The time of the newest edit: stamps never go back.
    pub edited: DateTime,
    /// From when on its history is kept.
    pub history: HistoryStart,
}

impl LayerRecord {
    /// The time of the newest edit, if there was one.
    #[must_use]
    pub fn last_edit(&self) -> Option<DateTime> {
        let was_edited = self.revision != DataRevision::default();
        was_edited.then_some(self.edited)
    }

    /// The record of a layer whose storage is made now.
    #[must_use]
    pub fn new(new: NewLayer) -> Self {
        let NewLayer {
            layer,
            label,
            definition,
        } = new;
        let created = DateTime::now();
        Self {
            layer,
            label,
            definition,
            created,
            revision: DataRevision::default(),
            next_element: 1,
            edited: created,
            history: HistoryStart::new(created),
        }
    }
}

/// The answer that a retried request gets again (R109).
#[derive(Clone, Debug, PartialEq)]
pub struct RequestRecord {
    /// Who asked.
    pub actor: ActorId,
    /// What recognises a retry.
    pub key: RequestKey,
    /// The layers that were edited.
    pub layers: Vec<LayerId>,
    /// The answer.
    pub answer: StoredAnswer,
    /// When it was given.
    pub created: DateTime,
}

/// The same, borrowed: a row as stores write it.
#[derive(Clone, Debug)]
pub struct RequestRow<'a> {
    /// Who asked.
    pub actor: ActorId,
    /// What recognises a retry.
    pub key: RequestKey,
    /// The layers that were edited.
    pub layers: Vec<LayerId>,
    /// The answer.
    pub answer: &'a StoredAnswer,
    /// When it was given.
    pub created: DateTime,
}

impl RequestRecord {
    /// The row to write.
    #[must_use]
    pub fn row(&self) -> RequestRow<'_> {
        RequestRow {
            actor: self.actor,
            key: self.key,
            layers: self.layers.clone(),
            answer: &self.answer,
            created: self.created,
        }
    }
}

/// A part of a move, in the order in which they come; the middle ones as often as it takes.
#[derive(Clone, Debug)]
pub enum Arrival {
    /// The installation is on its way: until [`Arrival::Finished`] the store is not served. Remembered answers that an
    /// earlier try left are forgotten.
    Begun(String),
    /// A layer that the store does not have, without elements.
    Layer(LayerRecord),
    /// Elements of a layer that it does not have.
    Elements(LayerId, Vec<ElementRecord>),
    /// Versions that were replaced, of a layer that does not have them.
    Versions(LayerId, Vec<VersionRecord>),
    /// Remembered answers.
    Requests(Vec<RequestRecord>),
    /// All is there: from now on the store is the installation's.
    Finished,
}
