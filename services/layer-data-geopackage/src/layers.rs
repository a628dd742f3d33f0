//! Making and removing the storage of layers, and telling GeoPackage's own tables about it.

use std::sync::Arc;

use jmap_domain::DataRevision;
use layer_data_core::{
    definition::ZPolicy,
    ports::{NewLayer, Removal, StoreError, StoredLayer},
    value::DateTime,
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    error::{store_error, unexpected},
    store::Layer,
    table::Table,
    writer::{State, confirm_epoch},
};

pub(crate) async fn create(state: &mut State, new: NewLayer) -> Result<StoredLayer, StoreError> {
    let NewLayer {
        layer: id,
        label,
        definition,
    } = new;
    let json = definition.to_json().map_err(unexpected)?;
    if let Some((layer, revision)) = state.catalogue().find(id) {
        let known = layer.definition.to_json().map_err(unexpected)?;
        return if known == json {
            Ok(layer.stored(revision))
        } else {
            Err(StoreError::LayerExists(id))
        };
    }
    let layer = Layer::new(id, definition, DateTime::now());
    let epoch = state.epoch();
    let mut tx = state
        .connection()
        .await?
        .begin_with("begin immediate")
        .await
        .map_err(store_error)?;
    confirm_epoch(&mut tx, epoch).await?;
    insert(&mut tx, &layer, &label, &json)
        .await
        .map_err(store_error)?;
    tx.commit().await.map_err(store_error)?;
    let stored = layer.stored(DataRevision::default());
    state
        .catalogue()
        .put(id, Arc::new(layer), DataRevision::default());
    Ok(stored)
}

async fn insert(
    db: &mut SqliteConnection,
    layer: &Layer,
    label: &str,
    json: &str,
) -> Result<(), sqlx::Error> {
    let query = sqlx::query(include_str!("../sql/insert_layer.sql"))
        .bind(layer.id.get())
        .bind(json);
    query.bind(layer.created.millis()).execute(&mut *db).await?;
    let geometry_type = layer
        .definition
        .geometry()
        .geometry_type
        .name()
        .to_uppercase();
    layer
        .table
        .create(&geometry_type)
        .build()
        .execute(&mut *db)
        .await?;
    layer.table.create_rtree().build().execute(&mut *db).await?;
    register(db, layer, label, &geometry_type).await
}

/// The layer as other programs see it. The identifier is a label: names are authorization's, and may repeat.
async fn register(
    db: &mut SqliteConnection,
    layer: &Layer,
    label: &str,
    geometry_type: &str,
) -> Result<(), sqlx::Error> {
    let (crs, table) = (layer.definition.geometry().crs, layer.table.name());
    let z = match layer.definition.geometry().z {
        ZPolicy::Forbidden => 0,
        ZPolicy::Mandatory => 1,
    };
    let srs = sqlx::query(include_str!("../sql/insert_srs.sql"))
        .bind(crs.name())
        .bind(crs.epsg())
        .bind(crs.wkt());
    srs.execute(&mut *db).await?;
    let contents = sqlx::query(include_str!("../sql/insert_contents.sql")).bind(table);
    contents
        .bind(format!("{} {label}", layer.id))
        .bind(crs.epsg())
        .execute(&mut *db)
        .await?;
    let column = sqlx::query(include_str!("../sql/insert_geometry_column.sql")).bind(table);
    column
        .bind(geometry_type)
        .bind(crs.epsg())
        .bind(z)
        .execute(&mut *db)
        .await?;
    let extension = sqlx::query(include_str!("../sql/insert_rtree_extension.sql")).bind(table);
    extension.execute(&mut *db).await.map(drop)
}

pub(crate) async fn remove(state: &mut State, removal: Removal) -> Result<(), StoreError> {
    let Some((layer, _)) = state.catalogue().find(removal.layer) else {
        return Ok(());
    };
    let epoch = state.epoch();
    let mut tx = state
        .connection()
        .await?
        .begin_with("begin immediate")
        .await
        .map_err(store_error)?;
    confirm_epoch(&mut tx, epoch).await?;
    delete(&mut tx, &layer).await.map_err(store_error)?;
    tx.commit().await.map_err(store_error)?;
    state.catalogue().remove(removal.layer);
    Ok(())
}

/// R25: elements, remembered answers and counters.
async fn delete(db: &mut SqliteConnection, layer: &Layer) -> Result<(), sqlx::Error> {
    layer.table.drop_rtree().build().execute(&mut *db).await?;
    layer.table.drop().build().execute(&mut *db).await?;
    for statement in [
        include_str!("../sql/delete_extensions.sql"),
        include_str!("../sql/delete_geometry_column.sql"),
        include_str!("../sql/delete_contents.sql"),
    ] {
        sqlx::query(statement)
            .bind(Table::name(&layer.table))
            .execute(&mut *db)
            .await?;
    }
    for statement in [
        include_str!("../sql/delete_layer_requests.sql"),
        include_str!("../sql/delete_layer.sql"),
    ] {
        sqlx::query(statement)
            .bind(layer.id.get())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}
