//! What the command line asks for.

use std::time::Duration;

use clap::{Parser, ValueEnum};

/// Measures the pair beside its floors
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  bench                 everything that needs no server, as a table\n  bench postgres        everything on the server of DATABASE_URL\n  bench check --json    one benchmark, for programs\n\n\
                  On PostgreSQL: once tests/bench/data.sh, then\n  tests/postgres.sh cargo run --release -p bench -- postgres\n\
                  Beside other servers: once tests/bench/peers.sh, then\n  tests/postgres.sh cargo run --release -p bench -- peers\n\
                  Beside other engines: once tests/bench/cerbos.sh, then\n  cargo run --release -p bench --features rivals -- rivals"
)]
pub(crate) struct Options {
    /// What to measure; everything that needs no server when left out
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
    /// How many layers to make in the benchmark of many layers
    #[arg(long, default_value_t = 10_000)]
    pub(crate) layers: usize,
}

/// A benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Benchmark {
    /// Checks over loopback, beside an empty unary call with messages of the same size
    Check,
    /// Checks on one stream, beside an empty stream service with messages of the same size
    Line,
    /// Effective permissions on 1,000 and 10,000 layers in one call, beside an empty one with the same answer
    Flags,
    /// 1,000 points by box with the permission question, beside the same SQL
    Stream,
    /// The rules beside Cedar, Casbin and Cerbos
    #[cfg(feature = "rivals")]
    Rivals,
    /// All that follow
    Postgres,
    /// 1,000 points and 1,000 lines by box, beside the same SQL
    Reads,
    /// A filtered and sorted page, the first and one at depth 200,000, and one element by id, beside the same SQL
    Pages,
    /// 1,000 points by box beside pygeoapi and mapserv on the same table; only when it is named
    Peers,
    /// Single edits on 16 layers and on one, beside pgbench
    Edits,
    /// Imports of all points and of all lines, beside COPY
    Imports,
    /// 1,000 creates in one call
    Batch,
    /// Single edits, each told to 100 watchers
    Feed,
    /// Thousands of layers in one database
    Layers,
}

const EMBEDDED: [Benchmark; 4] = [
    Benchmark::Check,
    Benchmark::Line,
    Benchmark::Flags,
    Benchmark::Stream,
];

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

    /// Whether a benchmark on embedded storage is to be run; all are, unless some are named.
    pub(crate) fn wants(&self, what: Benchmark) -> bool {
        self.what.is_empty() || self.what.contains(&what)
    }

    /// Whether a benchmark on PostgreSQL is to be run: those are only when they are named.
    pub(crate) fn wants_on_postgres(&self, what: Benchmark) -> bool {
        self.what.contains(&Benchmark::Postgres) || self.what.contains(&what)
    }

    /// Whether other servers are to be measured: they have to be installed first.
    pub(crate) fn wants_peers(&self) -> bool {
        self.what.contains(&Benchmark::Peers)
    }

    /// Whether anything on embedded storage is to be run.
    pub(crate) fn wants_embedded(&self) -> bool {
        EMBEDDED.into_iter().any(|what| self.wants(what))
    }

    /// Whether anything on PostgreSQL is to be run.
    pub(crate) fn wants_postgres(&self) -> bool {
        let elsewhere = |what: &&Benchmark| !EMBEDDED.contains(what) && !is_rivals(**what);
        self.what.iter().any(|what| elsewhere(&what))
    }

    /// Whether other engines are to be measured: only when they are named.
    #[cfg(feature = "rivals")]
    pub(crate) fn wants_rivals(&self) -> bool {
        self.what.contains(&Benchmark::Rivals)
    }
}

#[cfg(feature = "rivals")]
fn is_rivals(what: Benchmark) -> bool {
    what == Benchmark::Rivals
}

#[cfg(not(feature = "rivals"))]
const fn is_rivals(_: Benchmark) -> bool {
    false
}
