//! What goes on beside the calls.

use std::{sync::Arc, time::Duration};

use authorization_core::{
    Authority,
    ports::{Platform, PolicyStore},
};
use tokio::time::sleep;
use tracing::warn;

/// Between two looks. What ran out gives nothing in the meantime; it is only still stored.
const PAUSE: Duration = Duration::from_mins(1);

/// Turns reservations that ran out into tombstones and forgets sessions that expired, for ever.
pub(crate) async fn run<S: PolicyStore, P: Platform>(authority: Arc<Authority<S, P>>) {
    loop {
        let reservations = authority.expire_reservations().await;
        let sessions = authority.forget_expired_sessions().await;
        if let Err(error) = reservations.and(sessions) {
            warn!(%error, "clearing up what ran out failed");
        }
        sleep(PAUSE).await;
    }
}
