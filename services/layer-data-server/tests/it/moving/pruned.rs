//! A layer whose history was pruned moves with what is left of it, and with where it begins.

use fresh_database::FreshDatabase;
use layer_data_core::{
    conformance::{layer, pruning},
    ports::LayerStore,
};
use layer_data_geopackage::GeoPackage;

use super::{INSTALLATION, destination, file, move_all, path, serve, server, source};

#[tokio::test(flavor = "multi_thread")]
async fn a_pruned_history_moves_there_and_back_and_is_pruned_on() {
    // R116.
    let Some(database) = FreshDatabase::create("layers").await else {
        return;
    };
    let [from, back] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    let store = GeoPackage::open(&path(&from)).await.unwrap();
    store.bind_installation(INSTALLATION).await.unwrap();
    let before = pruning::before_reopening(&store).await;
    store.close().await;
    drop(store);
    let there = move_all(&file(&from), &server(&database)).await;
    let again = move_all(&server(&database), &file(&back)).await;
    assert_eq!(there, again);
    let store = GeoPackage::open(&path(&back)).await.unwrap();
    pruning::after_reopening(&store, before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_pruned_between_two_tries_is_not_at_the_destination() {
    // R116.
    let Some(database) = FreshDatabase::create("layers").await else {
        return;
    };
    let from = tempfile::tempdir().unwrap();
    let store = GeoPackage::open(&path(&from)).await.unwrap();
    store.bind_installation(INSTALLATION).await.unwrap();
    pruning::before_reopening(&store).await;
    store.close().await;
    drop(store);
    let (source_end, destination_end) = (
        source(&file(&from)).await,
        destination(&server(&database)).await,
    );
    let copied = destination_end.copy_from(&source_end, |_| {}).await;
    copied.unwrap();
    destination_end.close().await;
    source_end.close().await;
    // The source is served again, and forgets a little more.
    let store = GeoPackage::open(&path(&from)).await.unwrap();
    assert_eq!(pruning::prune(&store, 1).await.versions, 1);
    let start = store.layer(layer()).await.unwrap().unwrap().history;
    store.close().await;
    drop(store);
    move_all(&file(&from), &server(&database)).await;
    let moved = serve(&database).await.unwrap();
    assert_eq!(moved.layer(layer()).await.unwrap().unwrap().history, start);
}
