//! Making and removing the storage of layers, and telling GeoPackage's own tables about it.

use std::sync::Arc;

use layer_data_core::{
    catalogue::Tip,
    definition::ZPolicy,
    ports::{LayerRecord, NewLayer, Removal, StoreError, StoredLayer},
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    error::{store_error, unexpected},
    store::Layer,
    table::Table,
    writer::{State, begin},
};

pub(crate) async fn create(state: &mut State, new: NewLayer) -> Result<StoredLayer, StoreError> {
    let Some((layer, revision)) = state.catalogue().find(new.layer) else {
        return make(state, LayerRecord::new(new)).await;
    };
    if layer.definition.began_as(&new.definition) {
        Ok(layer.stored(revision))
    } else {
        Err(StoreError::LayerExists(new.layer))
    }
}

/// Makes a layer that is not there.
pub(crate) async fn make(
    state: &mut State,
    record: LayerRecord,
) -> Result<StoredLayer, StoreError> {
    let layer = Layer::new(
        record.layer,
        record.definition.clone(),
        record.created,
        record.history,
    );
    let mut tx = begin(state).await?;
    insert(&mut tx, &layer, &record).await?;
    tx.commit().await.map_err(store_error)?;
    let stored = layer.stored(record.revision);
    let tip = Tip {
        revision: record.revision,
        next_element: record.next_element,
        // What came back before the layer was moved is not known.
        restored: record.revision,
    };
    state.catalogue().put(record.layer, Arc::new(layer), tip);
    Ok(stored)
}

async fn insert(
    db: &mut SqliteConnection,
    layer: &Layer,
    record: &LayerRecord,
) -> Result<(), StoreError> {
    let query = sqlx::query(include_str!("../sql/insert_layer.sql"))
        .bind(layer.id.get())
        .bind(record.definition.to_json().map_err(unexpected)?)
        .bind(record.next_element)
        .bind(record.revision.get())
        .bind(record.created.millis())
        .bind(record.history.revision.get())
        .bind(record.history.time.millis())
        .bind(record.edited.millis());
    query.execute(&mut *db).await.map_err(store_error)?;
    show(db, layer, &record.label).await.map_err(store_error)
}

/// Makes the layer's table and index.
async fn show(db: &mut SqliteConnection, layer: &Layer, label: &str) -> Result<(), sqlx::Error> {
    let geometry_type = geometry_type(layer);
    layer
        .table
        .create(&geometry_type)
        .build()
        .execute(&mut *db)
        .await?;
    layer.table.create_rtree().build().execute(&mut *db).await?;
    for mut sql in layer.table.index_unique(layer.table.unique()) {
        sql.build().execute(&mut *db).await?;
    }
    register(db, layer, label, &geometry_type).await?;
    make_history(db, layer).await
}

/// The layer's geometry type in GeoPackage's words.
fn geometry_type(layer: &Layer) -> String {
    let kind = layer.definition.geometry().geometry_type;
    kind.name().to_uppercase()
}

/// Makes the table of versions, which is no layer to other programs.
async fn make_history(db: &mut SqliteConnection, layer: &Layer) -> Result<(), sqlx::Error> {
    let mut sql = layer.table.create_history(&geometry_type(layer));
    sql.build().execute(&mut *db).await?;
    let query = sqlx::query(include_str!("../sql/hide_table.sql"));
    let query = query.bind(layer.table.history());
    query.execute(&mut *db).await?;
    begin_feed(db, layer).await
}

/// Lets the feed of a layer be searched.
pub(crate) async fn begin_feed(
    db: &mut SqliteConnection,
    layer: &Layer,
) -> Result<(), sqlx::Error> {
    for mut sql in layer.table.index_feed() {
        sql.build().execute(&mut *db).await?;
    }
    Ok(())
}

/// Begins the history of a layer that is older than history is kept.
pub(crate) async fn begin_history(
    db: &mut SqliteConnection,
    layer: &Layer,
) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    make_history(&mut tx, layer).await?;
    let query = sqlx::query(include_str!("../sql/begin_history.sql"))
        .bind(layer.id.get())
        .bind(layer.history.get().revision.get())
        .bind(layer.history.get().time.millis());
    query.execute(&mut *tx).await?;
    tx.commit().await
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
    let mut tx = begin(state).await?;
    delete(&mut tx, &layer).await.map_err(store_error)?;
    tx.commit().await.map_err(store_error)?;
    state.catalogue().remove(removal.layer);
    Ok(())
}

/// R25: elements, history, remembered answers and counters.
async fn delete(db: &mut SqliteConnection, layer: &Layer) -> Result<(), sqlx::Error> {
    layer.table.drop_rtree().build().execute(&mut *db).await?;
    layer.table.drop().build().execute(&mut *db).await?;
    layer.table.drop_history().build().execute(&mut *db).await?;
    let hidden = sqlx::query(include_str!("../sql/delete_extensions.sql"));
    hidden.bind(layer.table.history()).execute(&mut *db).await?;
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
