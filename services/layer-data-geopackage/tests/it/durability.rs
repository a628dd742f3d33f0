//! What was answered as done stays done, and a file has one process.

use std::time::Duration;

use jmap_domain::Decision;
use layer_data_core::{
    conformance::{
        actor, batch, creation, done, layer, layers, make_layer, name_of, named, pruning, read_all,
        renaming,
    },
    edit::{EditRefusal, EditResult, ExpectedRevision, PermittedBatch, RequestKey},
    ports::{LayerStore, Removal, StoreError},
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
async fn a_pruning_that_was_cut_short_leaves_whole_states() {
    // The store is dropped as a killed process would drop it.
    let (folder, store) = fresh().await;
    let before = pruning::before_reopening(&store).await;
    drop(store);
    let path = folder.path().join("layers.gpkg");
    let store = GeoPackage::open(&path).await.unwrap();
    pruning::after_reopening(&store, before).await;
}

#[tokio::test]
async fn a_dropped_layer_takes_the_remembered_answers_with_it() {
    // R25.
    let (_folder, store) = fresh().await;
    let request = Some(RequestKey {
        id: [1; 16],
        content: [2; 32],
    });
    let ask = || {
        let edits = vec![creation(1.0, 2.0, named("once"))];
        store.edit(PermittedBatch {
            request,
            ..batch(actor(1), Decision::All, edits)
        })
    };
    make_layer(&store).await;
    ask().await.unwrap();
    store.drop_layer(Removal { layer: layer() }).await.unwrap();
    make_layer(&store).await;
    ask().await.unwrap();
    assert_eq!(read_all(&store).await.len(), 1);
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

#[tokio::test]
async fn an_element_without_a_creator_is_nobodys_own() {
    // R55: neither a missing creator nor an actor 0 opens it.
    let (folder, store) = fresh().await;
    make_layer(&store).await;
    let element = done(&store, creation(1.0, 2.0, named("found")))
        .await
        .element;
    let url = format!("sqlite://{}", folder.path().join("layers.gpkg").display());
    let mut other = sqlx::SqliteConnection::connect(&url).await.unwrap();
    sqlx::query("update l_7 set _created_by = null")
        .execute(&mut other)
        .await
        .unwrap();
    let own = Decision::Own { creator: actor(1) };
    let edits = vec![renaming(element, ExpectedRevision::Any, "taken")];
    let answer = store.edit(batch(actor(1), own, edits)).await.unwrap();
    assert_eq!(
        answer.results,
        [(0, EditResult::Refused(EditRefusal::NotOwn(element)))]
    );
    assert_eq!(read_all(&store).await[0].stamps.created_by, None);
}

#[tokio::test]
async fn hundreds_of_creations_keep_their_order_and_values() {
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    let mut edits: Vec<_> = (0..333)
        .map(|n| creation(f64::from(n) / 2.0, 0.0, named(&n.to_string())))
        .collect();
    let first = layer_data_core::conformance::edit(&store, vec![edits.remove(0)]).await;
    assert_eq!(first.results.len(), 1);
    let answer = layer_data_core::conformance::edit(&store, edits).await;
    assert_eq!(answer.results.len(), 332);
    let elements = read_all(&store).await;
    assert!(
        elements
            .iter()
            .zip(0_u32..)
            .all(|(element, n)| name_of(element) == n.to_string())
    );
    assert_eq!(elements.last().map(|element| element.id.get()), Some(333));
}
