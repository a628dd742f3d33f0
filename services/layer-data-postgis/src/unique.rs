//! Unique attributes: which values are taken. Nobody else writes to the layer meanwhile, so the answer holds (R105).

use std::collections::HashMap;

use futures::TryStreamExt;
use jmap_domain::{AttributeId, DataRevision, ElementId};
use layer_data_core::{
    definition::Examination,
    edit::{Edit, EditRefusal, Holder, Taken},
    element::NewElement,
    ports::StoreError,
    value::Value,
};
use sqlx::PgConnection;

use crate::{
    error::{store_error, unexpected},
    plan::Step,
    store::Layer,
    values,
};

/// Why steps are refused, by their places.
pub(crate) type Refusals = HashMap<(usize, usize), EditRefusal>;

/// The elements that have these values of a unique attribute.
pub(crate) async fn holders(
    db: &mut PgConnection,
    layer: &Layer,
    key: AttributeId,
    values: Vec<&Value>,
) -> Result<Vec<Holder>, StoreError> {
    let column = layer.table.column(key);
    let Some(column) = column.filter(|_| layer.table.unique().contains(&key)) else {
        return Ok(Vec::new());
    };
    let mut sql = layer.table.holders(column, values);
    let rows = sql.build().fetch_all(db).await.map_err(store_error)?;
    let number = |row, place| {
        let number = values::number(row, place).map_err(store_error)?;
        number.ok_or_else(|| unexpected("a number is missing"))
    };
    let holders = rows.iter().map(|row| {
        let revision = DataRevision::new(number(row, 1)?);
        Ok(Holder {
            element: ElementId::new(number(row, 0)?).map_err(unexpected)?,
            revision: revision.ok_or_else(|| unexpected("a negative revision"))?,
            value: values::read(row, 2, column.kind).map_err(store_error)?,
        })
    });
    holders.collect()
}

/// Which of some creations ask for what is taken, one after the other.
pub(crate) async fn refused(
    db: &mut PgConnection,
    layer: &Layer,
    run: &[Step<'_>],
) -> Result<Refusals, StoreError> {
    let created = run
        .iter()
        .filter_map(|step| Some((step.place, step.permitted.edit().created()?)));
    let created: Vec<_> = created.collect();
    let elements: Vec<&NewElement> = created.iter().map(|(_, new)| *new).collect();
    let mut taken = Taken::default();
    for (attribute, values) in layer.definition.asked_for(&elements) {
        for holder in holders(db, layer, attribute.id, values).await? {
            taken.note(attribute.id, &holder.value);
        }
    }
    let refused = created.into_iter().filter_map(|(place, new)| {
        let refusal = taken.give(&layer.definition, new).err()?;
        Some((place, refusal))
    });
    Ok(refused.collect())
}

/// The refusal of an edit that was not made although its element is as expected, because another has one of its values.
pub(crate) async fn taken(
    db: &mut PgConnection,
    layer: &Layer,
    step: &Step<'_>,
) -> Result<Option<EditRefusal>, StoreError> {
    let edit = step.permitted.edit();
    for (attribute, value) in layer.definition.changed_unique(edit) {
        let holders = holders(db, layer, attribute.id, vec![value]).await?;
        if holders.iter().any(|holder| holder.element != step.element) {
            return Ok(Some(EditRefusal::not_unique(attribute)));
        }
    }
    let Edit::Restore(restored) = edit else {
        return Ok(None);
    };
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
    db: &mut PgConnection,
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
