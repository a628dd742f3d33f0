//! Benchmarks of the running pair, each beside its floor, measured in turn in the same run: `--help` lists them, and the
//! README says what the ones on PostgreSQL and the other engines need. `--json` prints one object per figure and line.

mod check;
mod embedded;
mod empty;
mod figure;
mod flags;
mod line;
mod load;
mod options;
mod postgres;
#[cfg(feature = "rivals")]
mod rivals;
mod stream;
mod town;

use clap::Parser;

use crate::options::Options;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut figures = Vec::new();
    if options.wants_embedded() {
        figures.extend(embedded::run(&options).await?);
    }
    if options.wants_postgres() {
        figures.extend(postgres::run(&options).await?);
    }
    figure::print(&figures, options.json)?;
    #[cfg(feature = "rivals")]
    if options.wants_rivals() {
        rivals::run(options.json).await?;
    }
    Ok(())
}
