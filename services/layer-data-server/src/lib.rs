//! The layer-data executable: storage, authorization and gRPC introduced to each other.

mod config;
mod migrate;
pub mod moving;
mod upkeep;

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use anyhow::{Context, ensure};
use axum::Router;
use jmap_proto::DESCRIPTORS;
use jmap_service::{
    admin, serve::Served, server_info::ServerInfo, stack::Stack, token::Authenticator,
};
use jmap_wire::PageTokenKey;
use layer_data_clients::{Authorization, Partner, RefusalReports};
use layer_data_core::{LayerData, ports::LayerStore, value::DateTime};
use layer_data_geopackage::GeoPackage;
use layer_data_grpc::{Api, DOMAIN, SERVICE_NAMES, Staging};
use layer_data_postgis::PostGis;
use secrecy::ExposeSecret;
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::info;

use config::Storage;
pub use config::{Command, Config, DataLimits};
pub use migrate::MigrateOptions;

/// How long to wait before asking an authorization service again that does not answer yet.
const PAUSE: Duration = Duration::from_millis(200);

type Data<S> = LayerData<S, Authorization, Authorization>;

/// Serves layer-data on a listener until `shutdown` completes and running calls have finished. Waits for the
/// authorization service first, if need be.
///
/// # Errors
/// When the configuration, the storage or the listener cannot be used, the storage belongs to another installation than
/// the authorization service, or another process has taken it.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    match config.storage()? {
        Storage::File(file) => {
            let store = GeoPackage::open(&file).await;
            let store = store.with_context(|| format!("open the storage {}", file.display()))?;
            let store = Arc::new(store);
            let served = run(listener, &config, Arc::clone(&store), shutdown).await;
            store.close().await;
            served
        }
        Storage::Server(connector) => {
            let store = Arc::new(PostGis::open(&connector).await?);
            let served = run_held(listener, &config, Arc::clone(&store), shutdown).await;
            store.close().await;
            served
        }
    }
}

/// Serves until `shutdown`, or until another process has taken the database.
async fn run_held(
    listener: TcpListener,
    config: &Config,
    store: Arc<PostGis>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let mut is_taken_over = false;
    let ended = async {
        tokio::select! {
            () = shutdown => {}
            () = store.over() => is_taken_over = true,
        }
    };
    run(listener, config, Arc::clone(&store), ended).await?;
    ensure!(!is_taken_over, "another process has taken the database");
    Ok(())
}

async fn run<S: LayerStore>(
    listener: TcpListener,
    config: &Config,
    store: Arc<S>,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let authorization = Authorization::new(&config.authorization, config.key()?)?;
    let mut shutdown = pin!(shutdown);
    let partner = tokio::select! {
        partner = partner(&authorization) => partner,
        () = &mut shutdown => return Ok(()),
    };
    let bound = store.bind_installation(&partner.instance_id).await;
    bound.context("bind the storage to the installation")?;
    let address = listener
        .local_addr()
        .context("read the listener's address")?;
    let info = server_info(config, address, partner);
    let ports = Arc::new(authorization.clone());
    let limits = config.data_limits.of_calls();
    let data = Data::new(store, Arc::clone(&ports), ports, limits);
    let reports = Arc::new(RefusalReports::to(authorization.clone()));
    let authenticator = Arc::new(Authenticator::with_source(Box::new(authorization)));
    let doormen = (Arc::clone(&authenticator), Arc::clone(&reports));
    let staging = Arc::new(staging(config)?);
    let (served, closing) = served(config, (&data, &staging), doormen, info)?;
    let stop = CancellationToken::new();
    let _stopping = stop.clone().drop_guard();
    // Dropping the set at the end stops what is still running.
    let mut background = JoinSet::new();
    background.spawn(upkeep::prune(data.clone(), DateTime::now));
    background.spawn(upkeep::reconcile(data, staging));
    background.spawn(async move { upkeep::refresh_keys(&authenticator).await });
    let reporting = Arc::clone(&reports);
    background.spawn(async move { reporting.run().await });
    if let Some(address) = config.http_listen {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listen on {address}"))?;
        let plaintext = config.service.plaintext();
        background.spawn(upkeep::logged(admin::serve(
            listener,
            Router::new(),
            plaintext,
            stop.cancelled_owned(),
        )));
    }
    let ended = async {
        shutdown.await;
        // Watches would go on for long.
        closing.cancel();
    };
    let served = jmap_service::serve::serve(listener, served, ended).await;
    reports.send().await;
    served
}

/// What authorization tells about itself, as soon as it answers.
async fn partner(authorization: &Authorization) -> Partner {
    let mut waiting = false;
    loop {
        match authorization.partner().await {
            Ok(partner) => return partner,
            Err(status) if !waiting => {
                info!(
                    reason = status.message(),
                    "waiting for the authorization service"
                );
                waiting = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn served<S: LayerStore>(
    config: &Config,
    (data, staging): (&Data<S>, &Arc<Staging>),
    (authenticator, reports): (Arc<Authenticator>, Arc<RefusalReports>),
    info: ServerInfo,
) -> anyhow::Result<(Served, CancellationToken)> {
    // The key is secret and survives restarts, so page tokens do as well.
    let pages = PageTokenKey::derive(config.key()?.expose_secret().as_bytes());
    let calls = config.service.max_concurrent_calls;
    let api = Api::new(data.clone(), pages, Arc::clone(staging), calls);
    let routes = api.routes(config.service.max_message_bytes);
    let served = Served {
        routes: routes.add_service(info.service()),
        names: [SERVICE_NAMES.as_slice(), &[ServerInfo::NAME]].concat(),
        stack: Stack {
            domain: DOMAIN,
            descriptor_set: DESCRIPTORS,
            max_concurrent_calls: config.service.max_concurrent_calls,
            time_limits: config.service.time_limits(),
            authenticator,
            refusals: Some(reports),
        },
        drain: config.service.drain_timeout,
        plaintext: config.service.plaintext(),
    };
    Ok((served, api.closing().clone()))
}

fn staging(config: &Config) -> anyhow::Result<Staging> {
    let folder = config.staging_folder();
    Staging::open(&folder, config.data_limits.of_uploads())
        .with_context(|| format!("open the folder for uploads {}", folder.display()))
}

/// The instance as authorization tells of it too, but for this service's address, which is known here.
fn server_info(config: &Config, address: SocketAddr, partner: Partner) -> ServerInfo {
    let own = config.public_address.clone();
    ServerInfo {
        instance_id: partner.instance_id,
        authorization_address: partner.address,
        layer_data_address: own.unwrap_or_else(|| format!("http://{address}")),
    }
}
