//! The real executables, as processes of their own.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::Value;

use crate::{Home, House, PASSWORD, ready};

/// Longer than an executable takes to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// Most lines of a log that are shown.
const TOLD: usize = 20;
const ANY_PORT: &str = "127.0.0.1:0";

/// Both executables on ports of their own.
#[derive(Debug)]
pub struct Executables {
    programs: PathBuf,
    /// The authorization service.
    pub authorization: Process,
    /// The data service.
    pub layer_data: Process,
    house: Arc<House>,
    flags: Flags,
    home: Home,
}

/// Further flags.
#[derive(Debug)]
struct Flags {
    both: Vec<String>,
    authorization: Vec<String>,
}

impl Executables {
    /// Builds the executables if need be, and starts them on fresh data.
    ///
    /// # Panics
    /// When they cannot be built or do not start.
    pub async fn start() -> Self {
        Self::start_in(Home::fresh().await, &[]).await
    }

    /// Builds the executables if need be, and starts them on data of the test's choice, both with the same further
    /// flags.
    ///
    /// # Panics
    /// When they cannot be built or do not start.
    pub async fn start_in(home: Home, flags: &[&str]) -> Self {
        let both = flags.iter().copied().map(str::to_owned).collect();
        Self::start_with(
            home,
            Flags {
                both,
                authorization: Vec::new(),
            },
        )
        .await
    }

    async fn start_with(home: Home, flags: Flags) -> Self {
        let programs = build();
        std::fs::write(home.folder().join("password"), PASSWORD).expect("write the password");
        let launch = Launch {
            programs: &programs,
            home: &home,
            flags: &flags,
        };
        let authorization = launch.authorization(ANY_PORT);
        ready::serving(&authorization.address).await;
        let layer_data = launch.layer_data(ANY_PORT, &authorization.address);
        ready::serving(&layer_data.address).await;
        let house = Arc::new(House::at(&authorization.address, &layer_data.address));
        Self {
            programs,
            authorization,
            layer_data,
            house,
            flags,
            home,
        }
    }

    /// Builds the executables if need be, and starts them on data of the test's choice, authorization with further flags.
    ///
    /// # Panics
    /// When they cannot be built or do not start.
    pub async fn start_authorization_with(home: Home, flags: &[&str]) -> Self {
        let own = flags.iter().copied().map(str::to_owned).collect();
        Self::start_with(
            home,
            Flags {
                both: Vec::new(),
                authorization: own,
            },
        )
        .await
    }

    /// Where their data is.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    fn launch(&self) -> Launch<'_> {
        Launch {
            programs: &self.programs,
            home: &self.home,
            flags: &self.flags,
        }
    }

    /// The pair as its callers see it.
    #[must_use]
    pub fn house(&self) -> Arc<House> {
        Arc::clone(&self.house)
    }

    /// Starts authorization again, where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_authorization(&mut self) {
        let listen = self.authorization.port();
        self.authorization = self.launch().authorization(&listen);
        ready::serving(&self.authorization.address).await;
    }

    /// Starts layer-data again, where it was.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn restart_layer_data(&mut self) {
        let listen = self.layer_data.port();
        self.layer_data = self
            .launch()
            .layer_data(&listen, &self.authorization.address);
        ready::serving(&self.layer_data.address).await;
    }
}

/// What is needed to start an executable.
struct Launch<'a> {
    programs: &'a Path,
    home: &'a Home,
    flags: &'a Flags,
}

impl Launch<'_> {
    fn authorization(&self, listen: &str) -> Process {
        let mut command = self.command("authorization-server");
        command.args(["--listen", listen]);
        command.args(["--database", &self.home.places().authorization]);
        command.args(&self.flags.authorization);
        command
            .arg("--administrator-password-file")
            .arg(self.home.folder().join("password"));
        Process::start(&mut command)
    }

    fn layer_data(&self, listen: &str, authorization: &str) -> Process {
        let mut command = self.command("layer-data-server");
        command.args(["--listen", listen, "--authorization", authorization]);
        command.args(["--storage", &self.home.places().layers]);
        command
            .arg("--staging")
            .arg(self.home.folder().join("uploads"));
        Process::start(&mut command)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        let key = self.home.folder().join("layer-data.key");
        command
            .arg("--service-key-file")
            .arg(key)
            .args(&self.flags.both);
        command
    }
}

