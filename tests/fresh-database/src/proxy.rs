//! A way to a database that can be cut at the worst moment, around a COMMIT; that can be slow; that can fall silent.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Notify,
    task::JoinHandle,
    time::sleep,
};
use url::Url;

/// After how long the database notices that a connection has fallen silent, as its own keepalives would tell it.
const NOTICED: Duration = Duration::from_secs(25);

/// What becomes of the next COMMIT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The connection is cut, and the database never gets it.
    Before,
    /// The database gets it, and its answer is lost with the connection.
    After,
    /// The client is cut off; the database gets it only when it is [released](CuttingProxy::release).
    Held,
}

/// Stands before a database server, on a port of its own; ends when dropped.
#[derive(Debug)]
pub struct CuttingProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    next: Mutex<Option<Cut>>,
    release: Notify,
    state: Mutex<State>,
    closing: Notify,
}

/// How the way is now.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    is_closed: bool,
    /// How long everything takes, in each direction.
    delay: Duration,
    /// Connections that there have been.
    opened: u64,
    /// So many connections, the oldest ones, have fallen silent.
    silent: u64,
}

impl CuttingProxy {
    /// Opens a way to the server of a database URL. The server must accept TCP without TLS.
    ///
    /// # Panics
    /// When there is no port to listen on, or the URL has no host.
    pub async fn before(url: &str) -> Self {
        let server = Url::parse(url).ok();
        let server = server.and_then(|url| Some((url.host_str()?.to_owned(), url.port()?)));
        let Some(server) = server else {
            crate::refuse("the database URL has no host and port");
        };
        let Ok(listener) = TcpListener::bind("127.0.0.1:0").await else {
            crate::refuse("no port to listen on");
        };
        let Ok(address) = listener.local_addr() else {
            crate::refuse("no port to listen on");
        };
        let shared = Arc::new(Shared::default());
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&shared)));
        Self {
            address,
            shared,
            accepting,
        }
    }

    /// The URL of the same database by this way.
    ///
    /// # Panics
    /// When the URL is none.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let Ok(mut url) = Url::parse(database) else {
            crate::refuse("not a database URL");
        };
        let changed = url
            .set_ip_host(self.address.ip())
            .and_then(|()| url.set_port(Some(self.address.port())));
        if changed.is_err() {
            crate::refuse("the database URL has no host");
        }
        url.into()
    }

    /// Decides what becomes of the next COMMIT, on whichever connection.
    pub fn cut_next_commit(&self, cut: Cut) {
        *lock(&self.shared.next) = Some(cut);
    }

    /// Whether the COMMIT that was to be cut has come.
    #[must_use]
    pub fn has_cut(&self) -> bool {
        lock(&self.shared.next).is_none()
    }

    /// Lets the database have the COMMIT that was held.
    pub fn release(&self) {
        self.shared.release.notify_one();
    }

    /// Cuts all connections, and every new one until [`Self::open`].
    pub fn close(&self) {
        lock(&self.shared.state).is_closed = true;
        self.shared.closing.notify_waiters();
    }

    /// Lets new connections through again.
    pub fn open(&self) {
        lock(&self.shared.state).is_closed = false;
    }

    /// Holds up everything that is passed on from now on, in each direction.
    pub fn delay(&self, each: Duration) {
        lock(&self.shared.state).delay = each;
    }

    /// Passes on nothing more of the present connections, and tells neither end; the database notices by itself, as it
    /// would without this proxy, whose system answers its keepalives. New connections go through.
    pub fn silence(&self) {
        let mut state = lock(&self.shared.state);
        state.silent = state.opened;
    }
}

impl Drop for CuttingProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.closing.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, server: (String, u16), shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let (server, shared) = (server.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            // Registered before the look, so that no closing is missed.
            let closing = shared.closing.notified();
            let Some(way) = Way::open(&shared) else {
                return;
            };
            let Ok(server) = TcpStream::connect(server).await else {
                return;
            };
            tokio::select! {
                () = way.pass(client, server) => (),
                () = closing => (),
            }
        });
    }
}

/// One connection through the proxy, by its number.
struct Way<'a> {
    shared: &'a Shared,
    number: u64,
}

impl<'a> Way<'a> {
    fn open(shared: &'a Shared) -> Option<Self> {
        let mut state = lock(&shared.state);
        state.opened += 1;
        let number = state.opened;
        (!state.is_closed).then_some(Self { shared, number })
    }

    /// Passes bytes on both ways until an end closes, or a COMMIT is cut.
    async fn pass(&self, client: TcpStream, server: TcpStream) {
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        // Once the requests have ended, nothing that the server says reaches the client, who sees the end.
        let ended = tokio::select! {
            ended = self.pass_requests(from_client, to_server) => ended,
            _end = self.pass_answers(from_server, to_client) => None,
        };
        let Some((commit, mut to_server, cut)) = ended else {
            return;
        };
        match cut {
            Cut::Before => (),
            Cut::After => drop(to_server.write_all(&commit).await),
            Cut::Held => {
                self.shared.release.notified().await;
                drop(to_server.write_all(&commit).await);
            }
        }
    }

    async fn pass_answers(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf) -> Option<()> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let bytes = read(&mut from, &mut buffer).await?;
            self.take_time().await?;
            to.write_all(bytes).await.ok()?;
        }
    }

    async fn pass_requests(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
    ) -> Option<(Vec<u8>, OwnedWriteHalf, Cut)> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let bytes = read(&mut from, &mut buffer).await?;
            self.take_time().await?;
            if is_commit(bytes)
                && let Some(cut) = lock(&self.shared.next).take()
            {
                return Some((bytes.to_vec(), to, cut));
            }
            to.write_all(bytes).await.ok()?;
        }
    }

    /// As long as the way takes; nothing comes of it when it has fallen silent.
    async fn take_time(&self) -> Option<()> {
        let State { delay, silent, .. } = *lock(&self.shared.state);
        if self.number <= silent {
            sleep(NOTICED).await;
            return None;
        }
        if !delay.is_zero() {
            sleep(delay).await;
        }
        Some(())
    }
}

/// What comes next; none when the other end has closed.
async fn read<'b>(from: &mut OwnedReadHalf, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let length = from.read(buffer).await.ok().filter(|n| *n > 0)?;
    buffer.get(..length)
}

/// Whether the bytes are a simple query whose text is COMMIT. The driver writes it by itself.
fn is_commit(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b'Q')
        && bytes
            .get(5..)
            .is_some_and(|text| text.to_ascii_lowercase().starts_with(b"commit\0"))
}
