//! What goes on beside the calls.

use std::{sync::Arc, time::Duration};

use jmap_domain::LayerId;
use jmap_service::token::Authenticator;
use layer_data_core::{
    LayerData,
    ports::{Authorizer, LayerStore, Registry, StoreError},
    value::DateTime,
};
use layer_data_grpc::Staging;
use tracing::{debug, error, info, warn};

/// How often tombstones are looked for.
const RECONCILE: Duration = Duration::from_secs(2);
/// Between two prunings of history.
const PRUNE: Duration = Duration::from_mins(1);
/// How long a signing key that was withdrawn may still be trusted.
const KEYS: Duration = Duration::from_mins(1);

/// Removes the storage of deleted layers, and what was uploaded for them, at once and every few seconds. A failure waits
/// for the next time.
pub(crate) async fn reconcile<S: LayerStore, A: Authorizer, R: Registry>(
    data: LayerData<S, A, R>,
    staging: Arc<Staging>,
) {
    loop {
        match data.reconcile().await {
            Ok(gone) if gone.is_empty() => {}
            Ok(gone) => {
                staging.forget(&gone);
                info!(layers = gone.len(), "removed the storage of deleted layers");
            }
            Err(error) => debug!(%error, "deleted layers stay in the storage for now"),
        }
        tokio::time::sleep(RECONCILE).await;
    }
}

/// Removes what layers keep no longer of their history, by this clock: at once and every minute.
pub(crate) async fn prune<S: LayerStore, A, R>(
    data: LayerData<S, A, R>,
    clock: impl Fn() -> DateTime,
) {
    loop {
        prune_all(&data, &clock).await;
        tokio::time::sleep(PRUNE).await;
    }
}

/// Prunes one layer after the other. One that fails waits for the next time, and holds up no other.
async fn prune_all<S: LayerStore, A, R>(data: &LayerData<S, A, R>, clock: &impl Fn() -> DateTime) {
    let layers = match data.forgetful_layers().await {
        Ok(layers) => layers,
        Err(error) => return warn!(%error, "history is not pruned for now"),
    };
    for layer in layers {
        match prune_layer(data, layer, clock).await {
            // It was deleted meanwhile.
            Ok(()) | Err(StoreError::LayerMissing(_)) => {}
            Err(error) => {
                warn!(
                    layer = layer.get(),
                    error = &error as &dyn std::error::Error,
                    "the history of a layer is not pruned for now"
                );
            }
        }
    }
}

/// Prunes a layer part by part, with room for edits in between.
async fn prune_layer<S: LayerStore, A, R>(
    data: &LayerData<S, A, R>,
    layer: LayerId,
    clock: &impl Fn() -> DateTime,
) -> Result<(), StoreError> {
    let mut versions = 0;
    loop {
        let part = data.prune_history(layer, clock()).await?;
        versions += part.versions;
        if !part.more {
            break;
        }
        debug!(
            layer = layer.get(),
            versions, "pruning the history of a layer"
        );
    }
    if versions > 0 {
        info!(
            layer = layer.get(),
            versions, "pruned the history of a layer"
        );
    }
    Ok(())
}

/// Keeps the signing keys fresh.
pub(crate) async fn refresh_keys(authenticator: &Authenticator) {
    authenticator.keep_fresh(KEYS).await;
}

/// Logs how something that goes on beside the calls failed.
pub(crate) async fn logged(work: impl Future<Output = anyhow::Result<()>>) {
    if let Err(error) = work.await {
        error!(error = format!("{error:#}"), "stopped");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use layer_data_core::{
        Limits,
        conformance::{creation, done, kept_for, layer, make_layer_of, named, renaming, revision},
        edit::ExpectedRevision,
        memory::MemoryStore,
    };

    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn history_goes_when_the_clock_says_so() {
        let store = Arc::new(MemoryStore::default());
        make_layer_of(&*store, kept_for(Some(HOUR))).await;
        let made = done(&*store, creation(1.0, 2.0, named("0"))).await.element;
        for name in ["1", "2"] {
            done(&*store, renaming(made, ExpectedRevision::Any, name)).await;
        }
        let ports = Arc::new(());
        let data = LayerData::new(
            Arc::clone(&store),
            Arc::clone(&ports),
            ports,
            Limits::default(),
        );
        let now = Mutex::new(DateTime::now());
        let clock = || *now.lock().unwrap();
        let start = async || {
            let stored = store.layer(layer()).await.unwrap();
            stored.unwrap().history.revision
        };
        let begun = start().await;
        prune_all(&data, &clock).await;
        assert_eq!(start().await, begun, "nothing is an hour old");
        let later = clock().millis() + 3_600_000;
        *now.lock().unwrap() = DateTime::from_millis(later).unwrap();
        prune_all(&data, &clock).await;
        assert_eq!(start().await, revision(&*store).await);
    }
}
