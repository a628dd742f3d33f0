//! A file that is older than history is kept.

use layer_data_core::conformance::history;
use layer_data_geopackage::GeoPackage;
use sqlx::{Connection, SqliteConnection, raw_sql};

use crate::fixture::fresh;

/// Makes the file what it was before its migration, but for columns that are empty then.
const TAKE_AWAY: &str = "drop table h_7;
    delete from gpkg_extensions where table_name = 'h_7';
    update _jmap_layer set history_from = null, history_since = null, edit_time = 0;";

#[tokio::test]
async fn the_history_of_older_layers_begins_with_the_opening() {
    let (folder, store) = fresh().await;
    let made = history::before_history(&store).await;
    store.close().await;
    drop(store);
    let path = folder.path().join("layers.gpkg");
    let url = format!("sqlite://{}", path.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    raw_sql(TAKE_AWAY).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let store = GeoPackage::open(&path).await.unwrap();
    history::after_history_began(&store, made).await;
}
