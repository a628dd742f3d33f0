//! PostgreSQL's own load generator, which comes with the server.

use std::{process::Command, time::Duration};

use anyhow::{Context, bail};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// Threads of pgbench.
const THREADS: &str = "2";

/// Scripts for pgbench, of which each transaction runs any one.
#[derive(Debug)]
pub(crate) struct Scripts {
    folder: TempDir,
    count: usize,
}

impl Scripts {
    /// Writes the scripts down.
    ///
    /// # Errors
    /// When there is no room for them.
    pub(crate) fn new(scripts: &[String]) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        for (number, script) in scripts.iter().enumerate() {
            std::fs::write(folder.path().join(number.to_string()), script)?;
        }
        let count = scripts.len();
        Ok(Self { folder, count })
    }

    /// Runs them with so many clients, and answers the transactions per second.
    ///
    /// # Errors
    /// When pgbench cannot be run, or a transaction fails.
    pub(crate) async fn run(
        &self,
        url: &str,
        clients: usize,
        length: Duration,
    ) -> anyhow::Result<f64> {
        let mut command = Command::new("pgbench");
        command
            // The URL has a password, which nobody is to see among the arguments.
            .env("PGDATABASE", url)
            .args(["--no-vacuum", "--protocol=prepared", "--jobs", THREADS])
            .args(["--client", &clients.to_string()])
            .args(["--time", &length.as_secs_f64().ceil().to_string()])
            .current_dir(self.folder.path());
        for number in 0..self.count {
            command.args(["--file", &number.to_string()]);
        }
        let output = spawn_blocking(move || command.output()).await?.context(
            "run pgbench, which comes with PostgreSQL; `tests/postgres.sh` has it in its PATH",
        )?;
        let told = String::from_utf8_lossy(&output.stdout);
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split_whitespace().next());
        match rate {
            Some(rate) if output.status.success() => Ok(rate.parse()?),
            _ => bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr)),
        }
    }
}
