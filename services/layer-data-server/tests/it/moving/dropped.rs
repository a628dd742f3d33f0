//! What was dropped moves as well.

use fresh_database::FreshDatabase;
use layer_data_core::{conformance::structure, ports::LayerStore};
use layer_data_geopackage::GeoPackage;

use super::{INSTALLATION, file, move_all, path, server};

#[tokio::test(flavor = "multi_thread")]
async fn dropped_attributes_move_there_and_back_and_can_be_restored() {
    // R114, R116.
    let Some(database) = FreshDatabase::create("layers").await else {
        return;
    };
    let [from, back] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    let store = GeoPackage::open(&path(&from)).await.unwrap();
    store.bind_installation(INSTALLATION).await.unwrap();
    structure::before_reopening(&store).await;
    store.close().await;
    drop(store);
    let there = move_all(&file(&from), &server(&database)).await;
    let again = move_all(&server(&database), &file(&back)).await;
    assert_eq!(there, again);
    let store = GeoPackage::open(&path(&back)).await.unwrap();
    structure::after_reopening(&store).await;
}
