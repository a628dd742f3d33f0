//! Unique attributes have an index on the elements, and none on the versions (R105, R114).

use layer_data_core::{
    conformance::structure::redefined,
    conformance::unique::{made, uniqueness},
    definition::DefinitionChange,
};
use layer_data_geopackage::GeoPackage;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::fixture::fresh;

/// The tables with a unique index of an attribute.
async fn indexed(folder: &TempDir) -> Vec<String> {
    let url = format!("sqlite://{}", folder.path().join("layers.gpkg").display());
    let mut database = SqliteConnection::connect(&url).await.unwrap();
    let indexes = "select tbl_name from sqlite_schema where type = 'index' and sql like 'create unique index%'";
    let tables = sqlx::query_scalar(indexes).fetch_all(&mut database).await;
    tables.unwrap()
}

#[tokio::test]
async fn an_attribute_has_an_index_as_long_as_it_is_unique() {
    let (folder, store) = fresh().await;
    let unique = made(&store).await;
    assert_eq!(indexed(&folder).await, ["l_7"]);
    let attribute = unique.unique().next().unwrap().1.id;
    let steps = [
        (uniqueness(false), 0),
        (uniqueness(true), 1),
        (DefinitionChange::Drop(attribute), 0),
        (DefinitionChange::Restore(attribute), 1),
    ];
    for (change, count) in steps {
        redefined(&store, vec![change]).await;
        assert_eq!(indexed(&folder).await.len(), count);
    }
    drop(store);
    let path = folder.path().join("layers.gpkg");
    GeoPackage::open(&path).await.unwrap().close().await;
    assert_eq!(indexed(&folder).await, ["l_7"]);
}
