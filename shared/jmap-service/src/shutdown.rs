//! When to stop.

use tokio::signal::{
    ctrl_c,
    unix::{SignalKind, signal},
};
use tracing::{info, warn};

/// Completes at the first SIGTERM or SIGINT.
pub async fn on_signal() {
    let name = tokio::select! {
        () = terminated() => "SIGTERM",
        () = interrupted() => "SIGINT",
    };
    info!(signal = name, "shutting down");
}

async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => drop(signal.recv().await),
        Err(error) => unheard(&error).await,
    }
}

async fn interrupted() {
    if let Err(error) = ctrl_c().await {
        unheard(&error).await;
    }
}

/// A process that cannot hear one signal still serves, and still hears the other.
async fn unheard(error: &std::io::Error) {
    warn!(%error, "cannot listen for a signal");
    std::future::pending::<()>().await;
}
