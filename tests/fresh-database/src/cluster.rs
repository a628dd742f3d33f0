//! A PostgreSQL server of a test's own, which can be killed.

use std::{
    env, fs, io,
    net::TcpListener,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::time::sleep;
use uuid::Uuid;

use crate::{refuse, say};

/// Longer than a server takes to start on a busy machine, recovery included.
const PATIENCE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);
/// The kernel hands out no port below 32768 for outgoing connections, so one stays free while its server is down.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A PostgreSQL server with data of its own in a temporary folder; both go when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    owner: Owner,
    password: String,
    port: u16,
    postmaster: Option<Child>,
}

impl Cluster {
    /// Makes a server and starts it. `name` says for what.
    ///
    /// `None`, said loudly, where PostgreSQL is not installed: the test has to be skipped.
    ///
    /// # Panics
    /// When it cannot be made, and when there is no PostgreSQL although `CI` says that nothing may be skipped.
    pub async fn start(name: &str) -> Option<Self> {
        let Some(programs) = programs() else {
            let sentence = format!("SKIPPED `{name}`: there is no PostgreSQL with PostGIS here");
            if env::var_os("CI").is_some() {
                refuse(&sentence);
            }
            say(&sentence);
            return None;
        };
        let mut cluster = Self {
            folder: must(TempDir::with_prefix("jmap-cluster."), "make a folder"),
            programs,
            owner: Owner::find(),
            password: Uuid::new_v4().simple().to_string(),
            port: free_port(),
            postmaster: None,
        };
        cluster.init();
        cluster.restart().await;
        Some(cluster)
    }

    /// The URL of its database `postgres`, as its superuser.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// The URL of another database of it, as its superuser.
    #[must_use]
    pub fn url_of(&self, database: &str) -> String {
        let Self { password, port, .. } = self;
        format!("postgres://postgres:{password}@127.0.0.1:{port}/{database}")
    }

    /// A folder that belongs to whoever runs the server.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The number of the user who runs the server, where this is another one.
    #[must_use]
    pub const fn owner(&self) -> Option<u32> {
        match self.owner {
            Owner::Ourselves => None,
            Owner::Other { user, group: _ } => Some(user),
        }
    }

    /// Kills the server and every process of it (SIGKILL), and returns when they are gone.
    ///
    /// # Panics
    /// When they do not go.
    pub async fn kill(&mut self) {
        let Some(mut postmaster) = self.postmaster.take() else {
            return;
        };
        let processes = children(postmaster.id());
        must(postmaster.kill(), "kill the server");
        must(postmaster.wait(), "wait for the server");
        for process in &processes {
            // It may have ended with the server already.
            let _gone = Command::new("kill")
                .args(["-KILL", process])
                .stderr(Stdio::null())
                .status();
        }
        let begun = Instant::now();
        while processes.iter().any(|process| is_running(process)) {
            if begun.elapsed() > PATIENCE {
                refuse("the processes of the server do not go");
            }
            sleep(PAUSE).await;
        }
    }

    /// Starts the server after it was killed, and returns when it has recovered.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart(&mut self) {
        let log = must(self.log(), "open the log");
        let port = self.port.to_string();
        let child = self
            .program("postgres")
            .args(["-p", &port, "-c", "listen_addresses=127.0.0.1"])
            .args(["-c", "unix_socket_directories="])
            .args(["-c", "max_connections=100"])
            // The machine does not fail, only processes do, so what was written stays written.
            .args(["-c", "fsync=off"])
            .stdin(Stdio::null())
            .stderr(log)
            .spawn();
        self.postmaster = Some(must(child, "start the server"));
        let begun = Instant::now();
        while let Err(error) = self.greet().await {
            if begun.elapsed() > PATIENCE {
                refuse(&format!(
                    "the server does not start: {error}; {}",
                    self.told()
                ));
            }
            sleep(PAUSE).await;
        }
    }

    async fn greet(&self) -> sqlx::Result<()> {
        PgConnection::connect(&self.url()).await?.close().await
    }

    fn init(&self) {
        let password = self.folder().join("password");
        must(fs::write(&password, &self.password), "write the password");
        let readable = fs::Permissions::from_mode(0o644);
        must(
            fs::set_permissions(&password, readable),
            "write the password",
        );
        if let Owner::Other { user, group } = self.owner {
            must(
                chown(self.folder(), Some(user), Some(group)),
                "give the folder away",
            );
        }
        let made = self
            .program("initdb")
            .args([
                "--username=postgres",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ])
            .args(["--locale=C.UTF-8", "--no-sync", "--pwfile"])
            .arg(&password)
            .output();
        let made = must(made, "run initdb");
        if !made.status.success() {
            refuse(&format!(
                "initdb: {}",
                String::from_utf8_lossy(&made.stderr)
            ));
        }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command.current_dir(self.folder());
        command.arg("-D").arg(self.folder().join("data"));
        if let Owner::Other { user, group } = self.owner {
            command.uid(user).gid(group);
        }
        command
    }

    fn log(&self) -> io::Result<fs::File> {
        let path = self.folder().join("log");
        fs::File::options().create(true).append(true).open(path)
    }

    fn told(&self) -> String {
        fs::read_to_string(self.folder().join("log")).unwrap_or_default()
    }
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<String> {
    let path = format!("/proc/{parent}/task/{parent}/children");
    let children = must(fs::read_to_string(path), "list the processes");
    children.split_whitespace().map(str::to_owned).collect()
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut postmaster) = self.postmaster.take() {
            // At once, with all its processes and what it shares with them.
            let id = postmaster.id().to_string();
            let _ended = Command::new("kill")
                .args(["-QUIT", &id])
                .status()
                .and_then(|_| postmaster.wait());
        }
    }
}

/// Who runs the server: PostgreSQL refuses to run as root.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Ourselves,
    Other { user: u32, group: u32 },
}

impl Owner {
    fn find() -> Self {
        if id(&["-u"]) != Some(0) {
            return Self::Ourselves;
        }
        let of = |name| Some((id(&["-u", name])?, id(&["-g", name])?));
        match of("postgres").or_else(|| of("nobody")) {
            Some((user, group)) => Self::Other { user, group },
            None => refuse("there is nobody but root to run PostgreSQL"),
        }
    }
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

/// The folder of a PostgreSQL's programs: that in the PATH, or the newest of Debian's.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut of_debian: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    of_debian.sort();
    env::split_paths(&path)
        .chain(of_debian.into_iter().rev())
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn free_port() -> u16 {
    let tries = std::iter::repeat_with(|| {
        let (random, _) = Uuid::new_v4().as_u64_pair();
        let span = u64::from(PORTS.end - PORTS.start);
        PORTS.start + u16::try_from(random % span).unwrap_or_default()
    });
    let mut free = tries
        .take(100)
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().unwrap_or_else(|| refuse("no port is free"))
}

/// A process that has ended may wait for somebody to ask how; it holds nothing any more.
fn is_running(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| {
        !stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .starts_with(" Z")
    })
}

fn must<T>(result: io::Result<T>, what: &str) -> T {
    result.unwrap_or_else(|error| refuse(&format!("could not {what}: {error}")))
}
