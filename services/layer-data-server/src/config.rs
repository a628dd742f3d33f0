//! What the executable can be told, by flags and by `JMAP_*` environment variables.

use std::{fs, net::SocketAddr, num::NonZeroU64, path::PathBuf};

use anyhow::{Context, ensure};
use clap::{Args, Parser, Subcommand};
use jmap_postgres::{Connector, DatabaseOptions, DatabasePlace};
use jmap_service::{config::ServiceOptions, telemetry::TelemetryOptions};
use layer_data_core::Limits;
use layer_data_grpc::StagingLimits;
use layer_data_postgis::PURPOSE;
use secrecy::{ExposeSecret, SecretString};

use crate::MigrateOptions;

/// Carries the service's key where no file does.
const KEY_VARIABLE: &str = "JMAP_SERVICE_KEY";

/// Keeps layers and their elements, and asks the authorization service who may do what with them
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Config {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where to listen for gRPC
    #[arg(
        long,
        env = "JMAP_LAYER_DATA_LISTEN",
        default_value = "127.0.0.1:50052"
    )]
    pub listen: SocketAddr,
    /// Where to listen for HTTP, for `/healthz`; none unless given
    #[arg(long, env = "JMAP_LAYER_DATA_HTTP_LISTEN")]
    pub http_listen: Option<SocketAddr>,
    /// The address at which callers reach this service, where it is not the one it listens on
    #[arg(long, env = "JMAP_LAYER_DATA_PUBLIC_ADDRESS", value_name = "URL")]
    pub public_address: Option<String>,
    /// The address of the authorization service
    #[arg(
        long,
        env = "JMAP_AUTHORIZATION",
        default_value = "http://127.0.0.1:50051",
        value_name = "URL"
    )]
    pub authorization: String,
    /// The file with this service's key; without it the key comes from the environment variable `JMAP_SERVICE_KEY`
    #[arg(long, env = "JMAP_SERVICE_KEY_FILE", value_name = "FILE")]
    pub service_key_file: Option<PathBuf>,
    /// The service's key, where the configuration is made by a program.
    #[arg(skip)]
    pub service_key: Option<SecretString>,
    /// The GeoPackage that holds the layers, made if need be; or the URL of a PostgreSQL database, `postgres://...`
    #[arg(
        long,
        env = "JMAP_STORAGE",
        hide_env_values = true,
        default_value = "layers.gpkg",
        value_name = "FILE|URL"
    )]
    pub storage: DatabasePlace,
    /// The folder for uploads that wait to be run; beside the GeoPackage, or `layers.uploads`, unless given
    #[arg(long, env = "JMAP_STAGING", value_name = "FOLDER")]
    pub staging: Option<PathBuf>,
    /// How much one call may ask for.
    #[command(flatten)]
    pub data_limits: DataLimits,
    /// Limits and times of the gRPC side.
    #[command(flatten)]
    pub service: ServiceOptions,
    /// How logs are written.
    #[command(flatten)]
    pub telemetry: TelemetryOptions,
    /// How to use PostgreSQL.
    #[command(flatten)]
    pub postgres: DatabaseOptions,
    /// Check the configuration and exit: 0 when it is valid
    #[arg(long)]
    pub check_config: bool,
}

/// What the executable does besides serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Brings the schema of a PostgreSQL database up to date, and lets the role of the service use it
    Migrate(MigrateOptions),
}

/// Where the layers are kept.
pub(crate) enum Storage {
    /// In a GeoPackage on this machine.
    File(PathBuf),
    /// In a PostgreSQL database.
    Server(Box<Connector>),
}

/// How much one call, and all uploads together, may take.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Limits")]
pub struct DataLimits {
    /// Most elements of a read by whoever may not copy the layer
    #[arg(
        long,
        env = "JMAP_DISPLAY_LIMIT",
        default_value = "10000",
        value_name = "N"
    )]
    pub display_limit: NonZeroU64,
    /// Most edits of a batch, at most 10000; a batch must be done within half a second
    #[arg(
        long,
        env = "JMAP_MAX_EDITS",
        default_value_t = 1_000,
        value_name = "N"
    )]
    pub max_edits: usize,
    /// Largest file that can be uploaded, in bytes
    #[arg(long, env = "JMAP_MAX_FILE_BYTES", default_value_t = 4 << 30, value_name = "BYTES")]
    pub max_file_bytes: u64,
    /// Most uploads that wait to be run; of them one user has at most 8
    #[arg(long, env = "JMAP_MAX_UPLOADS", default_value_t = 64, value_name = "N")]
    pub max_uploads: usize,
}

