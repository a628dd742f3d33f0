//! Serving gRPC on a listener: the stack, health, reflection, and an end that lets running calls finish.

use std::{net::SocketAddr, pin::pin, time::Duration};

use anyhow::{Context, bail};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{
    service::Routes,
    transport::{Server, server::TcpIncoming},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tracing::{info, warn};

use crate::stack::Stack;

/// HTTP/2's default of 64 KiB starves long streams.
pub(crate) const STREAM_WINDOW: u32 = 1 << 20;
pub(crate) const CONNECTION_WINDOW: u32 = 4 << 20;
/// Of one connection; fewer than the calls that a service runs at once, so that no single one takes them all.
const MAX_STREAMS: u32 = 256;
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// A service that is ready to be served.
#[derive(Debug)]
pub struct Served {
    /// The service's own routes; health and reflection are added here.
    pub routes: Routes,
    /// The full names of its gRPC services, for health and reflection.
    pub names: Vec<&'static str>,
    /// The layers in front.
    pub stack: Stack,
    /// How long running calls may take to finish once shutdown begins.
    pub drain: Duration,
    /// Whether a listener outside loopback may go without TLS.
    pub plaintext: Plaintext,
}

/// Where a listener without TLS may be reached from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Plaintext {
    /// From this machine only.
    #[default]
    LoopbackOnly,
    /// From anywhere: something in front encrypts.
    Anywhere,
}

/// Serves until `shutdown` completes and the running calls have finished, or the drain time is over.
///
/// # Errors
/// When the listener may not be served without TLS, the descriptor set is broken, or accepting fails for good.
pub async fn serve(
    listener: TcpListener,
    served: Served,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let Served {
        routes,
        names,
        stack,
        drain,
        plaintext,
    } = served;
    let address = listener
        .local_addr()
        .context("read the listener's address")?;
    check_plaintext(address, plaintext)?;
    let (health, routes) = with_health_and_reflection(routes, &names, stack.descriptor_set).await?;
    let service = stack.wrap(routes).context("read the descriptor set")?;
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let stop = CancellationToken::new();
    let mut serving = pin!(server().serve_with_incoming_shutdown(
        service,
        incoming,
        stop.clone().cancelled_owned()
    ));
    info!(%address, "serving gRPC");
    tokio::select! {
        ended = &mut serving => return ended.context("serve gRPC"),
        () = shutdown => {}
    }
    info!(%address, "draining");
    report(&health, &names, ServingStatus::NotServing).await;
    stop.cancel();
    if let Ok(ended) = tokio::time::timeout(drain, serving).await {
        return ended.context("drain gRPC");
    }
    warn!(%address, "the drain time is over, leaving calls unfinished");
    Ok(())
}

/// Refuses to expose tokens and data in clear text by accident.
///
/// # Errors
/// A sentence that names the way out.
pub fn check_plaintext(address: SocketAddr, plaintext: Plaintext) -> anyhow::Result<()> {
    match plaintext {
        Plaintext::LoopbackOnly if !address.ip().is_loopback() => {
            bail!(
                "{address} is reachable from other machines and has no TLS; pass --allow-plaintext if something in front encrypts"
            )
        }
        Plaintext::LoopbackOnly | Plaintext::Anywhere => Ok(()),
    }
}

pub(crate) fn server() -> Server {
    Server::builder()
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(MAX_STREAMS)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}

async fn with_health_and_reflection(
    routes: Routes,
    names: &[&'static str],
    descriptor_set: &'static [u8],
) -> anyhow::Result<(HealthReporter, Routes)> {
    let (health, health_service) = tonic_health::server::health_reporter();
    report(&health, names, ServingStatus::Serving).await;
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(descriptor_set)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let listed = names
            .iter()
            .fold(builder, |builder, name| builder.with_service_name(*name));
        listed.with_service_name("grpc.health.v1.Health")
    };
    let current = reflection()
        .build_v1()
        .context("build the reflection service")?;
    // Many clients still ask by the older version alone.
    let older = reflection()
        .build_v1alpha()
        .context("build the reflection service")?;
    let routes = routes
        .add_service(health_service)
        .add_service(current)
        .add_service(older);
    Ok((health, routes))
}

/// Sets the status of each service and of the whole (the empty name).
async fn report(health: &HealthReporter, names: &[&'static str], status: ServingStatus) {
    for name in names.iter().chain(&[""]) {
        health.set_service_status(name, status).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_listener_beyond_loopback_is_refused_unless_allowed() {
        let (local, open) = (([127, 0, 0, 1], 1).into(), ([0, 0, 0, 0], 1).into());
        assert!(check_plaintext(local, Plaintext::LoopbackOnly).is_ok());
        assert!(check_plaintext(open, Plaintext::LoopbackOnly).is_err());
        assert!(check_plaintext(open, Plaintext::Anywhere).is_ok());
    }
}
