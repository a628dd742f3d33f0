//! The pair on PostgreSQL, beside what the same database does without it: the executables run as processes of their
//! own, in a database of their own on the server of `DATABASE_URL`, which must be on this machine and serve nobody else.

mod batch;
mod cpu;
mod data;
mod edits;
mod feed;
mod imports;
mod layers;
mod pages;
mod peers;
mod pgbench;
mod reads;
mod site;

use crate::{
    figure::Figure,
    options::{Benchmark, Options},
};
use data::Kind;
use site::Site;

/// Measures what the options name.
///
/// # Errors
/// When there is no server or no data, or when the pair does not answer.
pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Figure>> {
    let site = Site::start().await?;
    let mut figures = Vec::new();
    if options.wants_on_postgres(Benchmark::Reads) {
        for kind in [Kind::Points, Kind::Lines] {
            figures.push(reads::run(&site, kind, options.rounds()).await?);
        }
    }
    if options.wants_on_postgres(Benchmark::Pages) {
        figures.extend(pages::run(&site, options.rounds()).await?);
    }
    if options.wants_peers() {
        figures.extend(peers::run(&site, options.rounds()).await?);
    }
    if options.wants_on_postgres(Benchmark::Edits) {
        figures.extend(edits::run(&site, options.rounds()).await?);
    }
    if options.wants_on_postgres(Benchmark::Imports) {
        for kind in [Kind::Points, Kind::Lines] {
            figures.push(imports::run(&site, kind, options.rounds()).await?);
        }
    }
    if options.wants_on_postgres(Benchmark::Batch) {
        figures.push(batch::run(&site, options.rounds()).await?);
    }
    if options.wants_on_postgres(Benchmark::Feed) {
        figures.push(feed::run(&site, options.rounds()).await?);
    }
    if options.wants_on_postgres(Benchmark::Layers) {
        figures.extend(layers::run(&site, options.layers).await?);
    }
    site.stop();
    Ok(figures)
}
