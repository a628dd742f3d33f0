//! Configuration: what the command line and the environment say, and what the service is started with.

use std::{
    env, fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use authorization_core::{Settings, audit::SampleRate};
use authorization_store::PURPOSE;
use clap::{Parser, Subcommand};
use jmap_postgres::{Connector, DatabaseOptions, DatabasePlace};
use jmap_service::{
    config::{ServiceOptions, duration},
    peer::TrustedProxies,
    telemetry::TelemetryOptions,
};
use secrecy::SecretString;

use crate::{Federation, MigrateOptions};

/// Holds the first administrator's password when no file does; not a flag, because flags are seen by everybody.
const PASSWORD_VARIABLE: &str = "JMAP_ADMINISTRATOR_PASSWORD";

/// Answers who may do what, and keeps accounts, groups, projects and permissions
#[derive(Debug, Parser)]
#[command(
    version,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  authorization-server --database authorization.sqlite --service-key-file layer-data.key\n  \
                  authorization-server --database 'postgres://jmap@db.example/jmap?sslmode=verify-full'\n\n\
                  At the first start the administrator gets the password in JMAP_ADMINISTRATOR_PASSWORD or in\n\
                  --administrator-password-file, or else a generated one that is printed once."
)]
pub struct Options {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to listen for gRPC
    #[arg(
        long,
        env = "JMAP_AUTHORIZATION_LISTEN",
        default_value = "127.0.0.1:50051",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Where to listen for HTTP (/healthz, /.well-known/jwks.json, AuthZEN); nowhere if left out
    #[arg(long, env = "JMAP_AUTHORIZATION_HTTP_LISTEN", value_name = "ADDRESS")]
    pub http_listen: Option<SocketAddr>,
    /// Where programs that speak OpenID AuthZEN reach the HTTP port, such as `https://authorization.example`; they are not
    /// answered if left out
    #[arg(
        long,
        env = "JMAP_AUTHZEN_URL",
        requires = "http_listen",
        value_name = "URL"
    )]
    pub authzen_url: Option<String>,
    /// The `SQLite` file, made if there is none; or the URL of a PostgreSQL database, `postgres://...`
    #[arg(
        long,
        env = "JMAP_DATABASE",
        hide_env_values = true,
        required = true,
        value_name = "FILE|URL"
    )]
    pub database: Option<DatabasePlace>,
    /// A file with the first administrator's password
    #[arg(long, env = "JMAP_ADMINISTRATOR_PASSWORD_FILE", value_name = "FILE")]
    pub administrator_password_file: Option<PathBuf>,
    /// A file with layer-data's key; the key is made and written if there is no such file
    #[arg(long, env = "JMAP_SERVICE_KEY_FILE", value_name = "FILE")]
    pub service_key_file: Option<PathBuf>,
    /// Where callers reach this service, if not where it listens
    #[arg(long, env = "JMAP_AUTHORIZATION_PUBLIC_ADDRESS", value_name = "URL")]
    pub public_address: Option<String>,
    /// Where callers reach layer-data
    #[arg(
        long,
        env = "JMAP_LAYER_DATA_PUBLIC_ADDRESS",
        default_value = "http://127.0.0.1:50052",
        value_name = "URL"
    )]
    pub layer_data_public_address: String,
    /// How long an access token lives
    #[arg(long, env = "JMAP_ACCESS_TOKEN_LIFE", default_value = "10m", value_parser = duration)]
    pub access_token_life: Duration,
    /// How long a session lives without being refreshed
    #[arg(long, env = "JMAP_SESSION_LIFE", default_value = "720h", value_parser = duration)]
    pub session_life: Duration,
    /// How many personal layers one user may have; who has more keeps them
    #[arg(
        long,
        env = "JMAP_PERSONAL_LAYERS",
        default_value_t = 100,
        value_name = "N"
    )]
    pub personal_layers: u32,
    /// How long the history of changes is kept, such as `8760h`; for ever if left out
    #[arg(long, env = "JMAP_HISTORY_LIFE", value_parser = duration)]
    pub history_life: Option<Duration>,
    /// How long equal refusals are gathered into one record of the audit; a crash loses at most those
    #[arg(long, env = "JMAP_AUDIT_GATHER", default_value = "1m", value_parser = duration)]
    pub audit_gather: Duration,
    /// How long audit records are kept, such as 8760h; for ever if left out
    #[arg(long, env = "JMAP_AUDIT_LIFE", value_parser = duration)]
    pub audit_life: Option<Duration>,
    /// Which part of all checks is recorded in the audit, from 0 (none) to 1 (all)
    #[arg(
        long,
        env = "JMAP_AUDIT_CHECK_SAMPLE",
        default_value = "0",
        value_name = "PART"
    )]
    pub audit_check_sample: SampleRate,
    /// A YAML file with the OpenID providers whose tokens sign in; nobody's if left out
    #[arg(long, env = "JMAP_FEDERATION", value_name = "FILE")]
    pub federation: Option<PathBuf>,
    /// How many proxies in front write callers' addresses into `x-forwarded-for`, by which failed sign-ins are slowed
    #[arg(
        long,
        env = "JMAP_TRUSTED_PROXY_HOPS",
        default_value_t = 0,
        value_name = "N"
    )]
    pub trusted_proxy_hops: u8,
    /// Check the configuration and exit
    #[arg(long)]
    pub check_config: bool,
    /// Limits and times.
    #[command(flatten)]
    pub service: ServiceOptions,
    /// Logging.
    #[command(flatten)]
    pub telemetry: TelemetryOptions,
    /// How to use PostgreSQL.
    #[command(flatten)]
    pub postgres: DatabaseOptions,
}

