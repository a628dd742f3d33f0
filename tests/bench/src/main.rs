//! Benchmarks of the running pair, each beside its floor, measured in turn in the same run.
//!
//! `cargo run --release -p bench` prints a table; `--json` prints one object per figure and line.

mod check;
mod figure;
mod load;
mod options;
mod stream;
mod town;

use clap::Parser;
use testkit::Pair;

use crate::options::{Benchmark, Options};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let rounds = options.rounds();
    let pair = Pair::start().await;
    let town = town::build(&pair).await?;
    let mut figures = Vec::new();
    if options.wants(Benchmark::Check) {
        figures.extend(check::run(&town, rounds).await?);
    }
    if options.wants(Benchmark::Stream) {
        figures.push(stream::run(&pair, &town, rounds).await?);
    }
    pair.stop().await;
    figure::print(&figures, options.json)
}
