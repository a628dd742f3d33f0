//! What the tests start from.

use layer_data_geopackage::GeoPackage;
use tempfile::TempDir;

/// A fresh store in a folder of its own, which goes when it is dropped.
pub(crate) async fn fresh() -> (TempDir, GeoPackage) {
    let folder = tempfile::tempdir().unwrap();
    let store = GeoPackage::open(&folder.path().join("layers.gpkg"))
        .await
        .unwrap();
    (folder, store)
}
