//! Reads that nobody waits for, and reads whose time is up, end in the engine as well.

use std::time::{Duration, Instant};

use jmap_domain::ElementId;
use layer_data_core::{
    conformance::{conditions, later, query, read, rows},
    ports::{LayerStore, StoreError},
    query::SelectionInput,
};

use crate::fixture::fresh;

/// More than there are connections.
const READS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_nobody_waits_for_ends() {
    let (_folder, store) = fresh().await;
    let long = conditions::that_takes_long(&store).await;
    let soon = Duration::from_millis(500);
    let reads = (0..READS).map(|_| {
        let read = store.read(&long, None, rows(1), later());
        tokio::time::timeout(soon, read)
    });
    let answers = futures::future::join_all(reads).await;
    assert!(answers.iter().all(Result::is_err), "all are given up");
    // Every connection was taken by one of them, and would be for minutes.
    let begun = Instant::now();
    let ids = SelectionInput {
        ids: Some(vec![ElementId::new(1).unwrap()]),
        ..SelectionInput::default()
    };
    assert_eq!(read(&store, query(ids), rows(1)).await.len(), 1);
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_ends_at_its_deadline() {
    let (_folder, store) = fresh().await;
    let long = conditions::that_takes_long(&store).await;
    let begun = Instant::now();
    let deadline = begun + Duration::from_millis(50);
    let answer = store.read(&long, None, rows(1), deadline).await;
    assert!(
        matches!(answer, Err(StoreError::Unexpected(_))),
        "{answer:?}"
    );
    let counted = store.summarize(&long, deadline).await;
    assert!(
        matches!(counted, Err(StoreError::Unexpected(_))),
        "{counted:?}"
    );
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "{:?}",
        begun.elapsed()
    );
}
