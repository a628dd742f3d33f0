//! The pieces of configuration that every service has, as flags and as `JMAP_*` environment variables.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use jiff::SignedDuration;

use crate::{serve::Plaintext, stack::TimeLimits};

/// Limits, times and the plain-text switch of a service's gRPC side.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Limits")]
pub struct ServiceOptions {
    /// Most calls that run at once; more are refused as an overload
    #[arg(
        long,
        env = "JMAP_MAX_CONCURRENT_CALLS",
        default_value_t = 512,
        value_name = "N"
    )]
    pub max_concurrent_calls: usize,
    /// Largest message that is accepted, in bytes
    #[arg(long, env = "JMAP_MAX_MESSAGE_BYTES", default_value_t = 8 << 20, value_name = "BYTES")]
    pub max_message_bytes: usize,
    /// Most time that a call gets, such as `30s`
    #[arg(long, env = "JMAP_CALL_TIMEOUT", default_value = "30s", value_parser = duration)]
    pub call_timeout: Duration,
    /// Most time that a call with a stream gets, such as `1h`
    #[arg(long, env = "JMAP_STREAM_TIMEOUT", default_value = "1h", value_parser = duration)]
    pub stream_timeout: Duration,
    /// How long running calls may take to finish after SIGTERM
    #[arg(long, env = "JMAP_DRAIN_TIMEOUT", default_value = "20s", value_parser = duration)]
    pub drain_timeout: Duration,
    /// Serve without TLS beyond this machine, because something in front encrypts
    #[arg(long, env = "JMAP_ALLOW_PLAINTEXT")]
    pub allow_plaintext: bool,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            max_concurrent_calls: 512,
            max_message_bytes: 8 << 20,
            call_timeout: Duration::from_secs(30),
            stream_timeout: Duration::from_hours(1),
            drain_timeout: Duration::from_secs(20),
            allow_plaintext: false,
        }
    }
}

impl ServiceOptions {
    /// Refuses values with which nothing could be served.
    ///
    /// # Errors
    /// When a limit is zero.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.max_concurrent_calls > 0, "--max-concurrent-calls is 0");
        ensure!(self.max_message_bytes > 0, "--max-message-bytes is 0");
        ensure!(!self.call_timeout.is_zero(), "--call-timeout is 0");
        ensure!(!self.stream_timeout.is_zero(), "--stream-timeout is 0");
        Ok(())
    }

    /// Most time that calls get.
    #[must_use]
    pub const fn time_limits(&self) -> TimeLimits {
        TimeLimits {
            unary: self.call_timeout,
            streaming: self.stream_timeout,
        }
    }

    /// Where the listener may be reached from without TLS.
    #[must_use]
    pub const fn plaintext(&self) -> Plaintext {
        if self.allow_plaintext {
            Plaintext::Anywhere
        } else {
            Plaintext::LoopbackOnly
        }
    }
}

/// Reads a duration as people write it: `500ms`, `30s`, `1h 30m`.
///
/// # Errors
/// A sentence for the command line when it is none, or negative.
pub fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Option<SignedDuration> = text.parse().ok();
    let duration = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    duration.ok_or_else(|| format!("`{text}` is not a duration such as `30s`"))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        service: ServiceOptions,
    }

    #[test]
    fn the_defaults_of_the_code_are_those_of_the_command_line() {
        let command = Command::try_parse_from(["service"]).unwrap();
        assert_eq!(command.service, ServiceOptions::default());
    }

    #[test]
    fn durations_are_written_as_people_do() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1h 30m"), Ok(Duration::from_mins(90)));
        assert!(duration("-1s").is_err() && duration("soon").is_err() && duration("30").is_err());
    }

    #[test]
    fn a_limit_of_zero_is_refused() {
        let zero = ServiceOptions {
            max_concurrent_calls: 0,
            ..ServiceOptions::default()
        };
        assert!(zero.check().is_err() && ServiceOptions::default().check().is_ok());
    }
}
