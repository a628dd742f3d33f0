//! Benchmarks of the running pair, each beside its floor, measured in turn in the same run.
//!
//! `cargo run --release -p bench` prints a table; `--json` prints one object per figure and line. For the figures on
//! PostgreSQL, once `tests/bench/data.sh`, then `tests/postgres.sh cargo run --release -p bench -- postgres`.

mod check;
mod figure;
mod load;
mod options;
mod postgres;
mod stream;
mod town;

use clap::Parser;
use testkit::Pair;

use crate::{
    figure::Figure,
    options::{Benchmark, Options},
};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut figures = Vec::new();
    if options.wants_embedded() {
        figures.extend(embedded(&options).await?);
    }
    if options.wants_postgres() {
        figures.extend(postgres::run(&options).await?);
    }
    figure::print(&figures, options.json)
}

async fn embedded(options: &Options) -> anyhow::Result<Vec<Figure>> {
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
    Ok(figures)
}
