//! The figures on the embedded storage.

use testkit::Pair;

use crate::{
    check,
    figure::Figure,
    flags, line,
    options::{Benchmark, Options},
    stream, town,
};

/// Measures what the command line asks for.
///
/// # Errors
/// When the pair or a floor does not answer.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let rounds = options.rounds();
    let pair = Pair::start().await;
    let town = town::build(&pair).await?;
    let mut figures = Vec::new();
    if options.wants(Benchmark::Check) {
        figures.extend(check::run(&town, rounds).await?);
    }
    if options.wants(Benchmark::Line) {
        figures.push(line::run(&pair, &town, rounds).await?);
    }
    if options.wants(Benchmark::Flags) {
        figures.extend(flags::run(rounds).await?);
    }
    if options.wants(Benchmark::Stream) {
        figures.push(stream::run(&pair, &town, rounds).await?);
    }
    pair.stop().await;
    Ok(figures)
}
