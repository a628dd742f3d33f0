//! Bad moments, really caused: sessions that end, locks that others hold, callers that go, answers that are lost.

use std::time::{Duration, Instant};

use fresh_database::{Cut, CuttingProxy};
use jmap_domain::{Decision, ElementId, LayerId};
use jmap_postgres::DatabaseOptions;
use layer_data_core::{
    conformance::{
        actor, batch, creation, definition, done, later, layer, make_layer, name_of, named, query,
        read_all, renaming, revision, rows,
    },
    edit::{
        BatchOutcome, Edit, ExpectedRevision, PermittedBatch, PermittedEdit, RequestKey,
        StoredAnswer,
    },
    permit::{Permit, Validity},
    ports::{LayerStore, NewLayer, Removal, StoreError},
    query::SelectionInput,
};
use layer_data_postgis::PostGis;
use sqlx::PgConnection;

use crate::fixture::{Fresh, TABLE, connector_with, fresh, run, scalar};

/// Longer than anything here takes on a slow machine.
const LONG: Duration = Duration::from_secs(30);

fn naming(name: &str) -> PermittedBatch {
    batch(
        actor(1),
        Decision::All,
        vec![creation(1.0, 2.0, named(name))],
    )
}

fn named_by(id: u8, name: &str) -> PermittedBatch {
    let request = Some(RequestKey {
        id: [id; 16],
        content: [id; 32],
    });
    PermittedBatch {
        request,
        ..naming(name)
    }
}

