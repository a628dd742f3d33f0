//! Closed-loop load: so many callers, each making its next call when the last one has been answered.

use std::time::{Duration, Instant};

use anyhow::anyhow;
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tonic::Status;

/// What one round of load showed.
#[derive(Debug)]
pub(crate) struct Load {
    /// Answered calls per second.
    pub(crate) rate: f64,
    /// Microseconds of each call.
    pub(crate) latency: Histogram<u64>,
}

impl Load {
    /// What calls with these latencies came to in that time.
    pub(crate) fn over(time: Duration, latency: Histogram<u64>) -> Self {
        Self {
            rate: count(&latency) / time.as_secs_f64(),
            latency,
        }
    }
}

/// Loads with `callers` at a time for `length`.
///
/// # Errors
/// When a call fails: a benchmark of refusals would flatter.
pub(crate) async fn load<C, F>(callers: usize, length: Duration, call: C) -> anyhow::Result<Load>
where
    C: Fn() -> F + Clone + Send + 'static,
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    load_each(vec![call; callers], length).await
}

/// Loads for `length` with callers that each have a call of their own.
///
/// # Errors
/// Like [`load`].
pub(crate) async fn load_each<C, F>(calls: Vec<C>, length: Duration) -> anyhow::Result<Load>
where
    C: Fn() -> F + Send + 'static,
    F: Future<Output = Result<(), Status>> + Send + 'static,
{
    let begin = Instant::now();
    let end = begin + length;
    let tasks = calls
        .into_iter()
        .map(|call| tokio::spawn(caller(end, call)));
    let mut latency = Histogram::new(3)?;
    for histogram in try_join_all(tasks).await? {
        latency.add(histogram?)?;
    }
    Ok(Load::over(begin.elapsed(), latency))
}

async fn caller<F>(end: Instant, call: impl Fn() -> F) -> anyhow::Result<Histogram<u64>>
where
    F: Future<Output = Result<(), Status>>,
{
    let mut latency = Histogram::new(3)?;
    loop {
        let begin = Instant::now();
        if begin >= end {
            return Ok(latency);
        }
        call()
            .await
            .map_err(|status| anyhow!("a call failed: {status}"))?;
        latency.record(u64::try_from(begin.elapsed().as_micros())?)?;
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 calls are made")]
fn count(latency: &Histogram<u64>) -> f64 {
    latency.len() as f64
}

/// A quantile in milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "fewer than 2^53 microseconds pass"
)]
pub(crate) fn millis(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1000.0
}
