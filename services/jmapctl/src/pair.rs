//! The pair: both services in this process, each on its own port, with their data in one folder.

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use authorization_core::Settings;
use authorization_server::{AuditTimes, Config as AuthorizationConfig, Federation};
use jmap_proto::types::{
    GetServerInfoRequest, server_info_service_client::ServerInfoServiceClient,
};
use jmap_service::{client::channel, config::ServiceOptions, peer::TrustedProxies};
use layer_data_server::Config as LayerDataConfig;
use secrecy::SecretString;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Where authorization keeps its data, in the folder.
pub(crate) const AUTHORIZATION_FILE: &str = "authorization.sqlite";
/// Where layer-data keeps its data, in the folder.
pub(crate) const LAYERS_FILE: &str = "layers.gpkg";

/// How the pair is started.
#[derive(Clone, Debug)]
pub(crate) struct PairOptions {
    /// The folder with all data; made if there is none.
    pub(crate) data: PathBuf,
    /// Where to listen.
    pub(crate) ports: Ports,
    /// The first administrator's password; `None` to have one generated and printed once.
    pub(crate) administrator_password: Option<SecretString>,
    /// The OpenID providers whose tokens sign in.
    pub(crate) federation: Federation,
}

/// The ports on this machine; 0 takes any that is free.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ports {
    /// The authorization service's.
    pub(crate) authorization: u16,
    /// The layer-data service's.
    pub(crate) layer_data: u16,
}

/// Both services, running.
#[derive(Debug)]
pub(crate) struct Pair {
    /// Where the authorization service is reached.
    pub(crate) authorization: String,
    /// Where the layer-data service is reached.
    pub(crate) layer_data: String,
    authorization_service: Running,
    layer_data_service: Running,
}

/// A service in the background, and how it is stopped.
#[derive(Debug)]
struct Running {
    stop: CancellationToken,
    ended: JoinHandle<anyhow::Result<()>>,
}

impl Pair {
    /// Starts both services; each answers when this returns.
    ///
    /// The authorization service comes first: at its first start it writes the key that layer-data needs.
    pub(crate) async fn start(options: PairOptions) -> anyhow::Result<Self> {
        let PairOptions {
            data,
            ports,
            administrator_password,
            federation,
        } = options;
        make_private_folder(&data)?;
        let (listener, authorization) = listen(ports.authorization).await?;
        let (layer_data_listener, layer_data) = listen(ports.layer_data).await?;
        let key_file = data.join("layer-data.key");
        let config = AuthorizationConfig {
            database: data.join(AUTHORIZATION_FILE).into(),
            http_listen: None,
            authzen_url: None,
            administrator_password,
            service_key_file: Some(key_file.clone()),
            public_address: Some(authorization.clone()),
            layer_data_public_address: layer_data.clone(),
            settings: Settings::default(),
            audit: AuditTimes::default(),
            federation,
            trusted_proxies: TrustedProxies::default(),
            service: ServiceOptions::default(),
        };
        let mut authorization_service = Running::spawn(|stop| {
            authorization_server::serve(listener, config, stop.cancelled_owned())
        });
        authorization_service.answers(&authorization).await?;
        let key = read_key(&key_file)?;
        let config = LayerDataConfig::new(data.join(LAYERS_FILE), authorization.clone(), key);
        let mut layer_data_service = Running::spawn(|stop| {
            layer_data_server::serve(layer_data_listener, config, stop.cancelled_owned())
        });
        layer_data_service.answers(&layer_data).await?;
        Ok(Self {
            authorization,
            layer_data,
            authorization_service,
            layer_data_service,
        })
    }

    /// Runs until `shutdown` completes or one of the services ends by itself, then lets running calls finish.
    pub(crate) async fn run_until(
        mut self,
        shutdown: impl Future<Output = ()>,
    ) -> anyhow::Result<()> {
        let early = tokio::select! {
            () = shutdown => None,
            ended = &mut self.authorization_service.ended => Some(ended),
            ended = &mut self.layer_data_service.ended => Some(ended),
        };
        match early {
            None => self.stop().await,
            Some(ended) => ended
                .context("a service stopped")?
                .and_then(|()| Err(anyhow!("a service ended by itself"))),
        }
    }

    /// Stops both, layer-data first: its last calls still ask the authorization service.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.layer_data_service.stop().await?;
        self.authorization_service.stop().await
    }
}

impl Running {
    fn spawn<F>(serve: impl FnOnce(CancellationToken) -> F) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let ended = tokio::spawn(serve(stop.clone()));
        Self { stop, ended }
    }

    /// Waits for the first answer; the listener is bound, so the call waits where a connection would be refused.
    async fn answers(&mut self, address: &str) -> anyhow::Result<()> {
        let mut info = ServerInfoServiceClient::new(channel(address)?);
        tokio::select! {
            answer = info.get_server_info(GetServerInfoRequest {}) => {
                answer.map(drop).with_context(|| format!("ask {address} whether it is ready"))
            }
            ended = &mut self.ended => {
                ended.context("a service stopped")?.and_then(|()| Err(anyhow!("a service ended at its start")))
            }
        }
    }

    async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        self.ended.await.context("a service stopped")?
    }
}

async fn listen(port: u16) -> anyhow::Result<(TcpListener, String)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address).await;
    let listener = listener.with_context(|| format!("listen on {address}"))?;
    let bound = listener
        .local_addr()
        .context("read the listener's address")?;
    Ok((listener, format!("http://{bound}")))
}

pub(crate) fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.with_context(|| format!("create {}", path.display()))
}

fn read_key(path: &Path) -> anyhow::Result<SecretString> {
    let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
    Ok(text.trim().into())
}