impl Config {
    /// A configuration made by a program: the key is given, and everything else is as without flags, whatever the
    /// environment says.
    #[must_use]
    pub fn new(storage: PathBuf, authorization: String, service_key: SecretString) -> Self {
        Self {
            command: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http_listen: None,
            public_address: None,
            authorization,
            service_key_file: None,
            service_key: Some(service_key),
            storage: DatabasePlace::File(storage),
            staging: None,
            data_limits: DataLimits::default(),
            service: ServiceOptions::default(),
            telemetry: TelemetryOptions::default(),
            postgres: DatabaseOptions::default(),
            check_config: false,
        }
    }

    /// Refuses a configuration with which nothing could be served.
    ///
    /// # Errors
    /// When a limit is zero, the log filter cannot be understood, or there is no key.
    pub fn check(&self) -> anyhow::Result<()> {
        self.service.check()?;
        self.telemetry.filter()?;
        self.storage()?;
        ensure!(self.data_limits.max_edits > 0, "--max-edits is 0");
        self.key().map(drop)
    }

    /// The service's key.
    pub(crate) fn key(&self) -> anyhow::Result<SecretString> {
        if let Some(key) = &self.service_key {
            return Ok(key.clone());
        }
        let text = match &self.service_key_file {
            Some(file) => fs::read_to_string(file)
                .with_context(|| format!("read the service's key from {}", file.display()))?,
            None => std::env::var(KEY_VARIABLE).with_context(|| {
                format!("pass --service-key-file, or set {KEY_VARIABLE} to the service's key")
            })?,
        };
        let key = SecretString::from(text.trim());
        ensure!(
            !key.expose_secret().is_empty(),
            "the service's key is empty"
        );
        Ok(key)
    }

    /// Where the layers are kept.
    pub(crate) fn storage(&self) -> anyhow::Result<Storage> {
        Ok(match &self.storage {
            DatabasePlace::File(file) => Storage::File(file.clone()),
            DatabasePlace::Server(url) => {
                Storage::Server(Box::new(self.postgres.connector(url, PURPOSE)?))
            }
        })
    }

    /// Where uploads wait.
    pub(crate) fn staging_folder(&self) -> PathBuf {
        let usual = || match &self.storage {
            DatabasePlace::File(file) => file.with_extension("uploads"),
            DatabasePlace::Server(_) => PathBuf::from("layers.uploads"),
        };
        self.staging.clone().unwrap_or_else(usual)
    }
}

impl Default for DataLimits {
    fn default() -> Self {
        Self {
            display_limit: Limits::default().display,
            max_edits: Limits::default().edits,
            max_file_bytes: StagingLimits::default().file_bytes,
            max_uploads: StagingLimits::default().files,
        }
    }
}

impl DataLimits {
    pub(crate) const fn of_calls(&self) -> Limits {
        Limits {
            display: self.display_limit,
            edits: self.max_edits,
        }
    }

    pub(crate) fn of_uploads(&self) -> StagingLimits {
        StagingLimits {
            file_bytes: self.max_file_bytes,
            files: self.max_uploads,
            ..StagingLimits::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key() -> Config {
        let key = SecretString::from("k");
        Config::new("l.gpkg".into(), "http://127.0.0.1:50051".to_owned(), key)
    }

    #[test]
    fn the_defaults_of_the_code_are_those_of_the_command_line() {
        let parsed = Config::try_parse_from(["layer-data-server"]).unwrap();
        let made = with_key();
        assert_eq!(parsed.authorization, made.authorization);
        assert_eq!(parsed.data_limits.of_calls(), made.data_limits.of_calls());
        assert_eq!(
            parsed.data_limits.of_uploads(),
            made.data_limits.of_uploads()
        );
        assert_eq!(
            (parsed.service, parsed.telemetry, parsed.postgres),
            (made.service, made.telemetry, made.postgres)
        );
    }

    #[test]
    fn a_missing_key_a_zero_limit_and_a_bad_filter_are_refused() {
        assert!(with_key().check().is_ok());
        let no_such_file = Config {
            service_key: None,
            service_key_file: Some("/nowhere/key".into()),
            ..with_key()
        };
        assert!(no_such_file.check().is_err());
        let mut no_edits = with_key();
        no_edits.data_limits.max_edits = 0;
        assert!(no_edits.check().is_err());
        let mut bad_filter = with_key();
        bad_filter.telemetry.log = "info=info=info".to_owned();
        assert!(bad_filter.check().is_err());
    }

    #[test]
    fn the_key_is_not_printed() {
        let config = Config {
            service_key: Some(SecretString::from("hush")),
            ..with_key()
        };
        assert!(!format!("{config:?}").contains("hush"));
    }
}
