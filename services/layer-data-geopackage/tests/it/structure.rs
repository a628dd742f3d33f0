//! Definitions that change beside writers, and over restarts.

use futures::future::join_all;
use layer_data_core::{
    conformance::{layer, make_layer, structure},
    ports::{LayerStore, Removal},
};
use layer_data_geopackage::GeoPackage;

use crate::fixture::fresh;

#[tokio::test]
async fn no_value_slips_in_while_a_rule_is_made() {
    // R105, R114: each edit is done before the change, and looked at, or not done.
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    let store = &store;
    for less in 1..10 {
        let before = structure::current(store).await;
        let edits = structure::writing_integers(&before).into_iter();
        let edits = join_all(edits.map(|batch| store.edit(batch)));
        let change = store.redefine(structure::limiting_integers(&before, less));
        let (answers, changed) = if less % 2 == 0 {
            tokio::join!(edits, change)
        } else {
            let (changed, answers) = tokio::join!(change, edits);
            (answers, changed)
        };
        changed.unwrap();
        structure::no_value_slipped_in(store, answers).await;
        let removal = Removal { layer: layer() };
        store.drop_layer(removal).await.unwrap();
        make_layer(store).await;
    }
}

#[tokio::test]
async fn a_change_lasts_when_the_process_is_killed_after_it() {
    // R114: the store is dropped as a killed process would drop it.
    let (folder, store) = fresh().await;
    structure::before_reopening(&store).await;
    drop(store);
    let store = GeoPackage::open(&folder.path().join("layers.gpkg"))
        .await
        .unwrap();
    structure::after_reopening(&store).await;
}
