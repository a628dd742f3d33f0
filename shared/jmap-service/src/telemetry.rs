//! Logs: structured, to standard error, as text for people or JSON for collectors.

use std::io::{IsTerminal, stderr};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use tracing_subscriber::{EnvFilter, fmt};

/// How logs are written.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Logging")]
pub struct TelemetryOptions {
    /// Which events are logged: a level, or directives such as `info,layer_data_grpc=debug`
    #[arg(long, env = "JMAP_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
    /// In which form
    #[arg(long, env = "JMAP_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// For collectors: one object a line
    Json,
}

impl Default for TelemetryOptions {
    fn default() -> Self {
        Self {
            log: "info".to_owned(),
            log_format: LogFormat::Text,
        }
    }
}

impl TelemetryOptions {
    /// The filter, if it is one.
    ///
    /// # Errors
    /// When a directive cannot be understood.
    pub fn filter(&self) -> anyhow::Result<EnvFilter> {
        EnvFilter::try_new(&self.log).with_context(|| format!("read the log filter `{}`", self.log))
    }
}

/// Starts logging for the whole process.
///
/// # Errors
/// When the filter cannot be understood, or logging was started before.
pub fn init(options: &TelemetryOptions) -> anyhow::Result<()> {
    let builder = fmt().with_env_filter(options.filter()?).with_writer(stderr);
    let started = match options.log_format {
        LogFormat::Text => builder.with_ansi(stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().with_ansi(false).try_init(),
    };
    started
        .map_err(|error| anyhow!(error))
        .context("start logging")
}
