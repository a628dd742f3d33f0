//! What layer-data needs to clean up: tombstones, their confirmation, and what became of layers.

use jmap_domain::{Caller, LayerId, PolicyRevision, Scope};

use super::RegistryError;
use crate::{
    Authority, Refusal, Resource, Snapshot,
    change::{Changed, PolicyChange},
    model::Tombstone,
    ports::{Platform, PolicyStore},
};

/// What a layer's id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LayerStatus {
    /// Never given out, as far as is known: its storage is to be kept and reported.
    Unknown,
    /// Reserved.
    Pending,
    /// In use.
    Active,
    /// Deleted: its storage is to be dropped.
    Deleted,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Tombstones put after a revision, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a service with scope *register* asks.
    pub fn list_removals(
        &self,
        caller: &Caller,
        after: PolicyRevision,
        limit: usize,
    ) -> Result<Vec<Tombstone>, Refusal> {
        self.admit_service(caller, Scope::Register)?;
        Ok(self
            .snapshot()
            .removals_after(after)
            .take(limit)
            .copied()
            .collect())
    }

    /// Notes that the storage of deleted layers was dropped.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when one was not deleted; [`Refusal::Forbidden`] without scope *register*.
    pub async fn confirm_removals(
        &self,
        caller: &Caller,
        layers: &[LayerId],
    ) -> Result<Changed<()>, RegistryError> {
        self.admit_service(caller, Scope::Register)?;
        self.change(caller, |draft| {
            let snapshot = draft.snapshot();
            for id in layers {
                let absent = Refusal::NotFound(Resource::Layer(*id));
                let tombstone = snapshot.tombstone(*id).ok_or(absent)?;
                if !tombstone.confirmed {
                    let confirmed = Tombstone {
                        confirmed: true,
                        ..*tombstone
                    };
                    draft.push(PolicyChange::TombstonePut(confirmed));
                }
            }
            Ok(())
        })
        .await
    }

    /// What became of layers, in their order.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a service with scope *register* asks.
    pub fn layer_statuses(
        &self,
        caller: &Caller,
        layers: &[LayerId],
    ) -> Result<Vec<LayerStatus>, Refusal> {
        self.admit_service(caller, Scope::Register)?;
        let snapshot = self.snapshot();
        Ok(layers.iter().map(|id| status(&snapshot, *id)).collect())
    }
}

fn status(snapshot: &Snapshot, id: LayerId) -> LayerStatus {
    match (snapshot.registered_layer(id), snapshot.tombstone(id)) {
        (Some(entry), _) if entry.is_active() => LayerStatus::Active,
        (Some(_), _) => LayerStatus::Pending,
        (None, Some(_)) => LayerStatus::Deleted,
        (None, None) => LayerStatus::Unknown,
    }
}
