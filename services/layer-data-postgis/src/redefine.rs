//! Changing the definition of a layer, and its table with it, in one transaction (R114). No statement of it touches a
//! row, so that it takes as long on a large layer as on a small one, but for two: the index of an attribute that becomes
//! unique is built while nobody writes, and the values of one that gets a wider type are written anew while nobody reads
//! either.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::TryStreamExt;
use jmap_domain::{AttributeId, DataRevision, ElementId, LayerId};
use layer_data_core::{
    definition::{Contradiction, Examination},
    ports::{Redefined, Redefinition, StoreError},
};
use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use tokio::time::{sleep, timeout};
use tracing::warn;

use crate::{
    error::{answered, store_error, unexpected},
    ewkb,
    layers::{self, Trouble, begin},
    read::fields,
    store::{Layer, Shared},
    table::{Column, GeometryColumn, Table},
    unique, values,
};

/// How long a change of columns waits for reads to end: who comes after it waits as well.
const PATIENCE: Duration = Duration::from_millis(400);
/// How long between two looks at what became of a change of which nobody saw the end.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks at the elements that were changed after a revision, and for those that have the same value where that is to be
/// unique.
pub(crate) async fn examine(
    db: &mut PgConnection,
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
    db: &mut PgConnection,
    layer: &Layer,
    examination: &mut Examination,
    since: DataRevision,
) -> Result<(), StoreError> {
    let columns = examination.attributes();
    let columns: Vec<&Column> = columns.map(|id| layer.table.column_to_read(id)).collect();
    let geometry = if examination.needs_geometry() {
        GeometryColumn::Included
    } else {
        GeometryColumn::LeftOut
    };
    let mut sql = layer.table.changed_since(since, &columns, geometry);
    let mut rows = sql.build().fetch(db);
    while let Some(row) = rows.try_next().await.map_err(store_error)? {
        let id = values::number(&row, fields::ID).map_err(store_error)?;
        let id = id.ok_or_else(|| unexpected("a number is missing"))?;
        let values = columns.iter().zip(fields::ATTRIBUTES..);
        let values = values.map(|(column, place)| values::read(&row, place, column.kind));
        let values: Vec<_> = values.collect::<Result<_, _>>().map_err(store_error)?;
        let id = ElementId::new(id).map_err(unexpected)?;
        examination.look(id, &values);
        if let Some(ewkb) = values::bytes(&row, fields::GEOMETRY).map_err(store_error)? {
            let (wkb, _) = ewkb::decode(ewkb).map_err(unexpected)?;
            examination.look_at_geometry(id, &wkb);
        }
    }
    Ok(())
}

