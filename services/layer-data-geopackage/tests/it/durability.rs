//! What was answered as done stays done, and a file has one process.

use std::time::Duration;

use jmap_domain::Decision;
use layer_data_core::{
    conformance::{actor, batch, creation, done, layers, make_layer, named, read_all},
    edit::EditResult,
    ports::{LayerStore, StoreError},
};
use layer_data_geopackage::{GeoPackage, OpenError};
use sqlx::Connection;

use crate::fixture::fresh;

#[tokio::test]
async fn a_reopened_file_has_everything_and_reuses_nothing() {
    // R103, R116.
    let (folder, store) = fresh().await;
    layers::before_reopening(&store).await;
    store.close().await;
    drop(store);
    let store = GeoPackage::open(&folder.path().join("layers.gpkg"))
        .await
        .unwrap();
    layers::after_reopening(&store).await;
}

#[tokio::test]
async fn a_file_that_was_not_closed_has_everything() {
    // R103, R116: the store is dropped as a killed process would drop it.
    let (folder, store) = fresh().await;
    layers::before_reopening(&store).await;
    drop(store);
    let store = GeoPackage::open(&folder.path().join("layers.gpkg"))
        .await
        .unwrap();
    layers::after_reopening(&store).await;
}

#[tokio::test]
async fn a_second_opening_is_refused_while_the_first_lasts() {
    let (folder, store) = fresh().await;
    let path = folder.path().join("layers.gpkg");
    assert!(matches!(
        GeoPackage::open(&path).await,
        Err(OpenError::InUse(_))
    ));
    drop(store);
    assert!(GeoPackage::open(&path).await.is_ok());
}

#[tokio::test]
async fn a_store_that_was_taken_over_writes_no_more() {
    let (folder, store) = fresh().await;
    make_layer(&store).await;
    let url = format!("sqlite://{}", folder.path().join("layers.gpkg").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("update _jmap_store set epoch = epoch + 1")
        .execute(&mut other)
        .await
        .unwrap();
    let answer = store
        .edit(batch(
            actor(1),
            Decision::All,
            vec![creation(1.0, 2.0, named("late"))],
        ))
        .await;
    assert!(matches!(answer, Err(StoreError::Unavailable)));
    assert!(read_all(&store).await.is_empty());
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_refused() {
    let (folder, store) = fresh().await;
    store.close().await;
    drop(store);
    let path = folder.path().join("layers.gpkg");
    let url = format!("sqlite://{}", path.display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let newer =
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
                 values (9999, 'from the future', true, x'00', 0)";
    sqlx::query(newer).execute(&mut other).await.unwrap();
    assert!(matches!(
        GeoPackage::open(&path).await,
        Err(OpenError::NewerThanCode)
    ));
}

#[tokio::test]
async fn edits_that_wait_together_keep_their_own_revisions() {
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    let create = |n: u32| {
        let edits = vec![creation(f64::from(n), 0.0, named(&n.to_string()))];
        store.edit(batch(actor(1), Decision::All, edits))
    };
    let answers = futures::future::join_all((0..100).map(create)).await;
    let mut revisions: Vec<i64> = answers
        .into_iter()
        .map(|answer| match answer.unwrap().results.as_slice() {
            [(0, EditResult::Done(edited))] => edited.revision.get(),
            other => panic!("not created: {other:?}"),
        })
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_permit_that_runs_out_in_the_queue_does_not_hold_up_the_others() {
    // R123.
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    let edits = |name: &str| vec![creation(1.0, 2.0, named(name))];
    let soon = std::time::Instant::now() + Duration::from_millis(10);
    let late =
        layer_data_core::conformance::batch_until(actor(1), Decision::All, edits("late"), soon);
    let (late, good) = tokio::join!(
        store.edit(late),
        store.edit(batch(actor(1), Decision::All, edits("good")))
    );
    assert!(matches!(late, Err(StoreError::PermitExpired)));
    assert!(good.is_ok());
    assert_eq!(read_all(&store).await.len(), 1);
}

#[tokio::test]
async fn a_closed_store_answers_unavailable() {
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    done(&store, creation(1.0, 2.0, named("x"))).await;
    store.close().await;
    let answer = store
        .edit(batch(
            actor(1),
            Decision::All,
            vec![creation(1.0, 2.0, named("y"))],
        ))
        .await;
    assert!(matches!(answer, Err(StoreError::Unavailable)));
}