/// What the executable does besides serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Brings the schema of a PostgreSQL database up to date, and lets the role of the service use it
    Migrate(MigrateOptions),
}

/// Where the policy is kept.
#[derive(Clone, Debug)]
pub enum Database {
    /// In a `SQLite` file on this machine.
    File(PathBuf),
    /// In a PostgreSQL database.
    Server(Box<Connector>),
}

impl From<PathBuf> for Database {
    fn from(file: PathBuf) -> Self {
        Self::File(file)
    }
}

/// How long what belongs to the audit record is gathered and kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditTimes {
    /// How long equal refusals become one record.
    pub gather: Duration,
    /// How long records are kept; `None` for ever. Removing evidence is for whoever answers for it to decide, and what a
    /// flood of refusals can add is bounded.
    pub life: Option<Duration>,
}

impl Default for AuditTimes {
    fn default() -> Self {
        Self {
            gather: Duration::from_mins(1),
            life: None,
        }
    }
}

/// What the service is started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the policy is kept.
    pub database: Database,
    /// Where to listen for HTTP; `None` for nowhere.
    pub http_listen: Option<SocketAddr>,
    /// Where programs that speak AuthZEN reach the HTTP port; `None` when they are not answered.
    pub authzen_url: Option<String>,
    /// The first administrator's password; `None` to have one generated and printed once.
    pub administrator_password: Option<SecretString>,
    /// The file with layer-data's key, written if there is none.
    pub service_key_file: Option<PathBuf>,
    /// Where callers reach this service; `None` for where it listens.
    pub public_address: Option<String>,
    /// Where callers reach layer-data.
    pub layer_data_public_address: String,
    /// How long things live, and how many there may be.
    pub settings: Settings,
    /// Times of the audit record.
    pub audit: AuditTimes,
    /// The OpenID providers whose tokens sign in.
    pub federation: Federation,
    /// Whom to believe where calls come from.
    pub trusted_proxies: TrustedProxies,
    /// Limits and times of the gRPC side.
    pub service: ServiceOptions,
}

impl Options {
    /// Checks what was given and reads the secrets.
    ///
    /// # Errors
    /// A sentence that names the flag or the file.
    pub fn config(&self) -> anyhow::Result<Config> {
        self.service.check()?;
        self.telemetry.filter()?;
        ensure!(
            !self.access_token_life.is_zero(),
            "--access-token-life is 0"
        );
        ensure!(!self.session_life.is_zero(), "--session-life is 0");
        ensure!(
            self.history_life.is_none_or(|life| !life.is_zero()),
            "--history-life is 0"
        );
        ensure!(!self.audit_gather.is_zero(), "--audit-gather is 0");
        let is_kept = self.audit_life.is_none_or(|life| !life.is_zero());
        ensure!(is_kept, "--audit-life is 0");
        let password = self
            .administrator_password_file
            .as_deref()
            .map(read_secret)
            .transpose()?;
        Ok(Config {
            database: self.database()?,
            http_listen: self.http_listen,
            authzen_url: self.authzen_url()?,
            administrator_password: password
                .or_else(|| env::var(PASSWORD_VARIABLE).ok().map(Into::into)),
            service_key_file: self.service_key_file.clone(),
            public_address: self.public_address.clone(),
            layer_data_public_address: self.layer_data_public_address.clone(),
            settings: Settings {
                access_token: self.access_token_life,
                idle_session: self.session_life,
                personal_layers: self.personal_layers,
                history: self.history_life,
                check_sample: self.audit_check_sample,
                ..Settings::default()
            },
            audit: AuditTimes {
                gather: self.audit_gather,
                life: self.audit_life,
            },
            federation: match &self.federation {
                Some(file) => Federation::read(file)?,
                None => Federation::default(),
            },
            trusted_proxies: TrustedProxies(self.trusted_proxy_hops),
            service: self.service.clone(),
        })
    }

    fn authzen_url(&self) -> anyhow::Result<Option<String>> {
        let Some(url) = &self.authzen_url else {
            return Ok(None);
        };
        let is_http = url.starts_with("https://") || url.starts_with("http://");
        ensure!(is_http, "--authzen-url is not an http:// or https:// URL");
        Ok(Some(url.clone()))
    }

    fn database(&self) -> anyhow::Result<Database> {
        match self.database.as_ref().context("--database is missing")? {
            DatabasePlace::File(file) => Ok(Database::File(file.clone())),
            DatabasePlace::Server(url) => {
                let connector = self.postgres.connector(url, PURPOSE)?;
                Ok(Database::Server(Box::new(connector)))
            }
        }
    }
}

/// The text of a file without the end of its line.
///
/// # Errors
/// When it cannot be read, or is empty.
pub(crate) fn read_secret(file: &Path) -> anyhow::Result<SecretString> {
    let text = fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    ensure!(!secret.is_empty(), "{} is empty", file.display());
    Ok(secret.into())
}
