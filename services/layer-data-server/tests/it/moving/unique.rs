//! What is unique is so at the other place as well.

use fresh_database::FreshDatabase;
use layer_data_core::{
    conformance::{edit, layer, read_all, structure::creation_under, unique::made},
    definition::LayerDefinition,
    edit::{BatchOutcome, Edit},
    ports::LayerStore,
    value::Value,
};
use layer_data_geopackage::GeoPackage;

use super::{INSTALLATION, file, move_all, path, serve, server};

fn creation(definition: &LayerDefinition) -> Edit {
    creation_under(definition, &[("string", Value::text("a").unwrap())])
}

/// The element that has the value, and no second one.
async fn is_unique(store: &impl LayerStore) {
    let definition = store.layer(layer()).await.unwrap().unwrap().definition;
    let answer = edit(store, vec![creation(&definition)]).await;
    assert_eq!(answer.outcome, BatchOutcome::Refused);
    assert_eq!(read_all(store).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unique_attributes_stay_unique_there_and_back() {
    // R105, R116.
    let Some(database) = FreshDatabase::create("layers").await else {
        return;
    };
    let [from, back] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    let store = GeoPackage::open(&path(&from)).await.unwrap();
    store.bind_installation(INSTALLATION).await.unwrap();
    let definition = made(&store).await;
    let answer = edit(&store, vec![creation(&definition)]).await;
    assert_eq!(answer.outcome, BatchOutcome::Committed);
    store.close().await;
    drop(store);
    move_all(&file(&from), &server(&database)).await;
    let there = serve(&database).await.unwrap();
    is_unique(&there).await;
    there.close().await;
    drop(there);
    move_all(&server(&database), &file(&back)).await;
    is_unique(&GeoPackage::open(&path(&back)).await.unwrap()).await;
}
