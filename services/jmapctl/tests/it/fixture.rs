//! The executable, and a pair that it runs in the background.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command as Process, ExitStatus, Stdio},
};

use assert_cmd::{Command, assert::Assert};
use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "correct horse battery";

/// The executable, untouched by the surroundings of the test.
pub(crate) fn jmapctl() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jmapctl"));
    for variable in [
        "JMAP_SERVER",
        "JMAP_SESSION_FILE",
        "JMAP_TOKEN",
        "JMAP_PASSWORD",
        "JMAP_LOG",
    ] {
        command.env_remove(variable);
    }
    command
}

/// A running pair; stopped when dropped.
pub(crate) struct House {
    pub(crate) server: String,
    pub(crate) folder: TempDir,
    running: Child,
}

impl House {
    /// Starts `jmapctl up` on free ports and waits until it says where it listens.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts it with further arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (running, server) = up(folder.path(), arguments);
        Self {
            server,
            folder,
            running,
        }
    }

    /// Starts the demo, and waits until its tour is over.
    pub(crate) fn demo() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Process::new(env!("CARGO_BIN_EXE_jmapctl"))
            .args(["demo", "--data"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(running.stdout.take().unwrap());
        let mut told = output.lines().map(Result::unwrap);
        let server = told.find_map(|line| {
            let address = line.trim().strip_prefix("authorization ")?;
            Some(address.trim().to_owned())
        });
        Self {
            server: server.expect("the tour goes as said"),
            folder,
            running,
        }
    }

    /// Sends SIGTERM, waits for the end, and starts again on the same data.
    pub(crate) fn restart(&mut self) -> ExitStatus {
        let pid = self.running.id().to_string();
        let sent = Process::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(sent.success());
        let ended = self.running.wait().unwrap();
        (self.running, self.server) = up(self.folder.path(), &[]);
        ended
    }

    /// Where a user's session is kept.
    pub(crate) fn session(&self, who: &str) -> PathBuf {
        self.folder
            .path()
            .join("sessions")
            .join(format!("{who}.json"))
    }

    /// A command of a user who has signed in.
    pub(crate) fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = self.plain(who, arguments);
        command.arg("--json");
        command
    }

    fn plain(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = jmapctl();
        command
            .args(["--server", &self.server, "--session-file"])
            .arg(self.session(who))
            .args(arguments)
            .env("JMAP_PASSWORD", PASSWORD)
            .env("JMAP_NEW_PASSWORD", PASSWORD);
        command
    }

    pub(crate) fn run(&self, who: &str, arguments: &[&str]) -> Assert {
        self.command(who, arguments).assert()
    }

    /// A command that answers to people.
    pub(crate) fn people(&self, who: &str, arguments: &[&str]) -> Assert {
        self.plain(who, arguments).assert()
    }

    /// Lines of a shell in which `jmapctl` is this executable, for somebody who has signed in.
    pub(crate) fn script(&self, who: &str, lines: &str) -> Assert {
        let script = format!(
            "set -eu\njmapctl() {{ '{}' --server '{}' --session-file '{}' \"$@\"; }}\n{lines}",
            env!("CARGO_BIN_EXE_jmapctl"),
            self.server,
            self.session(who).display(),
        );
        let mut shell = Command::new("sh");
        shell
            .args(["-c", &script])
            .env("JMAP_PASSWORD", PASSWORD)
            .env("JMAP_NEW_PASSWORD", PASSWORD);
        shell.assert()
    }

    /// The answer of a command that succeeds.
    pub(crate) fn answer(&self, who: &str, arguments: &[&str]) -> Value {
        let done = self.run(who, arguments).success();
        serde_json::from_slice(&done.get_output().stdout).unwrap()
    }

    /// The failure of a command that ends with this exit code.
    pub(crate) fn failure(&self, who: &str, code: i32, arguments: &[&str]) -> Value {
        failure(&self.run(who, arguments).code(code))
    }

    /// An account that has signed in.
    pub(crate) fn account(&self, name: &str) {
        self.run("administrator", &["users", "create", name])
            .success();
        self.run(name, &["sign-in", name]).success();
    }

    /// A session as it is kept.
    pub(crate) fn kept(&self, who: &str) -> Value {
        serde_json::from_slice(&fs::read(self.session(who)).unwrap()).unwrap()
    }
}

fn up(folder: &Path, arguments: &[&str]) -> (Child, String) {
    let mut running = Process::new(env!("CARGO_BIN_EXE_jmapctl"))
        .args([
            "up",
            "--authorization-port",
            "0",
            "--layer-data-port",
            "0",
            "--data",
        ])
        .arg(folder.join("data"))
        .args(arguments)
        .env("JMAP_ADMINISTRATOR_PASSWORD", PASSWORD)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(running.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let server = line.split_whitespace().last().unwrap().to_owned();
    assert!(server.starts_with("http://127.0.0.1:"), "{line}");
    (running, server)
}

impl Drop for House {
    fn drop(&mut self) {
        // It may have been stopped already.
        let _ = self.running.kill();
        let _ = self.running.wait();
    }
}

/// The object that programs find on standard error.
pub(crate) fn failure(done: &Assert) -> Value {
    serde_json::from_slice(&done.get_output().stderr).unwrap()
}