/// Looks for values that a wider type cannot have in versions that were replaced after a revision. Nobody changes those
/// any more.
async fn examine_versions(
    db: &mut PgConnection,
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

/// Makes the change to its end, whether or not its caller still waits: what the catalogue says and what is stored must
/// not part.
pub(crate) async fn redefine(
    shared: &Arc<Shared>,
    change: Redefinition,
) -> Result<Redefined, StoreError> {
    let shared = Arc::clone(shared);
    let work = tokio::spawn(async move { alone(&shared, change).await });
    work.await.unwrap_or(Err(StoreError::Unavailable))
}

/// While the counters are held nobody writes to the layer, and while the columns change nobody reads.
async fn alone(shared: &Shared, change: Redefinition) -> Result<Redefined, StoreError> {
    let id = change.permit.layer();
    let _writing = Arc::clone(&shared.found(id)?.0.counters).lock_owned().await;
    let (layer, revision) = shared.found(id)?;
    let current = layer.definition.version();
    if current != change.from {
        return Ok(Redefined::Stale(current));
    }
    let steps = layer.definition.column_steps(&change.definition);
    // An index goes only while nobody reads from the table either.
    let indexes = layer.definition.unique_steps(&change.definition).gone;
    let _reading = if steps.is_empty() && indexes.is_empty() {
        None
    } else {
        let alone = timeout(PATIENCE, layer.structure.write()).await;
        Some(alone.map_err(|_elapsed| StoreError::Overloaded)?)
    };
    let in_doubt = AtomicBool::new(false);
    let making = layers::patiently(|| try_redefine(shared, &layer, &change, &in_doubt));
    let made = answered(shared.database.patience(), making).await;
    let layer = match made {
        Ok(Made::Done) => Arc::new(layer.redefined(change.definition)),
        Ok(Made::Contradicted(found)) => return Ok(Redefined::Contradicted(found)),
        Ok(Made::TooLate) => return Err(StoreError::PermitExpired),
        Err(error) if !in_doubt.load(Ordering::Relaxed) => return Err(error),
        Err(error) => {
            let found = reloaded(shared, &layer).await;
            if found.definition.version() != change.definition.version() {
                return Err(error);
            }
            found
        }
    };
    shared.catalogue.replace(id, Arc::clone(&layer));
    Ok(Redefined::Done(layer.stored(revision)))
}

/// What became of a change.
enum Made {
    Done,
    Contradicted(Vec<Contradiction>),
    /// The permit ran out.
    TooLate,
}

async fn try_redefine(
    shared: &Shared,
    layer: &Layer,
    change: &Redefinition,
    in_doubt: &AtomicBool,
) -> Result<Made, Trouble> {
    let mut tx = begin(shared).await?;
    let mut examination = Examination::of(&layer.definition, &change.definition);
    if !examination.is_needless() {
        examine(&mut tx, layer, &mut examination, change.examined).await?;
    }
    let found = examination.contradictions();
    if !found.is_empty() {
        tx.rollback().await?;
        return Ok(Made::Contradicted(found));
    }
    // Others wait to read and to write, and it would be undone.
    if change.is_abandoned() {
        tx.rollback().await?;
        return Ok(Made::TooLate);
    }
    if let Err(trouble) = alter(&mut tx, layer, change).await {
        return Err(dependent(trouble, layer.id));
    }
    if !change.may_commit().await {
        tx.rollback().await?;
        return Ok(Made::TooLate);
    }
    in_doubt.store(true, Ordering::Relaxed);
    tx.commit().await?;
    Ok(Made::Done)
}

/// PostgreSQL changes no column that a view or a rule of somebody else is made of.
fn dependent(trouble: Trouble, layer: LayerId) -> Trouble {
    let Trouble::Database(error) = &trouble else {
        return trouble;
    };
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        // feature_not_supported, dependent_objects_still_exist
        Some("0A000" | "2BP01") => StoreError::Dependent(layer).into(),
        Some(_) | None => trouble,
    }
}

async fn alter(db: &mut PgConnection, layer: &Layer, change: &Redefinition) -> Result<(), Trouble> {
    let (before, after) = (&layer.definition, &change.definition);
    let steps = before.column_steps(after);
    let statements = Table::new(layer.id, after).alter(&steps, before, after);
    if !statements.is_empty() {
        // By the audited writer.
        raw_sql(AssertSqlSafe(statements)).execute(&mut *db).await?;
    }
    let json = after.to_json().map_err(unexpected)?;
    let query = sqlx::query(include_str!("../sql/set_definition.sql"));
    let query = query.bind(layer.id.get()).bind(json);
    query.execute(db).await?;
    Ok(())
}

/// The layer as it is stored, after a change of which nobody saw the end. Until the database tells, nobody reads from
/// the layer or writes to it.
async fn reloaded(shared: &Shared, layer: &Layer) -> Arc<Layer> {
    loop {
        match answered(shared.database.patience(), stored(shared, layer.id)).await {
            Ok(found) => return Arc::new(layer.redefined((*found.definition).clone())),
            Err(error) => warn!(%error, layer = layer.id.get(), "a definition is in doubt"),
        }
        sleep(PAUSE).await;
    }
}

async fn stored(shared: &Shared, id: LayerId) -> Result<Layer, StoreError> {
    let mut session = shared.database.session().await.map_err(store_error)?;
    // A commit of which nobody saw the end may still be under way, and holds the row until then.
    let query = sqlx::query(include_str!("../sql/settled_layer.sql")).bind(id.get());
    let row = query.fetch_one(&mut *session).await.map_err(store_error)?;
    session.done();
    let (layer, _) = layers::load(&row).map_err(unexpected)?;
    Ok(layer)
}
