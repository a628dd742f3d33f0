//! Filters that would run for long end in the database: at their deadline, and when nobody waits for them any more.

use std::time::{Duration, Instant};

use layer_data_core::{
    conformance::{conditions, later, rows},
    ports::LayerStore,
};

use crate::fixture::{fresh, scalar};

const FILTERING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and state = 'active' and query like '%strpos(%'
    and pid <> pg_backend_pid()";
/// Less than the filter takes, and more than the database needs to notice.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_filter_whose_caller_has_gone_ends_in_the_database() {
    let Some(fresh) = fresh("filter_gone").await else {
        return;
    };
    let long = conditions::that_takes_long(&fresh.store).await;
    let mut aside = fresh.other().await;
    tokio::select! {
        answer = fresh.store.read(&long, None, rows(1), later()) => panic!("answered: {answer:?}"),
        () = async { while scalar(&mut aside, FILTERING).await == 0 {} } => {}
    }
    let gone = Instant::now();
    while scalar(&mut aside, FILTERING).await > 0 {
        assert!(gone.elapsed() < SOON, "it goes on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_filter_ends_in_the_database_at_its_deadline() {
    let Some(fresh) = fresh("filter_late").await else {
        return;
    };
    let long = conditions::that_takes_long(&fresh.store).await;
    let mut aside = fresh.other().await;
    let deadline = Instant::now() + Duration::from_millis(300);
    let answer = fresh.store.read(&long, None, rows(1), deadline).await;
    assert!(answer.is_err(), "{answer:?}");
    while scalar(&mut aside, FILTERING).await > 0 {
        assert!(deadline.elapsed() < SOON, "it goes on");
    }
}
