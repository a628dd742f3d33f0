//! The flags of a service that can keep its data in PostgreSQL.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

/// How to use a PostgreSQL database; without meaning for a file.
///
/// The password is in the URL, in a file, or in the environment variable `JMAP_DATABASE_PASSWORD`; never in a flag
/// of its own, because flags are seen by everybody.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "PostgreSQL")]
pub struct DatabaseOptions {
    /// A file with the database's password (or give it in the URL or in `JMAP_DATABASE_PASSWORD`)
    #[arg(long, env = "JMAP_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
    /// Connect beyond this machine with less than sslmode=verify-full
    #[arg(long, env = "JMAP_DATABASE_ALLOW_INSECURE_TLS")]
    pub database_allow_insecure_tls: bool,
    /// Most connections that work at once; one more holds the lease
    #[arg(
        long,
        env = "JMAP_DATABASE_MAX_CONNECTIONS",
        default_value_t = 16,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub database_max_connections: u32,
    /// How long a call waits for a connection, such as `5s`
    #[arg(long, env = "JMAP_DATABASE_ACQUIRE_TIMEOUT", default_value = "5s", value_parser = limit, value_name = "TIME")]
    pub database_acquire_timeout: Duration,
    /// Most time that the database spends on one statement
    #[arg(long, env = "JMAP_DATABASE_STATEMENT_TIMEOUT", default_value = "30s", value_parser = limit, value_name = "TIME")]
    pub database_statement_timeout: Duration,
    /// Most time that a statement waits for a lock
    #[arg(long, env = "JMAP_DATABASE_LOCK_TIMEOUT", default_value = "2s", value_parser = limit, value_name = "TIME")]
    pub database_lock_timeout: Duration,
    /// Most prepared statements that each connection keeps
    #[arg(
        long,
        env = "JMAP_DATABASE_STATEMENT_CACHE",
        default_value_t = 256,
        value_name = "N"
    )]
    pub database_statement_cache: usize,
    /// When to bring the schema up to date
    #[arg(
        long,
        env = "JMAP_DATABASE_MIGRATE",
        default_value = "at-start",
        value_name = "WHEN"
    )]
    pub database_migrate: MigrateMode,
}

/// When a service brings the schema of its database up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MigrateMode {
    /// When it starts, if need be.
    AtStart,
    /// Never: it refuses to start on an older schema, and the `migrate` command does it.
    Never,
}

impl Default for DatabaseOptions {
    fn default() -> Self {
        Self {
            database_password_file: None,
            database_allow_insecure_tls: false,
            database_max_connections: 16,
            database_acquire_timeout: Duration::from_secs(5),
            database_statement_timeout: Duration::from_secs(30),
            database_lock_timeout: Duration::from_secs(2),
            database_statement_cache: 256,
            database_migrate: MigrateMode::AtStart,
        }
    }
}

/// Reads a limit of time as people write it. PostgreSQL counts in milliseconds and takes 0 for none.
fn limit(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    parsed
        .and_then(|parsed| Duration::try_from(parsed).ok())
        .filter(|limit| (1..=86_400_000).contains(&limit.as_millis()))
        .ok_or_else(|| format!("`{text}` is not a time between 1ms and 24h, such as `30s`"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        database: DatabaseOptions,
    }

    #[test]
    fn the_defaults_of_the_code_are_those_of_the_command_line() {
        let command = Command::try_parse_from(["service"]).unwrap();
        assert_eq!(command.database, DatabaseOptions::default());
    }

    #[test]
    fn what_would_mean_no_limit_is_refused() {
        for flag in [
            "--database-max-connections=0",
            "--database-lock-timeout=0s",
            "--database-statement-timeout=1us",
            "--database-acquire-timeout=25h",
        ] {
            assert!(
                Command::try_parse_from(["service", flag]).is_err(),
                "{flag}"
            );
        }
    }
}
