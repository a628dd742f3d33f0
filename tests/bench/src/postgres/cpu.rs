//! Processor time, as Linux tells it of each process.

use std::{
    fs,
    ops::Sub,
    time::{Duration, Instant},
};

use anyhow::Context;
use testkit::Executables;

/// Linux tells times in hundredths of a second, whatever it counts in.
const TICKS_PER_MILLI: f64 = 0.1;

/// Processor time that was used so far, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// By both services.
    pub(crate) services: f64,
    /// By all processes of the database server.
    pub(crate) database: f64,
    /// By this program.
    pub(crate) ourselves: f64,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, before: Self) -> Self {
        Self {
            services: self.services - before.services,
            database: self.database - before.database,
            ourselves: self.ourselves - before.ourselves,
        }
    }
}

/// Reads the usage.
#[derive(Debug)]
pub(crate) struct Meter {
    services: [u32; 2],
    postmaster: u32,
}

impl Meter {
    /// A meter of a pair, and of the database server that started a process.
    ///
    /// # Errors
    /// When the server is not on this machine.
    pub(crate) fn new(pair: &Executables, backend: u32) -> anyhow::Result<Self> {
        let backend = Process::read(backend).context("the server must be on this machine")?;
        Ok(Self {
            services: [pair.authorization.id(), pair.layer_data.id()],
            postmaster: backend.parent,
        })
    }

    /// What was used so far.
    ///
    /// # Errors
    /// When one of the processes has ended.
    pub(crate) fn read(&self) -> anyhow::Result<Usage> {
        let mut services = 0.0;
        for service in self.services {
            services += Process::read(service)?.own;
        }
        let postmaster = Process::read(self.postmaster)?;
        let running: f64 = self.backends()?.iter().map(|backend| backend.own).sum();
        Ok(Usage {
            services,
            database: postmaster.own + postmaster.ended_children + running,
            ourselves: Process::read(std::process::id())?.own,
        })
    }

    fn backends(&self) -> anyhow::Result<Vec<Process>> {
        let mut backends = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Processes end while they are looked at.
            let process = Process::read(id).ok();
            backends.extend(process.filter(|process| process.parent == self.postmaster));
        }
        Ok(backends)
    }
}

/// Calls one after the other, and what each took on average.
pub(crate) struct Turn<'a> {
    meter: &'a Meter,
    before: Usage,
    began: Instant,
    calls: usize,
}

impl<'a> Turn<'a> {
    /// Begins with the first call.
    ///
    /// # Errors
    /// When one of the processes has ended.
    pub(crate) fn begin(meter: &'a Meter) -> anyhow::Result<Self> {
        Ok(Self {
            meter,
            before: meter.read()?,
            began: Instant::now(),
            calls: 0,
        })
    }

    /// How long the calls have been going.
    pub(crate) fn lasted(&self) -> Duration {
        self.began.elapsed()
    }

    /// One more call, and which it is.
    pub(crate) const fn count(&mut self) -> usize {
        self.calls += 1;
        self.calls
    }

    /// What a call used.
    ///
    /// # Errors
    /// When one of the processes has ended.
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 calls are made")]
    pub(crate) fn end(self) -> anyhow::Result<Usage> {
        let used = self.meter.read()? - self.before;
        let calls = self.calls as f64;
        Ok(Usage {
            services: used.services / calls,
            database: used.database / calls,
            ourselves: used.ourselves / calls,
        })
    }
}

/// What Linux tells of a process; times in milliseconds.
struct Process {
    parent: u32,
    own: f64,
    ended_children: f64,
}

impl Process {
    fn read(id: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))
            .with_context(|| format!("look at process {id}"))?;
        // The name in parentheses may have anything in it; the third field comes after it.
        let (_, fields) = stat.rsplit_once(')').context("a process without a name")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3).context("a field is missing");
        let millis = |number: usize| -> anyhow::Result<f64> {
            Ok(field(number)?.parse::<f64>()? / TICKS_PER_MILLI)
        };
        Ok(Self {
            parent: field(4)?.parse()?,
            own: millis(14)? + millis(15)?,
            ended_children: millis(16)? + millis(17)?,
        })
    }
}

/// The memory that a process shares with nobody, in KiB; none when it has ended.
pub(crate) fn own_memory(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
