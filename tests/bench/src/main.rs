//! Benchmarks of the running pair, each beside its floor, measured in turn in the same run.
//!
//! `cargo run --release -p bench` prints a table; `--json` prints one object per figure and line.

mod check;
mod figure;
mod load;
mod stream;
mod town;

use std::time::Duration;

use clap::{Parser, ValueEnum};
use testkit::Pair;

/// Measures the pair beside its floors
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  bench                 everything, as a table\n  bench check --json    one benchmark, for programs"
)]
struct Options {
    /// What to measure; everything when left out
    #[arg(value_enum)]
    what: Vec<Benchmark>,
    /// Print one JSON object per figure instead of a table
    #[arg(long)]
    json: bool,
    /// Rounds of each measurement; floor and pair take turns, and the median counts
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a round lasts, in milliseconds
    #[arg(long, default_value_t = 1500)]
    millis: u64,
}

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Benchmark {
    /// Checks over loopback, beside an empty unary call with messages of the same size
    Check,
    /// 1,000 points by box with the permission question, beside the same SQL
    Stream,
}

/// How long to measure.
#[derive(Clone, Copy, Debug)]
struct Rounds {
    count: usize,
    length: Duration,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let rounds = Rounds {
        count: options.rounds.max(1),
        length: Duration::from_millis(options.millis),
    };
    let wanted = |what| options.what.is_empty() || options.what.contains(&what);
    let pair = Pair::start().await;
    let town = town::build(&pair).await?;
    let mut figures = Vec::new();
    if wanted(Benchmark::Check) {
        figures.extend(check::run(&town, rounds).await?);
    }
    if wanted(Benchmark::Stream) {
        figures.push(stream::run(&pair, &town, rounds).await?);
    }
    pair.stop().await;
    figure::print(&figures, options.json)
}