/// A running executable. What it logs is kept.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    /// Where it serves gRPC, as its start-up line says.
    pub address: String,
}

impl Process {
    fn start(command: &mut Command) -> Self {
        forget_surroundings(command);
        command.args(["--log", "info", "--log-format", "json"]);
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("start an executable");
        let lines = BufReader::new(child.stderr.take().expect("its log")).lines();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (found, address) = mpsc::channel();
        let kept = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(address) = served_address(&line) {
                    let _ = found.send(address);
                }
                kept.lock().expect("no panic").push(line);
            }
        });
        let address = address.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            panic!("no start-up line: {:?}", log.lock().expect("no panic"));
        });
        Self {
            child,
            log,
            reader: Some(reader),
            address,
        }
    }

    /// Its id, by which the operating system tells about it.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where it serves, as `--listen` takes it.
    fn port(&self) -> String {
        self.address.trim_start_matches("http://").to_owned()
    }

    /// Asks it to end (SIGTERM), waits, and answers whether it ended well.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn terminate(&mut self) -> bool {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        assert!(sent.expect("run kill").success(), "no such process");
        let ended = self.child.wait().expect("wait");
        self.finish_log();
        ended.success()
    }

    /// Ends it at once (SIGKILL).
    ///
    /// # Panics
    /// When it cannot be ended.
    pub fn kill(&mut self) {
        self.child.kill().expect("kill");
        self.child.wait().expect("wait");
        self.finish_log();
    }

    /// Shows what it complained of, newest last, for the person who looks why a test has failed.
    #[expect(clippy::print_stderr, reason = "for the person who runs the tests")]
    fn tell(&self) {
        let complaints = self.complaints();
        for line in complaints.iter().rev().take(TOLD).rev() {
            eprintln!("{line}");
        }
    }

    fn finish_log(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log is read");
        }
    }

    /// The lines of its log that are warnings or errors.
    ///
    /// # Panics
    /// Never, unless a thread panicked.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let log = self.log.lock().expect("no panic");
        let bad = |line: &&String| {
            let event: Option<Value> = serde_json::from_str(line).ok();
            let level = event.as_ref().and_then(|event| event.get("level"));
            matches!(level.and_then(Value::as_str), Some("WARN" | "ERROR"))
        };
        log.iter().filter(bad).cloned().collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            self.tell();
        }
    }
}

/// The address in a start-up line.
fn served_address(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).ok()?;
    let fields = event.get("fields")?;
    let says = fields.get("message")?.as_str()? == "serving gRPC";
    let address = fields.get("address")?.as_str()?;
    says.then(|| format!("http://{address}"))
}

/// One of the executables, built if need be, to be run with arguments of the test's own. It gets none of the
/// surroundings' configuration.
#[must_use]
pub fn program(name: &str) -> Command {
    let mut command = Command::new(build().join(name));
    forget_surroundings(&mut command);
    command
}

/// Nothing of the surroundings may configure it.
fn forget_surroundings(command: &mut Command) {
    let ours = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("JMAP_"));
    for name in ours {
        command.env_remove(name);
    }
}

/// Builds the executables and answers the folder that they are in: that of the running program, or the one above a
/// test's.
fn build() -> PathBuf {
    let program = std::env::current_exe().expect("the program's own path");
    let profile = program
        .ancestors()
        .skip(1)
        .find(|folder| !folder.ends_with("deps"))
        .expect("the profile's folder")
        .to_owned();
    let target = profile.parent().expect("the target folder");
    let mut cargo = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    cargo.args([
        "build",
        "--quiet",
        "-p",
        "authorization-server",
        "-p",
        "layer-data-server",
        "-p",
        "jmapctl",
    ]);
    // The test runner sets these, and some dependencies are built anew whenever they change.
    let runners = std::env::vars()
        .map(|(name, _)| name)
        .filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    for name in runners {
        cargo.env_remove(name);
    }
    cargo.arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status();
    assert!(
        built.expect("run cargo").success(),
        "the executables do not build"
    );
    profile
}