/// Waits until a count becomes what is expected.
async fn until(connection: &mut PgConnection, statement: &str, expected: i64) {
    let begun = Instant::now();
    while scalar(connection, statement).await != expected {
        assert!(begun.elapsed() < LONG, "{statement} is not {expected}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Tries until the store is there again.
async fn until_done(store: &PostGis, edit: impl Fn() -> PermittedBatch) -> StoredAnswer {
    let begun = Instant::now();
    loop {
        match store.edit(edit()).await {
            Ok(answer) => return answer,
            Err(error) => assert!(begun.elapsed() < LONG, "never works again: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const WAITING: &str = "select count(*) from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'";

/// A fresh store with the suite's layer, and a session of somebody else who has locked the layer's table.
async fn locked(name: &str, mode: &str) -> Option<(Fresh, PgConnection)> {
    let fresh = fresh(name).await?;
    make_layer(&fresh.store).await;
    let mut other = fresh.other().await;
    let lock = format!("begin; lock table {TABLE} in {mode} mode");
    run(&mut other, &lock).await;
    Some((fresh, other))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_session_that_ends_in_the_middle_of_a_group_does_none_of_it() {
    let Some((fresh, mut other)) = locked("terminated", "exclusive").await else {
        return;
    };
    let edits = (0..10).map(|n: u32| fresh.store.edit(naming(&n.to_string())));
    let mut edits = std::pin::pin!(futures::future::join_all(edits));
    let mut aside = fresh.other().await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and wait_event_type = 'Lock'";
    // The first edit may be a group of its own, and the others the next.
    let answers = loop {
        tokio::select! {
            answers = &mut edits => break answers,
            () = run(&mut aside, end) => (),
        }
    };
    let is_unavailable = |answer: &_| matches!(answer, Err(StoreError::Unavailable));
    assert!(answers.iter().all(is_unavailable), "{answers:?}");
    run(&mut other, "rollback").await;
    assert!(read_all(&fresh.store).await.is_empty());
    let edited = done(&fresh.store, creation(1.0, 2.0, named("after"))).await;
    assert_eq!((edited.element.get(), edited.revision.get()), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lock_of_somebody_else_holds_up_its_layer_for_a_moment_and_no_other() {
    let Some((fresh, mut other)) = locked("lock", "exclusive").await else {
        return;
    };
    let begun = Instant::now();
    let held_up = fresh.store.edit(naming("held up")).await;
    assert!(
        matches!(held_up, Err(StoreError::Overloaded)),
        "{held_up:?}"
    );
    assert!(begun.elapsed() < LONG);
    let removal = Removal { layer: layer() };
    let dropped = fresh.store.drop_layer(removal).await;
    assert!(
        matches!(dropped, Err(StoreError::Overloaded)),
        "{dropped:?}"
    );
    // Readers do not wait for that lock, and the layer is still there.
    assert!(read_all(&fresh.store).await.is_empty());
    let next = NewLayer {
        layer: LayerId::new(8).unwrap(),
        label: "next door".to_owned(),
        definition: definition(),
    };
    fresh.store.create_layer(next).await.unwrap();
    run(&mut other, "rollback").await;
    done(&fresh.store, creation(1.0, 2.0, named("free"))).await;
    fresh.store.drop_layer(removal).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_read_whose_caller_has_gone_ends_in_the_database() {
    let options = DatabaseOptions {
        database_lock_timeout: LONG,
        ..DatabaseOptions::default()
    };
    let Some(fresh) = Fresh::with("gone", &options).await else {
        return;
    };
    make_layer(&fresh.store).await;
    let mut other = fresh.other().await;
    let lock = format!("begin; lock table {TABLE} in access exclusive mode");
    run(&mut other, &lock).await;
    let mut aside = fresh.other().await;
    let query = query(SelectionInput::default())
        .check(&definition())
        .unwrap();
    let begun = Instant::now();
    tokio::select! {
        answer = fresh.store.read(&query, None, rows(1), later()) => panic!("answered: {answer:?}"),
        () = until(&mut aside, WAITING, 1) => {}
    }
    until(&mut aside, WAITING, 0).await;
    assert!(begun.elapsed() < LONG / 2, "only the lock timeout ended it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_whose_answer_was_lost_is_found_by_its_request_id() {
    // R109: neither lost nor done twice.
    for cut in [Cut::After, Cut::Before] {
        let Some((fresh, proxy)) = behind_a_proxy("answer_lost").await else {
            return;
        };
        make_layer(&fresh.store).await;
        proxy.cut_next_commit(cut);
        let lost = fresh.store.edit(named_by(1, "once")).await;
        assert!(matches!(lost, Err(StoreError::Unavailable)), "{lost:?}");
        assert!(proxy.has_cut());
        let answer = until_done(&fresh.store, || named_by(1, "once")).await;
        assert_eq!(answer.results.len(), 1);
        let next = done(&fresh.store, creation(3.0, 4.0, named("next"))).await;
        let elements = read_all(&fresh.store).await;
        assert_eq!(
            elements.iter().map(name_of).collect::<Vec<_>>(),
            ["once", "next"]
        );
        assert_eq!(next.revision, revision(&fresh.store).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_that_is_still_on_its_way_is_not_done_twice() {
    // R109.
    let Some((fresh, proxy)) = behind_a_proxy("answer_held").await else {
        return;
    };
    make_layer(&fresh.store).await;
    proxy.cut_next_commit(Cut::Held);
    let lost = fresh.store.edit(named_by(1, "once")).await;
    assert!(matches!(lost, Err(StoreError::Unavailable)), "{lost:?}");
    let mut aside = fresh.other().await;
    let (answer, ()) = tokio::join!(until_done(&fresh.store, || named_by(1, "once")), async {
        until(&mut aside, WAITING, 1).await;
        proxy.release();
    });
    assert_eq!(answer.results.len(), 1);
    assert_eq!(read_all(&fresh.store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sessions_that_the_database_ended_are_replaced() {
    // As after a crash of the database: every session is gone, the lease's as well.
    let Some(fresh) = fresh("ended").await else {
        return;
    };
    make_layer(&fresh.store).await;
    done(&fresh.store, creation(1.0, 2.0, named("before"))).await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity
               where datname = current_database() and pid <> pg_backend_pid()";
    run(&mut fresh.other().await, end).await;
    until_done(&fresh.store, || named_by(1, "after")).await;
    // The lease may be noticed to be lost only now.
    let begun = Instant::now();
    let query = query(SelectionInput::default())
        .check(&definition())
        .unwrap();
    let chunk = loop {
        match fresh.store.read(&query, None, rows(9), later()).await {
            Ok(chunk) => break chunk,
            Err(error) => assert!(begun.elapsed() < LONG, "never reads again: {error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(
        chunk.elements.iter().map(name_of).collect::<Vec<_>>(),
        ["before", "after"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_change_that_the_catalogue_does_not_expect_is_not_overwritten() {
    // Nobody but a process of another tenure could do that; the counters notice it.
    let Some(fresh) = fresh("counters").await else {
        return;
    };
    make_layer(&fresh.store).await;
    done(&fresh.store, creation(1.0, 2.0, named("a"))).await;
    let raise = "update jmap_catalogue.counters set revision = 10, next_element = 20";
    run(&mut fresh.other().await, raise).await;
    let edited = done(&fresh.store, creation(1.0, 2.0, named("b"))).await;
    assert_eq!((edited.element.get(), edited.revision.get()), (20, 11));
    done(
        &fresh.store,
        renaming(edited.element, ExpectedRevision::Any, "c"),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn more_than_the_queue_holds_is_refused_at_once() {
    let Some((fresh, mut other)) = locked("overload", "exclusive").await else {
        return;
    };
    let edits = (0..1_100).map(|n: u32| fresh.store.edit(naming(&n.to_string())));
    let answers = futures::future::join_all(edits);
    let mut aside = fresh.other().await;
    let (answers, ()) = tokio::join!(answers, async {
        until(&mut aside, WAITING, 1).await;
        run(&mut other, "rollback").await;
    });
    let refused = answers
        .iter()
        .filter(|answer| matches!(answer, Err(StoreError::Overloaded)));
    assert_eq!(refused.count(), 1_100 - 1_024);
    assert_eq!(read_all(&fresh.store).await.len(), 1_024);
}

async fn behind_a_proxy(name: &str) -> Option<(Fresh, CuttingProxy)> {
    let database = fresh_database::FreshDatabase::create(name).await?;
    let proxy = CuttingProxy::before(&database.url()).await;
    let url = proxy.url(&database.url());
    let connector = connector_with(&url, &DatabaseOptions::default());
    let store = PostGis::open(&connector).await.unwrap();
    Some((Fresh { store, database }, proxy))
}

/// A call of edits on two layers.
fn on_both(edits: [(i64, Edit); 3]) -> PermittedBatch {
    let validity = Validity {
        actor: actor(1),
        until: Instant::now() + LONG,
    };
    let permitted = (0..).zip(edits).map(|(index, (id, edit))| {
        let (layer, permission) = (LayerId::new(id).unwrap(), edit.permission());
        let permit = Permit::from_decision(layer, permission, Decision::All, validity).unwrap();
        PermittedEdit::new(index, permit, edit).unwrap()
    });
    PermittedBatch {
        edits: permitted.collect(),
        ..naming("")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_on_two_layers_is_done_on_both_or_on_none() {
    // R109.
    let Some(fresh) = fresh("two_layers").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let next = NewLayer {
        layer: LayerId::new(8).unwrap(),
        label: "next door".to_owned(),
        definition: definition(),
    };
    fresh.store.create_layer(next).await.unwrap();
    let new = |name| creation(1.0, 2.0, named(name));
    let id = ElementId::new(9).unwrap();
    let no_such = renaming(id, ExpectedRevision::Any, "nobody");
    let refused = on_both([(8, new("a")), (7, new("b")), (7, no_such)]);
    let answer = fresh.store.edit(refused).await.unwrap();
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    let count = format!(
        "select (select count(*) from {TABLE}) + (select count(*) from jmap_layers_40.l_8)"
    );
    let mut other = fresh.other().await;
    assert_eq!(scalar(&mut other, &count).await, 0);
    let answer = fresh
        .store
        .edit(on_both([(8, new("a")), (7, new("b")), (8, new("c"))]));
    assert_eq!(answer.await.unwrap().outcome, BatchOutcome::Committed);
    assert_eq!(scalar(&mut other, &count).await, 3);
}
