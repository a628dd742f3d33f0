//! Starting: storage, then authorization, then the gRPC side; and what goes on in the background meanwhile.

use std::{future::Future, sync::Arc, time::Duration};

use anyhow::Context;
use jmap_service::{
    serve::{Served, serve as serve_grpc},
    server_info::ServerInfo,
    stack::Stack,
    token::Authenticator,
};
use jmap_wire::PageTokenKey;
use layer_data_clients::Authorization;
use layer_data_core::{LayerData, ports::LayerStore};
use layer_data_geopackage::GeoPackage;
use layer_data_grpc::{Api, DOMAIN, SERVICE_NAMES, Staging};
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, time::sleep};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use crate::Config;

/// Between two attempts to reach authorization at the start.
const RETRY: Duration = Duration::from_millis(250);
/// Between two looks at authorization's tombstones.
const RECONCILE: Duration = Duration::from_secs(5);
/// Between two looks at authorization's signing keys.
const REFRESH_KEYS: Duration = Duration::from_mins(5);

type UseCases = LayerData<GeoPackage, Authorization, Authorization>;

/// Serves layer-data on a listener until `shutdown` completes and running calls have finished.
///
/// # Errors
/// When the storage cannot be opened or belongs to another installation, or the listener cannot be served.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let store = GeoPackage::open(&config.storage).await;
    let store = Arc::new(store.with_context(|| format!("open {}", config.storage.display()))?);
    let authorization = Authorization::new(&config.authorization, config.service_key.clone())?;
    let mut shutdown = Box::pin(shutdown);
    let installation = tokio::select! {
        id = installation(&authorization) => id,
        () = &mut shutdown => return close(store).await,
    };
    store.bind_installation(&installation).await.context("bind the storage to the installation")?;
    let data = LayerData::new(
        Arc::clone(&store),
        Arc::new(authorization.clone()),
        Arc::new(authorization.clone()),
        config.limits,
    );
    let authenticator = Arc::new(Authenticator::with_source(Box::new(authorization)));
    let _background = background(&data, &authenticator);
    let info = server_info(&listener, &config, installation)?;
    let served = served(data, authenticator, &config, info)?;
    serve_grpc(listener, served, shutdown).await?;
    close(store).await
}

/// Waits for authorization: without its id nothing can be served.
async fn installation(authorization: &Authorization) -> String {
    let mut waiting = false;
    loop {
        match authorization.installation().await {
            Ok(id) => return id,
            Err(status) if !waiting => {
                warn!(code = ?status.code(), "waiting for authorization");
                waiting = true;
            }
            Err(_still) => {}
        }
        sleep(RETRY).await;
    }
}

fn server_info(
    listener: &TcpListener,
    config: &Config,
    instance_id: String,
) -> anyhow::Result<ServerInfo> {
    let own = format!("http://{}", listener.local_addr().context("read the listener's address")?);
    let partner = config.authorization_public_address.clone();
    Ok(ServerInfo {
        instance_id,
        authorization_address: partner.unwrap_or_else(|| config.authorization.clone()),
        layer_data_address: config.public_address.clone().unwrap_or(own),
    })
}

fn served(
    data: UseCases,
    authenticator: Arc<Authenticator>,
    config: &Config,
    info: ServerInfo,
) -> anyhow::Result<Served> {
    let staging = Staging::open(&config.storage.with_extension("uploads")).context("open the uploads")?;
    // Derived from the service key, so that a page token survives a restart.
    let pages = PageTokenKey::derive(config.service_key.expose_secret().as_bytes());
    let api = Api::new(data, pages, Arc::new(staging));
    let routes = api.routes(config.service.max_message_bytes).add_service(info.service());
    Ok(Served {
        routes,
        names: [&SERVICE_NAMES[..], &[ServerInfo::NAME]].concat(),
        stack: Stack {
            domain: DOMAIN,
            descriptor_set: jmap_proto::DESCRIPTORS,
            max_concurrent_calls: config.service.max_concurrent_calls,
            time_limits: config.service.time_limits(),
            authenticator,
        },
        drain: config.service.drain_timeout,
        plaintext: config.service.plaintext(),
    })
}

/// What goes on beside the calls; it ends when the handles are dropped.
fn background(data: &UseCases, authenticator: &Arc<Authenticator>) -> [AbortOnDropHandle<()>; 2] {
    let (data, authenticator) = (data.clone(), Arc::clone(authenticator));
    let reconciling = tokio::spawn(async move {
        loop {
            reconcile(&data).await;
            sleep(RECONCILE).await;
        }
    });
    let refreshing = tokio::spawn(async move { authenticator.keep_fresh(REFRESH_KEYS).await });
    [AbortOnDropHandle::new(reconciling), AbortOnDropHandle::new(refreshing)]
}

/// Removes the storage of layers that authorization answers as deleted (R24, R25).
async fn reconcile(data: &UseCases) {
    match data.reconcile().await {
        Ok(0) => {}
        Ok(count) => info!(count, "removed the storage of deleted layers"),
        Err(error) => warn!(%error, "could not look for deleted layers"),
    }
}

/// Waits for the writer, so that a clean end leaves no log file to be read back.
async fn close(store: Arc<GeoPackage>) -> anyhow::Result<()> {
    store.close().await;
    Ok(())
}
