//! Waiting for something to become true, with an end.

use std::{future::Future, time::Duration};

use jmap_service::client::channel;
use tokio::time::{Instant, sleep};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

/// Longer than anything takes on a busy machine, also one that stands still for a minute because of its neighbours.
const PATIENCE: Duration = Duration::from_mins(3);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Looks until something is there.
///
/// # Panics
/// When it does not come in time; `what` is told.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, look: impl Fn() -> F) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain for {what}");
        sleep(PAUSE).await;
    }
}

/// Waits until a service says that it serves.
///
/// # Panics
/// When it does not in time.
pub async fn serving(address: &str) {
    let line = channel(address).expect("an address");
    let asked = || async {
        let mut health = HealthClient::new(line.clone());
        let answer = health.check(HealthCheckRequest::default()).await.ok()?;
        (answer.into_inner().status() == ServingStatus::Serving).then_some(())
    };
    eventually("a service that serves", asked).await;
}
