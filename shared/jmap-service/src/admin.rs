//! The plain HTTP port beside gRPC: liveness, and whatever a service mounts (such as its JWKS).

use anyhow::Context;
use axum::{Router, routing::get};
use tokio::net::TcpListener;
use tracing::info;

use crate::serve::{Plaintext, check_plaintext};

/// Serves `/healthz` and the routes that the service mounts until `shutdown` completes.
///
/// # Errors
/// When the listener may not be served without TLS, or accepting fails for good.
pub async fn serve(
    listener: TcpListener,
    mounted: Router,
    plaintext: Plaintext,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listener
        .local_addr()
        .context("read the listener's address")?;
    check_plaintext(address, plaintext)?;
    info!(%address, "serving HTTP");
    let router = mounted.route("/healthz", get(async || "ok\n"));
    axum::serve(listener, router)
        .with_graceful_shutdown(shutdown)
        .await
        .context("serve HTTP")
}
