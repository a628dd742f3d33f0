//! What goes on beside the calls.

use std::time::Duration;

use jmap_service::token::Authenticator;
use layer_data_core::{
    LayerData,
    ports::{Authorizer, LayerStore, Registry},
};
use tracing::{debug, error, info};

/// How often tombstones are looked for.
const RECONCILE: Duration = Duration::from_secs(2);
/// How long a signing key that was withdrawn may still be trusted.
const KEYS: Duration = Duration::from_mins(1);

/// Removes the storage of deleted layers, at once and every few seconds. A failure waits for the next time.
pub(crate) async fn reconcile<S: LayerStore, A: Authorizer, R: Registry>(data: LayerData<S, A, R>) {
    loop {
        match data.reconcile().await {
            Ok(0) => {}
            Ok(layers) => info!(layers, "removed the storage of deleted layers"),
            Err(error) => debug!(%error, "deleted layers stay in the storage for now"),
        }
        tokio::time::sleep(RECONCILE).await;
    }
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
