//! The pair in one process: both services on their own ports, behind real sockets, with data of their own.

use std::{
    net::{SocketAddr, TcpListener as Socket},
    ops::Deref,
    path::{Path, PathBuf},
    sync::Arc,
    thread::{self, JoinHandle},
};

use authorization_core::Settings;
use authorization_server::{AuditTimes, Federation};
use authorization_store::PURPOSE;
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use jmap_service::{config::ServiceOptions, peer::TrustedProxies};
use layer_data_server::DataLimits;
use secrecy::SecretString;
use tokio::{net::TcpListener, runtime::Runtime};
use tokio_util::sync::CancellationToken;

use crate::{
    House, PASSWORD,
    home::{Home, place},
    ready,
};

/// A running pair; it ends when this is dropped.
#[derive(Debug)]
pub struct Pair {
    house: Arc<House>,
    stop: CancellationToken,
    running: Vec<JoinHandle<anyhow::Result<()>>>,
    home: Home,
}

/// How a pair differs from one with default settings.
#[derive(Clone, Debug, Default)]
pub struct Tuning {
    /// How long tokens, sessions and permits live.
    pub settings: Settings,
    /// Times of the audit record.
    pub audit: AuditTimes,
    /// Limits and times of both gRPC sides.
    pub service: ServiceOptions,
    /// The OpenID providers whose tokens sign in.
    pub federation: Federation,
    /// Whom authorization believes where calls come from.
    pub trusted_proxies: TrustedProxies,
    /// How much a call may ask of layer-data.
    pub data_limits: DataLimits,
    /// Where authorization listens for HTTP, and answers AuthZEN; nowhere unless set.
    pub http_listen: Option<SocketAddr>,
}

impl Pair {
    /// Starts a fresh pair.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start() -> Self {
        Self::start_with(Tuning::default()).await
    }

    /// Starts a fresh pair with other settings.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(tuning: Tuning) -> Self {
        Self::start_in(Home::fresh().await, tuning).await
    }

    /// Starts a pair with other settings on data of the test's choice.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_in(home: Home, tuning: Tuning) -> Self {
        let (authorization, layer_data) = (socket(), socket());
        let (asked, kept) = (address(&authorization), address(&layer_data));
        let stop = CancellationToken::new();
        let config = authorization_config(&home, &kept, &tuning);
        let stopped = stop.clone().cancelled_owned();
        let first = run(authorization, |listener| {
            authorization_server::serve(listener, config, stopped)
        });
        until_ready(&asked, &first).await;
        let config = layer_data_config(&home, &asked, tuning);
        let stopped = stop.clone().cancelled_owned();
        let second = run(layer_data, |listener| {
            layer_data_server::serve(listener, config, stopped)
        });
        until_ready(&kept, &second).await;
        let house = Arc::new(House::at(&asked, &kept));
        let running = vec![first, second];
        Self {
            house,
            stop,
            running,
            home,
        }
    }

    /// The pair as its callers see it.
    #[must_use]
    pub fn house(&self) -> Arc<House> {
        Arc::clone(&self.house)
    }

    /// Where its data is.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// The key that layer-data has.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn service_key(&self) -> String {
        service_key(self.home.folder())
    }

    /// Stops both services, and waits until they have drained.
    ///
    /// # Panics
    /// When one of them ends with an error.
    pub async fn stop(mut self) {
        self.stop.cancel();
        let running = std::mem::take(&mut self.running);
        let ended = tokio::task::spawn_blocking(|| {
            running
                .into_iter()
                .map(JoinHandle::join)
                .collect::<Vec<_>>()
        });
        for result in ended.await.expect("wait for the services") {
            result
                .expect("a service does not panic")
                .expect("a service ends well");
        }
    }
}

impl Deref for Pair {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn authorization_config(
    home: &Home,
    layer_data: &str,
    tuning: &Tuning,
) -> authorization_server::Config {
    authorization_server::Config {
        database: database(home),
        http_listen: tuning.http_listen,
        authzen_url: tuning
            .http_listen
            .map(|address| format!("http://{address}")),
        administrator_password: Some(SecretString::from(PASSWORD)),
        service_key_file: Some(key_file(home.folder())),
        public_address: None,
        layer_data_public_address: layer_data.to_owned(),
        settings: tuning.settings,
        audit: tuning.audit,
        federation: tuning.federation.clone(),
        trusted_proxies: tuning.trusted_proxies,
        service: tuning.service.clone(),
    }
}

fn database(home: &Home) -> authorization_server::Database {
    match place(&home.places().authorization) {
        DatabasePlace::File(file) => file.into(),
        DatabasePlace::Server(url) => {
            let connector = DatabaseOptions::default().connector(&url, PURPOSE);
            authorization_server::Database::Server(Box::new(connector.expect("a database URL")))
        }
    }
}

fn layer_data_config(
    home: &Home,
    authorization: &str,
    tuning: Tuning,
) -> layer_data_server::Config {
    let key = SecretString::from(service_key(home.folder()));
    layer_data_server::Config {
        storage: place(&home.places().layers),
        staging: Some(home.folder().join("uploads")),
        data_limits: tuning.data_limits,
        service: tuning.service,
        ..layer_data_server::Config::new(PathBuf::new(), authorization.to_owned(), key)
    }
}

fn key_file(folder: &Path) -> PathBuf {
    folder.join("layer-data.key")
}

fn service_key(folder: &Path) -> String {
    let key = std::fs::read_to_string(key_file(folder)).expect("read the service's key");
    key.trim().to_owned()
}

fn socket() -> Socket {
    let socket = Socket::bind("127.0.0.1:0").expect("listen");
    socket
        .set_nonblocking(true)
        .expect("listen without blocking");
    socket
}

fn address(socket: &Socket) -> String {
    let address = socket.local_addr().expect("an address");
    format!("http://{address}")
}

/// Serves on a thread and a runtime of its own, as the executables do.
fn run<F: Future<Output = anyhow::Result<()>>>(
    socket: Socket,
    serve: impl FnOnce(TcpListener) -> F + Send + 'static,
) -> JoinHandle<anyhow::Result<()>> {
    thread::spawn(|| {
        let runtime = Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::from_std(socket).expect("a listener");
            serve(listener).await
        })
    })
}

/// Waits until a service answers that it serves; a service that ends instead has failed.
async fn until_ready(address: &str, running: &JoinHandle<anyhow::Result<()>>) {
    let ended = ready::eventually("the end of a service", || async {
        running.is_finished().then_some(())
    });
    tokio::select! {
        biased;
        () = ready::serving(address) => {}
        () = ended => panic!("the service at {address} ended at the start"),
    }
}
