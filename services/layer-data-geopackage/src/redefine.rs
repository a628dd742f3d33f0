//! Changing the definition of a layer, and its table with it, in one transaction (R114).
//!
//! Columns are renamed and added without a row being touched. Only purging a column, giving one another type, and adding one
//! whose default is a fraction, write every row.

use std::{sync::Arc, time::Duration};

use futures::TryStreamExt;
use jmap_domain::{AttributeId, DataRevision, ElementId};
use layer_data_core::{
    definition::Examination,
    ports::{Redefined, Redefinition, StoreError},
};
use sqlx::{Row, SqliteConnection};
use tokio::{sync::OwnedRwLockWriteGuard, time::timeout};

use crate::{
    error::{store_error, unexpected},
    read::{fields, stored_geometry},
    store::Layer,
    table::{BlobPart, Column, Table},
    unique,
    values::read_value,
    writer::{State, begin},
};

/// How long a change of columns waits for reads to end: who comes after it waits as well.
const PATIENCE: Duration = Duration::from_millis(400);

/// Looks at the elements that were changed after a revision, and for those that have the same value where that is to be
/// unique.
pub(crate) async fn examine(
    db: &mut SqliteConnection,
    layer: &Layer,
    examination: &mut Examination,
    since: DataRevision,
) -> Result<(), StoreError> {
    if examination.needs_elements() {
        examine_each(db, layer, examination, since).await?;
    }
    examine_versions(db, layer, examination, since).await?;
    unique::examine(db, layer, examination).await
}

async fn examine_each(
    db: &mut SqliteConnection,
    layer: &Layer,
    examination: &mut Examination,
    since: DataRevision,
) -> Result<(), StoreError> {
    let columns = examination.attributes();
    let columns: Vec<&Column> = columns.map(|id| layer.table.column_to_read(id)).collect();
    let part = if examination.needs_geometry() {
        BlobPart::Whole
    } else {
        BlobPart::Nothing
    };
    let mut sql = layer.table.changed_since(since, &columns, part);
    let mut rows = sql.build().fetch(db);
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        let id = row.try_get_unchecked(fields::ID).map_err(store_error)?;
        let values = columns.iter().zip(fields::ATTRIBUTES..);
        let values = values.map(|(column, place)| read_value(&row, place, column.kind));
        let values: Vec<_> = values.collect::<Result<_, _>>().map_err(store_error)?;
        let id = ElementId::new(id).map_err(unexpected)?;
        examination.look(id, &values);
        if examination.needs_geometry()
            && let Some((_, wkb)) = stored_geometry(&row)?
        {
            examination.look_at_geometry(id, wkb);
        }
    }
    Ok(())
}

/// Looks for values that a wider type cannot have in versions that were replaced after a revision. Nobody changes those
/// any more.
async fn examine_versions(
    db: &mut SqliteConnection,
    layer: &Layer,
    examination: &mut Examination,
    since: DataRevision,
) -> Result<(), StoreError> {
    let attributes: Vec<AttributeId> = examination.inexact().collect();
    for attribute in attributes {
        let column = layer.table.column_to_read(attribute);
        let mut sql = layer.table.inexact_versions(column, since);
        let mut found = sql.build_query_scalar::<i64>().fetch(&mut *db);
        while let Some(element) = found.try_next().await.map_err(store_error)? {
            let element = ElementId::new(element).map_err(unexpected)?;
            examination.look_at_past(attribute, element);
        }
    }
    Ok(())
}

/// Makes the change, if it is one of the definition as it is now and no element contradicts it.
pub(crate) async fn redefine(
    state: &mut State,
    change: Redefinition,
) -> Result<Redefined, StoreError> {
    let (catalogue, id) = (state.catalogue().clone(), change.permit.layer());
    let (layer, revision) = catalogue.find(id).ok_or(StoreError::LayerMissing(id))?;
    let current = layer.definition.version();
    if current != change.from {
        return Ok(Redefined::Stale(current));
    }
    // Not earlier: who reads would have to wait for all changes that come before this one.
    let _reading = alone(&layer, &change).await?;
    let mut tx = begin(state).await?;
    let mut examination = Examination::of(&layer.definition, &change.definition);
    if !examination.is_needless() {
        examine(&mut tx, &layer, &mut examination, change.examined).await?;
    }
    let contradictions = examination.contradictions();
    if !contradictions.is_empty() {
        tx.rollback().await.map_err(store_error)?;
        return Ok(Redefined::Contradicted(contradictions));
    }
    alter(&mut tx, &layer, &change).await?;
    if !change.may_commit().await {
        tx.rollback().await.map_err(store_error)?;
        return Err(StoreError::PermitExpired);
    }
    tx.commit().await.map_err(store_error)?;
    let layer = Arc::new(layer.redefined(change.definition));
    catalogue.replace(id, Arc::clone(&layer));
    Ok(Redefined::Done(layer.stored(revision)))
}

/// Waits until nobody reads from the layer, where its columns change.
async fn alone(
    layer: &Layer,
    change: &Redefinition,
) -> Result<Option<OwnedRwLockWriteGuard<()>>, StoreError> {
    if layer.definition.column_steps(&change.definition).is_empty() {
        return Ok(None);
    }
    let alone = timeout(PATIENCE, Arc::clone(&layer.structure).write_owned()).await;
    alone.map(Some).map_err(|_elapsed| StoreError::Overloaded)
}

async fn alter(
    db: &mut SqliteConnection,
    layer: &Layer,
    change: &Redefinition,
) -> Result<(), StoreError> {
    let (before, after) = (&layer.definition, &change.definition);
    let unique = before.unique_steps(after);
    let mut statements = layer.table.drop_unique(&unique.gone);
    let columns = before.column_steps(after);
    statements.extend(columns.iter().flat_map(|step| layer.table.alter(step)));
    statements.extend(Table::new(layer.id, after).index_unique(&unique.come));
    for mut sql in statements {
        // Others wait to write, and it would be undone.
        if change.is_abandoned() {
            return Err(StoreError::PermitExpired);
        }
        sql.build().execute(&mut *db).await.map_err(store_error)?;
    }
    let query = sqlx::query(include_str!("../sql/set_definition.sql"))
        .bind(layer.id.get())
        .bind(change.definition.to_json().map_err(unexpected)?);
    query.execute(&mut *db).await.map_err(store_error)?;
    Ok(())
}
