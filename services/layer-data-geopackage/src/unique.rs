//! Unique attributes: which values are taken. The writing task alone asks before it writes, so the answer holds (R105).

use std::collections::HashMap;

use futures::TryStreamExt;
use jmap_domain::{AttributeId, DataRevision, ElementId};
use layer_data_core::{
    definition::Examination,
    edit::{Edit, EditRefusal, Holder, PermittedEdit, Restored, Taken},
    element::NewElement,
    ports::StoreError,
    value::Value,
};
use sqlx::{Row, SqliteConnection};

use crate::{
    error::{store_error, unexpected},
    store::Layer,
    values::read_value,
};

/// Most values that one statement looks for.
const VALUES_PER_STATEMENT: usize = 500;

/// The elements that have these values of a unique attribute.
pub(crate) async fn holders(
    db: &mut SqliteConnection,
    layer: &Layer,
    key: AttributeId,
    values: &[&Value],
) -> Result<Vec<Holder>, StoreError> {
    let Some(column) = layer
        .table
        .column(key)
        .filter(|_| layer.definition.is_unique(key))
    else {
        return Ok(Vec::new());
    };
    let mut holders = Vec::new();
    for values in values.chunks(VALUES_PER_STATEMENT) {
        let mut sql = layer.table.holders(column, values);
        let mut rows = sql.build().fetch(&mut *db);
        while let Some(row) = rows.try_next().await.map_err(store_error)? {
            let element = row.try_get_unchecked(0).map_err(store_error)?;
            let revision = row.try_get_unchecked(1).map_err(store_error)?;
            let revision = DataRevision::new(revision);
            holders.push(Holder {
                value: read_value(&row, 2, column.kind).map_err(store_error)?,
                element: ElementId::new(element).map_err(unexpected)?,
                revision: revision.ok_or_else(|| unexpected("a negative revision"))?,
            });
        }
    }
    Ok(holders)
}

/// Which of some creations ask for what is taken, one after the other.
pub(crate) async fn refused(
    db: &mut SqliteConnection,
    layer: &Layer,
    run: &[PermittedEdit],
) -> Result<HashMap<u32, EditRefusal>, StoreError> {
    let created = run
        .iter()
        .filter_map(|edit| Some((edit.index(), edit.edit().created()?)));
    let created: Vec<(u32, &NewElement)> = created.collect();
    let elements: Vec<&NewElement> = created.iter().map(|(_, new)| *new).collect();
    let mut taken = Taken::default();
    for (attribute, values) in layer.definition.asked_for(&elements) {
        for holder in holders(db, layer, attribute.id, &values).await? {
            taken.note(attribute.id, &holder.value);
        }
    }
    let refused = created.into_iter().filter_map(|(index, new)| {
        let refusal = taken.give(&layer.definition, new).err()?;
        Some((index, refusal))
    });
    Ok(refused.collect())
}

/// The refusal of a change that gives an element what another has.
pub(crate) async fn taken(
    db: &mut SqliteConnection,
    layer: &Layer,
    element: ElementId,
    edit: &Edit,
) -> Result<Option<EditRefusal>, StoreError> {
    for (attribute, value) in layer.definition.changed_unique(edit) {
        let holders = holders(db, layer, attribute.id, &[value]).await?;
        if holders.iter().any(|holder| holder.element != element) {
            return Ok(Some(EditRefusal::not_unique(attribute)));
        }
    }
    Ok(None)
}

/// The refusal of a version that has what another element has by now.
pub(crate) async fn taken_from(
    db: &mut SqliteConnection,
    layer: &Layer,
    restored: &Restored,
) -> Result<Option<EditRefusal>, StoreError> {
    for (_, attribute) in layer.definition.unique() {
        let Some(column) = layer.table.column(attribute.id) else {
            continue;
        };
        let mut sql = layer.table.is_taken_from(restored, column);
        let query = sql.build_query_scalar();
        if query.fetch_one(&mut *db).await.map_err(store_error)? {
            return Ok(Some(EditRefusal::not_unique(attribute)));
        }
    }
    Ok(None)
}

/// Looks for elements that have the same value of an attribute that is to be unique.
pub(crate) async fn examine(
    db: &mut SqliteConnection,
    layer: &Layer,
    examination: &mut Examination,
) -> Result<(), StoreError> {
    let attributes: Vec<AttributeId> = examination.unique().collect();
    for attribute in attributes {
        let Some(column) = layer.table.column(attribute) else {
            continue;
        };
        let mut sql = layer.table.sharing(column);
        let mut found = sql.build_query_scalar::<i64>().fetch(&mut *db);
        while let Some(element) = found.try_next().await.map_err(store_error)? {
            let element = ElementId::new(element).map_err(unexpected)?;
            examination.look_at_shared(attribute, element);
        }
    }
    Ok(())
}
