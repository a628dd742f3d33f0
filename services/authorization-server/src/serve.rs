//! Starting: the store, the keys, the authority, then the gRPC side and the HTTP port.

use std::sync::Arc;

use anyhow::{Context, ensure};
use authorization_core::Authority;
use authorization_grpc::{Context as Api, DOMAIN, RefusedCalls, SERVICES, routes};
use authorization_store::SqlStore;
use jmap_service::{
    admin,
    config::ServiceOptions,
    refusals::RefusalLog,
    serve::{Served, check_plaintext, serve as serve_grpc},
    server_info::ServerInfo,
    stack::Stack,
    token::{Authenticator, PublishedKeys},
};
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use crate::{
    Config, Database,
    authzen::{self, Door},
    first_start, http, keys,
    platform::{self, Platform},
    upkeep,
};

type Engine = Authority<SqlStore, Platform>;

/// Serves authorization on a listener until `shutdown` completes and running calls have finished.
///
/// # Errors
/// When the database cannot be opened, or is taken by another process; when a secret cannot be read or written, or a
/// listener cannot be served.
pub async fn serve(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send,
) -> anyhow::Result<()> {
    let store = open(&config.database).await?;
    let issuer = store.installation_id().to_owned();
    let keys::Keys {
        signing,
        published,
        pages,
    } = keys::load(&store, &issuer, platform::now()).await?;
    let providers = config.federation.providers();
    let platform = Platform::new(signing, &issuer, providers);
    let platform = platform.context("prepare the password hasher")?;
    let authority = Engine::start(store, platform, config.settings)
        .await
        .context("load the policy")?;
    first_start::administrator(&authority, config.administrator_password.as_ref()).await?;
    if let Some(file) = &config.service_key_file {
        first_start::service_key(&authority, file).await?;
    }
    let authority = Arc::new(authority);
    let upkeep = upkeep::run(
        Arc::clone(&authority),
        config.settings.history,
        config.audit,
    );
    let _upkeep = AbortOnDropHandle::new(tokio::spawn(upkeep));
    let info = server_info(&listener, &config, issuer)?;
    let authenticator = Arc::new(Authenticator::with_keys(&published));
    let door = Door::new(
        Arc::clone(&authority),
        Arc::clone(&authenticator),
        &config.service,
    );
    let _http = serve_http(&config, &published, door).await?;
    let api = Api::new(
        Arc::clone(&authority),
        Arc::clone(&authenticator),
        published,
        pages,
    )
    .behind(config.trusted_proxies)
    .among(config.service.max_concurrent_calls);
    let closing = api.closing().clone();
    let refusals = Arc::new(RefusedCalls(Arc::clone(&authority)));
    let served = served(api, (authenticator, refusals), info, &config.service);
    let mut is_taken_over = false;
    let ended = async {
        tokio::select! {
            () = shutdown => (),
            () = authority.store().taken_over() => is_taken_over = true,
        }
        closing.cancel();
    };
    let result = serve_grpc(listener, served, ended).await;
    upkeep::finish(&authority).await;
    authority.store().close().await;
    ensure!(!is_taken_over, "another process has taken the database");
    result
}

async fn open(database: &Database) -> anyhow::Result<SqlStore> {
    Ok(match database {
        Database::File(file) => SqlStore::open(file).await?,
        Database::Server(connector) => SqlStore::connect(connector).await?,
    })
}

fn server_info(
    listener: &TcpListener,
    config: &Config,
    instance_id: String,
) -> anyhow::Result<ServerInfo> {
    let own = format!(
        "http://{}",
        listener
            .local_addr()
            .context("read the listener's address")?
    );
    Ok(ServerInfo {
        instance_id,
        authorization_address: config.public_address.clone().unwrap_or(own),
        layer_data_address: config.layer_data_public_address.clone(),
    })
}

fn served(
    api: Api<SqlStore, Platform>,
    (authenticator, refusals): (Arc<Authenticator>, Arc<dyn RefusalLog>),
    info: ServerInfo,
    service: &ServiceOptions,
) -> Served {
    Served {
        routes: routes(Arc::new(api), service.max_message_bytes).add_service(info.service()),
        names: [&SERVICES[..], &[ServerInfo::NAME]].concat(),
        stack: Stack {
            domain: DOMAIN,
            descriptor_set: jmap_proto::DESCRIPTORS,
            max_concurrent_calls: service.max_concurrent_calls,
            time_limits: service.time_limits(),
            authenticator,
            refusals: Some(refusals),
        },
        drain: service.drain_timeout,
        plaintext: service.plaintext(),
    }
}

/// Serves HTTP in the background, if it is wanted; it ends when the handle is dropped.
async fn serve_http(
    config: &Config,
    published: &PublishedKeys,
    door: Door,
) -> anyhow::Result<Option<AbortOnDropHandle<()>>> {
    let Some(address) = config.http_listen else {
        return Ok(None);
    };
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address}"))?;
    let plaintext = config.service.plaintext();
    check_plaintext(address, plaintext)?;
    let mut mounted = http::jwks(published);
    if let Some(url) = &config.authzen_url {
        mounted = mounted.merge(authzen::routes(door, url, &config.service));
    }
    let serving = admin::serve(listener, mounted, plaintext, std::future::pending());
    let serving = async move {
        if let Err(error) = serving.await {
            error!(%error, "the HTTP port failed");
        }
    };
    Ok(Some(AbortOnDropHandle::new(tokio::spawn(serving))))
}
