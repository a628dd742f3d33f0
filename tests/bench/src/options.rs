//! What the command line asks for.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures the pair beside its floors
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  bench                 everything, as a table\n  bench check --json    one benchmark, for programs"
)]
pub(crate) struct Options {
    /// What to measure; everything when left out
    #[arg(value_enum)]
    what: Vec<Benchmark>,
    /// Print one JSON object per figure instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    /// Rounds of each measurement; floor and pair take turns, and the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a round lasts, in milliseconds
    #[arg(long, default_value_t = 1500)]
    millis: u64,
}

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// Checks over loopback, beside an empty unary call with messages of the same size
    Check,
    /// 1,000 points by box with the permission question, beside the same SQL
    Stream,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    /// How many.
    pub(crate) count: usize,
    /// How long each lasts.
    pub(crate) length: Duration,
}

impl Options {
    /// How long to measure; at least one round.
    pub(crate) fn rounds(&self) -> Rounds {
        Rounds {
            count: self.rounds.max(1),
            length: Duration::from_millis(self.millis),
        }
    }

    /// Whether a benchmark is to be run; all are, unless some are named.
    pub(crate) fn wants(&self, what: Benchmark) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }
}
