//! What goes on beside the calls.

use std::{sync::Arc, time::Duration};

use authorization_core::{
    Authority,
    ports::{Platform, PolicyStore},
};
use tokio::time::sleep;
use tracing::warn;

use crate::AuditTimes;

/// Between two looks. What ran out gives nothing in the meantime; it is only still stored.
const PAUSE: Duration = Duration::from_mins(1);

/// Between two looks whether a commit's end was missed: for that long a right may outlive a change that its maker
/// was never told of.
const STEP: Duration = Duration::from_millis(250);

/// Most and least time between two prunings.
const RARELY: Duration = Duration::from_hours(24);
const OFTEN: Duration = Duration::from_secs(1);

/// Keeps memory and store in step, turns reservations that ran out into tombstones, forgets sessions that expired,
/// writes what was gathered for the audit record, and removes what is too old in history and record, for ever.
pub(crate) async fn run<S: PolicyStore, P: Platform>(
    authority: Arc<Authority<S, P>>,
    history: Option<Duration>,
    audit: AuditTimes,
) {
    tokio::join!(
        keep_in_step(&authority),
        clear_up(&authority, audit.life),
        write_notes(&authority, audit.gather),
        prune(&authority, history),
    );
}

/// Each pruning writes the state at the edge anew, so it waits until there is some more to prune.
async fn prune<S: PolicyStore, P: Platform>(
    authority: &Authority<S, P>,
    history: Option<Duration>,
) {
    let Some(life) = history else { return };
    loop {
        if let Err(error) = authority.prune_history(life).await {
            warn!(%error, "pruning the history failed");
        }
        sleep((life / 32).clamp(OFTEN, RARELY)).await;
    }
}

/// Writes what was gathered since, before the store is closed.
pub(crate) async fn finish<S: PolicyStore, P: Platform>(authority: &Authority<S, P>) {
    if let Err(error) = authority.write_notes().await {
        warn!(%error, "the last refusals could not be recorded");
    }
}

async fn write_notes<S: PolicyStore, P: Platform>(authority: &Authority<S, P>, gather: Duration) {
    loop {
        sleep(gather).await;
        if let Err(error) = authority.write_notes().await {
            warn!(%error, "refusals could not be recorded yet");
        }
    }
}

async fn keep_in_step<S: PolicyStore, P: Platform>(authority: &Authority<S, P>) {
    loop {
        if let Err(error) = authority.keep_in_step().await {
            warn!(%error, "reading the policy again failed");
        }
        sleep(STEP).await;
    }
}

async fn clear_up<S: PolicyStore, P: Platform>(
    authority: &Authority<S, P>,
    life: Option<Duration>,
) {
    loop {
        let reservations = authority.expire_reservations().await;
        let sessions = authority.forget_expired_sessions().await;
        let records = match life {
            Some(life) => authority.prune_records(life).await,
            None => Ok(()),
        };
        if let Err(error) = reservations.and(sessions).and(records) {
            warn!(%error, "clearing up what ran out failed");
        }
        sleep(PAUSE).await;
    }
}
