//! What a library of rules is asked, and how it is measured.

use std::time::{Duration, Instant};

use anyhow::ensure;
use peak_alloc::PeakAlloc;

use super::world::{Asked, World};

/// Counts what is allocated; only in a build that compares.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// A library that holds a world and decides.
pub(super) trait Engine {
    /// Whether the user may.
    fn decide(&self, asked: &Asked) -> anyhow::Result<bool>;
}

/// What one engine showed on one world.
#[derive(Clone, Debug, serde::Serialize)]
pub(super) struct Shown {
    /// The engine.
    pub(super) engine: &'static str,
    /// Rows in the permission tables of the world's layers.
    pub(super) grants: usize,
    /// Seconds that it took to load the world.
    pub(super) load_seconds: f64,
    /// Mebibytes that the world takes in its memory.
    pub(super) mebibytes: f64,
    /// Decisions, or answered calls, per second.
    pub(super) per_second: f64,
    /// How many answers were compared with ours, one by one, and were equal.
    pub(super) equal: usize,
}

/// Loads a world into a library, compares its answers with the expected ones and counts decisions.
///
/// # Errors
/// When it cannot be loaded, or answers otherwise than expected.
pub(super) fn measure<E: Engine>(
    engine: &'static str,
    world: &World,
    asked: &[(Asked, bool)],
    load: impl FnOnce(&World) -> anyhow::Result<E>,
) -> anyhow::Result<Shown> {
    let (before, begin) = (MEMORY.current_usage_as_mb(), Instant::now());
    let loaded = load(world)?;
    let load_seconds = begin.elapsed().as_secs_f64();
    let mebibytes = f64::from(MEMORY.current_usage_as_mb() - before);
    let equal = compare(engine, &loaded, asked)?;
    Ok(Shown {
        engine,
        grants: world.grants(),
        load_seconds,
        mebibytes,
        per_second: rate(&loaded, asked)?,
        equal,
    })
}

/// As many answers as a few seconds allow.
fn compare(engine: &str, loaded: &impl Engine, asked: &[(Asked, bool)]) -> anyhow::Result<usize> {
    let end = Instant::now() + Duration::from_secs(5);
    let mut equal = 0;
    for (question, expected) in asked {
        let answer = loaded.decide(question)?;
        ensure!(
            answer == *expected,
            "{engine} answers {question:?} with {answer}"
        );
        equal += 1;
        if Instant::now() > end {
            break;
        }
    }
    Ok(equal)
}

fn rate(loaded: &impl Engine, asked: &[(Asked, bool)]) -> anyhow::Result<f64> {
    let (begin, length) = (Instant::now(), Duration::from_secs(2));
    let mut decided = 0_u32;
    for (question, _) in asked.iter().cycle() {
        loaded.decide(question)?;
        decided += 1;
        if begin.elapsed() > length {
            break;
        }
    }
    Ok(f64::from(decided) / begin.elapsed().as_secs_f64())
}
