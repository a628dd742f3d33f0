//! What was answered as done stays done, a database has one process, and edits that wait together keep apart.

use jmap_domain::Decision;
use jmap_postgres::{LeaseError, SchemaError};
use layer_data_core::{
    conformance::{
        actor, batch, batch_until, creation, done, edit, layers, make_layer, name_of, named,
        pruning, read_all, renaming,
    },
    edit::{EditMode, EditRefusal, EditResult, ExpectedRevision, PermittedBatch},
    ports::{LayerStore, StoreError},
};
use layer_data_postgis::{OpenError, PostGis};
use std::time::{Duration, Instant};

use crate::fixture::{TABLE, connector, fresh, run, scalar};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reopened_database_has_everything_and_reuses_nothing() {
    // R103, R116.
    let Some(fresh) = fresh("reopened").await else {
        return;
    };
    layers::before_reopening(&fresh.store).await;
    fresh.store.close().await;
    drop(fresh.store);
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    layers::after_reopening(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_database_that_was_not_closed_has_everything() {
    // R103, R116: the store is dropped as a killed process would drop it.
    let Some(fresh) = fresh("not_closed").await else {
        return;
    };
    layers::before_reopening(&fresh.store).await;
    drop(fresh.store);
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    layers::after_reopening(&store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_pruning_that_was_cut_short_leaves_whole_states() {
    // The store is dropped as a killed process would drop it.
    let Some(fresh) = fresh("cut_short").await else {
        return;
    };
    let before = pruning::before_reopening(&fresh.store).await;
    drop(fresh.store);
    let store = PostGis::open(&connector(&fresh.database)).await.unwrap();
    pruning::after_reopening(&store, before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_second_process_is_refused_while_the_first_lasts() {
    let Some(fresh) = fresh("second").await else {
        return;
    };
    let second = PostGis::open(&connector(&fresh.database)).await;
    assert!(matches!(
        second,
        Err(OpenError::Lease(LeaseError::InUse(_)))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_store_that_was_taken_over_writes_no_more() {
    let Some(fresh) = fresh("taken_over").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let mut other = fresh.other().await;
    run(
        &mut other,
        "update jmap_catalogue.store set tenure = tenure + 1",
    )
    .await;
    let late = vec![creation(1.0, 2.0, named("late"))];
    let answer = fresh.store.edit(batch(actor(1), Decision::All, late)).await;
    assert!(matches!(answer, Err(StoreError::Unavailable)), "{answer:?}");
    assert_eq!(
        scalar(&mut other, &format!("select count(*) from {TABLE}")).await,
        0
    );
    fresh.store.over().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_database_of_a_newer_version_is_refused() {
    let Some(fresh) = fresh("newer").await else {
        return;
    };
    let mut other = fresh.other().await;
    let newer = "insert into jmap_catalogue._sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'from the future', true, '\\x00', 0)";
    run(&mut other, newer).await;
    let opened = PostGis::open(&connector(&fresh.database)).await;
    assert!(matches!(
        opened,
        Err(OpenError::Schema(SchemaError::Newer(_)))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn edits_that_wait_together_share_a_commit_and_keep_their_own_revisions() {
    let Some(fresh) = fresh("together").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let create = |n: u32| {
        let edits = vec![creation(f64::from(n), 0.0, named(&n.to_string()))];
        fresh.store.edit(batch(actor(1), Decision::All, edits))
    };
    let answers = futures::future::join_all((0..100).map(create)).await;
    let revision = |answer: Result<_, StoreError>| {
        let answer: layer_data_core::edit::StoredAnswer = answer.unwrap();
        match answer.results.as_slice() {
            [(0, EditResult::Done(edited))] => edited.revision.get(),
            other => panic!("not created: {other:?}"),
        }
    };
    let mut revisions: Vec<i64> = answers.into_iter().map(revision).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=100).collect::<Vec<_>>());
    // Those that came while the lane's task had its first turns may have their own.
    let commits = format!("select count(distinct xmin::text) from {TABLE}");
    let commits = scalar(&mut fresh.other().await, &commits).await;
    assert!((1..=10).contains(&commits), "{commits}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_that_wait_together_fail_apart() {
    // R57, R108: of calls in one group, a stale one, an atomic one that has to be undone, a retry and a good one.
    let Some(fresh) = fresh("apart").await else {
        return;
    };
    let store = &fresh.store;
    make_layer(store).await;
    let old = done(store, creation(1.0, 2.0, named("old"))).await;
    let stale = ExpectedRevision::Revision(jmap_domain::DataRevision::default());
    let call = |edits| batch(actor(1), Decision::All, edits);
    let undone = vec![
        creation(9.0, 9.0, named("undone")),
        renaming(old.element, stale, "no"),
    ];
    let partial = PermittedBatch {
        mode: EditMode::Partial,
        ..call(vec![
            renaming(old.element, stale, "no"),
            creation(3.0, 3.0, named("partial")),
        ])
    };
    let (stale, undone, partial, good, again) = tokio::join!(
        store.edit(call(vec![renaming(old.element, stale, "stale")])),
        store.edit(call(undone)),
        store.edit(partial),
        store.edit(call(vec![renaming(
            old.element,
            ExpectedRevision::Any,
            "good"
        )])),
        store.edit(call(vec![renaming(
            old.element,
            ExpectedRevision::Any,
            "again"
        )])),
    );
    let refused = |answer: Result<layer_data_core::edit::StoredAnswer, _>| {
        let results = answer.unwrap().results;
        let is_stale =
            |(_, result): &_| matches!(result, EditResult::Refused(EditRefusal::Stale { .. }));
        results.iter().filter(|result| is_stale(result)).count()
    };
    assert_eq!([stale, undone, partial, good].map(refused), [1, 1, 1, 0]);
    assert_eq!(refused(again), 0);
    let elements = read_all(store).await;
    let names: Vec<_> = elements.iter().map(name_of).collect();
    assert_eq!(names, ["again", "partial"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_permit_that_runs_out_in_the_queue_does_not_hold_up_the_others() {
    // R123.
    let Some(fresh) = fresh("expired").await else {
        return;
    };
    let store = &fresh.store;
    make_layer(store).await;
    let edits = |name: &str| vec![creation(1.0, 2.0, named(name))];
    let soon = Instant::now() + Duration::from_millis(10);
    let late = batch_until(actor(1), Decision::All, edits("late"), soon);
    let (late, good) = tokio::join!(
        store.edit(late),
        store.edit(batch(actor(1), Decision::All, edits("good")))
    );
    assert!(matches!(late, Err(StoreError::PermitExpired)));
    assert!(good.is_ok());
    assert_eq!(read_all(store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_closed_store_answers_unavailable() {
    let Some(fresh) = fresh("closed").await else {
        return;
    };
    make_layer(&fresh.store).await;
    done(&fresh.store, creation(1.0, 2.0, named("x"))).await;
    fresh.store.close().await;
    let edits = vec![creation(1.0, 2.0, named("y"))];
    let answer = fresh
        .store
        .edit(batch(actor(1), Decision::All, edits))
        .await;
    assert!(matches!(answer, Err(StoreError::Unavailable)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_element_without_a_creator_is_nobodys_own() {
    // R55: neither a missing creator nor an actor 0 opens it.
    let Some(fresh) = fresh("nobodys").await else {
        return;
    };
    let store = &fresh.store;
    make_layer(store).await;
    let element = done(store, creation(1.0, 2.0, named("found")))
        .await
        .element;
    let nobodys = format!("update {TABLE} set _created_by = null");
    run(&mut fresh.other().await, &nobodys).await;
    let own = Decision::Own { creator: actor(1) };
    let edits = vec![renaming(element, ExpectedRevision::Any, "taken")];
    let answer = store.edit(batch(actor(1), own, edits)).await.unwrap();
    let refusal = EditResult::Refused(EditRefusal::NotOwn(element));
    assert_eq!(answer.results, [(0, refusal)]);
    assert_eq!(read_all(store).await[0].stamps.created_by, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn hundreds_of_creations_keep_their_order_and_values() {
    // So many at once come by COPY, fewer by lists.
    let Some(fresh) = fresh("hundreds").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let creations = |range: std::ops::Range<u32>| {
        let one = |n: u32| creation(f64::from(n) / 8.0, 0.0, named(&n.to_string()));
        range.map(one).collect::<Vec<_>>()
    };
    edit(&fresh.store, creations(0..50)).await;
    let answer = edit(&fresh.store, creations(50..650)).await;
    assert_eq!(answer.results.len(), 600);
    let elements = read_all(&fresh.store).await;
    assert!(
        elements
            .iter()
            .zip(0_u32..)
            .all(|(element, n)| name_of(element) == n.to_string())
    );
    assert_eq!(elements.last().map(|element| element.id.get()), Some(650));
}
