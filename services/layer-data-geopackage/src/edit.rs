//! One edit call: statement by statement, within its savepoint.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId};
use layer_data_core::{
    catalogue::Tip,
    edit::{
        BatchOutcome, Edit, EditRefusal, EditResult, EditedElement, ExpectedRevision,
        PermittedBatch, PermittedEdit, Restored, StoredAnswer,
    },
    element::{ElementRow, NewElement},
    permit::{Permit, Scope},
    ports::StoreError,
    value::DateTime,
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    blob,
    error::{store_error, unexpected},
    replay, rows,
    store::{Catalogue, Layer},
    table::{Stamp, Target},
    unique,
    writer::find,
};

/// What became of an edit call, unless the group's commit fails.
pub(crate) struct Applied {
    pub(crate) answer: StoredAnswer,
    /// How far the call came in each layer.
    pub(crate) tips: Vec<(LayerId, Tip)>,
}

/// A layer that the call edits, with the numbers that it takes from it.
struct Open {
    layer: Arc<Layer>,
    /// This call's revision.
    revision: DataRevision,
    next_element: i64,
    /// The time of the call, never before that of an earlier one.
    now: DateTime,
    /// This call's revision where it brings back what was deleted.
    restored: DataRevision,
}

pub(crate) async fn apply(
    db: &mut SqliteConnection,
    catalogue: &Catalogue,
    batch: &PermittedBatch,
) -> Result<Applied, StoreError> {
    let mut savepoint = db.begin().await.map_err(store_error)?;
    let applied = apply_within(&mut savepoint, catalogue, batch).await?;
    // An early return above drops the savepoint, which rolls it back.
    match applied.answer.outcome {
        BatchOutcome::Committed => savepoint.commit().await.map_err(store_error)?,
        BatchOutcome::Refused | BatchOutcome::Validated => {
            savepoint.rollback().await.map_err(store_error)?;
        }
    }
    Ok(applied)
}

async fn apply_within(
    db: &mut SqliteConnection,
    catalogue: &Catalogue,
    batch: &PermittedBatch,
) -> Result<Applied, StoreError> {
    if let Some(answer) = replay::find(db, batch).await? {
        return Ok(Applied {
            answer,
            tips: Vec::new(),
        });
    }
    let mut call = CallInProgress {
        db,
        catalogue,
        now: DateTime::now(),
        layers: BTreeMap::new(),
    };
    let mut results = Vec::with_capacity(batch.edits.len());
    for run in batch.edits.chunk_by(created_together) {
        call.run(run, &mut results).await?;
    }
    let tips = call.finish().await?;
    let answer = StoredAnswer::conclude(batch, results);
    if answer.outcome == BatchOutcome::Committed {
        replay::remember(db, batch, &answer).await?;
    }
    Ok(Applied { answer, tips })
}

/// Whether two edits are creations that one statement can write.
fn created_together(a: &PermittedEdit, b: &PermittedEdit) -> bool {
    let creations = matches!((a.edit(), b.edit()), (Edit::Create(_), Edit::Create(_)));
    creations
        && a.permit().layer() == b.permit().layer()
        && a.permit().actor() == b.permit().actor()
}

struct CallInProgress<'a> {
    db: &'a mut SqliteConnection,
    catalogue: &'a Catalogue,
    now: DateTime,
    layers: BTreeMap<LayerId, Open>,
}

impl CallInProgress<'_> {
    async fn run(
        &mut self,
        run: &[PermittedEdit],
        results: &mut Vec<(u32, EditResult)>,
    ) -> Result<(), StoreError> {
        let mut created = Vec::new();
        let mut refused = self.refused(run).await?;
        for edit in run {
            let permit = edit.permit();
            let (layer, scope) = (permit.layer(), permit.scope());
            let stamp = self.stamp(layer, permit.actor())?;
            let result = match edit.edit() {
                Edit::Create(new) => {
                    let element = self.next_element(layer)?;
                    if let Some(refusal) = refused.remove(&edit.index()) {
                        EditResult::Refused(refusal)
                    } else {
                        created.push((element, new));
                        done(edit, element, stamp)
                    }
                }
                Edit::Update {
                    element, expected, ..
                } => {
                    let target = Target {
                        element: *element,
                        expected: *expected,
                        scope,
                    };
                    self.update(target, edit, stamp).await?
                }
                Edit::Delete { element, expected } => {
                    let target = Target {
                        element: *element,
                        expected: *expected,
                        scope,
                    };
                    self.delete(target, edit, stamp).await?
                }
                Edit::Restore(restored) => self.restore(edit, restored, stamp).await?,
            };
            results.push((edit.index(), result));
        }
        match run.first() {
            Some(first) => self.create(first.permit(), &created).await,
            None => Ok(()),
        }
    }

    /// Which of a run's creations ask for values that are taken, after all of the run was found to fit its layer.
    async fn refused(
        &mut self,
        run: &[PermittedEdit],
    ) -> Result<HashMap<u32, EditRefusal>, StoreError> {
        for edit in run {
            let id = edit.permit().layer();
            self.open(id).await?;
            let version = self.opened(id)?.layer.definition.version();
            if !edit.edit().fits(version) {
                return Err(StoreError::DefinitionChanged(id));
            }
        }
        match run.first() {
            Some(first) if first.edit().creates() => {
                let layer = Arc::clone(&self.opened(first.permit().layer())?.layer);
                unique::refused(self.db, &layer, run).await
            }
            Some(_) | None => Ok(HashMap::new()),
        }
    }

    /// Takes the call's revision in a layer, once.
    async fn open(&mut self, id: LayerId) -> Result<(), StoreError> {
        if self.layers.contains_key(&id) {
            return Ok(());
        }
        let layer = find(self.catalogue, id)?;
        let query = sqlx::query_as(include_str!("../sql/layer_counters.sql")).bind(id.get());
        let (revision, next_element, edited): (i64, i64, i64) =
            query.fetch_one(&mut *self.db).await.map_err(store_error)?;
        let revision = DataRevision::new(revision)
            .ok_or_else(|| unexpected("a negative revision"))?
            .next();
        let edited = DateTime::from_millis(edited).map_err(unexpected)?;
        let open = Open {
            layer,
            revision,
            next_element,
            now: self.now.max(edited),
            restored: DataRevision::default(),
        };
        self.layers.insert(id, open);
        Ok(())
    }

    fn opened(&mut self, id: LayerId) -> Result<&mut Open, StoreError> {
        self.layers.get_mut(&id).ok_or(StoreError::LayerMissing(id))
    }

    fn stamp(&mut self, id: LayerId, actor: ActorId) -> Result<Stamp, StoreError> {
        self.opened(id).map(|open| Stamp {
            actor,
            millis: open.now.millis(),
            revision: open.revision,
        })
    }

    fn next_element(&mut self, id: LayerId) -> Result<ElementId, StoreError> {
        let open = self.opened(id)?;
        let element = ElementId::new(open.next_element).map_err(unexpected)?;
        open.next_element += 1;
        Ok(element)
    }

    /// Writes elements that were created one after the other.
    async fn create(
        &mut self,
        permit: &Permit,
        created: &[(ElementId, &NewElement)],
    ) -> Result<(), StoreError> {
        let stamp = self.stamp(permit.layer(), permit.actor())?;
        let open = self.opened(permit.layer())?;
        let (layer, by) = (Arc::clone(&open.layer), (stamp.actor, open.now));
        let rows = created
            .iter()
            .map(|(id, new)| ElementRow::created(*id, stamp.revision, new, by));
        rows::insert(self.db, &layer.table, &rows.collect::<Vec<_>>()).await
    }

    async fn update(
        &mut self,
        target: Target,
        edit: &PermittedEdit,
        stamp: Stamp,
    ) -> Result<EditResult, StoreError> {
        let Edit::Update { patch, .. } = edit.edit() else {
            return Err(unexpected("no update"));
        };
        let layer = Arc::clone(&self.opened(edit.permit().layer())?.layer);
        let unique = layer.definition.changed_unique(edit.edit());
        let statements = [
            layer.table.keep(target, stamp),
            layer.table.update(target, patch, stamp),
        ];
        let mut changed = 0;
        for mut sql in statements {
            layer.table.only_free(&mut sql, &unique);
            changed = self.execute(sql).await?;
        }
        if changed == 0 {
            let refusal = self.why_not(&layer, target).await?;
            let taken = if is_as_expected(&refusal, target.expected) {
                unique::taken(self.db, &layer, target.element, edit.edit()).await?
            } else {
                None
            };
            return Ok(EditResult::Refused(taken.unwrap_or(refusal)));
        }
        if let Some(geometry) = patch.geometry() {
            let boxes = [(target.element, geometry.bounds())];
            self.execute(layer.table.put_boxes(&boxes)).await?;
        }
        Ok(done(edit, target.element, stamp))
    }

    async fn delete(
        &mut self,
        target: Target,
        edit: &PermittedEdit,
        stamp: Stamp,
    ) -> Result<EditResult, StoreError> {
        let layer = Arc::clone(&self.opened(edit.permit().layer())?.layer);
        self.execute(layer.table.keep(target, stamp)).await?;
        if self.execute(layer.table.delete(target)).await? == 0 {
            return self.why_not(&layer, target).await.map(EditResult::Refused);
        }
        self.execute(layer.table.delete_box(target.element)).await?;
        Ok(done(edit, target.element, stamp))
    }

    async fn restore(
        &mut self,
        edit: &PermittedEdit,
        restored: &Restored,
        stamp: Stamp,
    ) -> Result<EditResult, StoreError> {
        let (id, scope) = (edit.permit().layer(), edit.permit().scope());
        let layer = Arc::clone(&self.opened(id)?.layer);
        let element = restored.element;
        let sql = layer.table.restore(restored, (scope, stamp));
        if self.execute(sql).await? == 0 {
            let row = match self.look(layer.table.look(element)).await? {
                None => self.look(layer.table.look_deleted(element)).await?,
                row => row,
            };
            let refusal = refusal(element, scope, row)?;
            let expected = ExpectedRevision::Revision(restored.deleted);
            let taken = if is_as_expected(&refusal, expected) {
                unique::taken_from(self.db, &layer, restored).await?
            } else {
                None
            };
            return Ok(EditResult::Refused(taken.unwrap_or(refusal)));
        }
        self.opened(id)?.restored = stamp.revision;
        let mut header = layer.table.header(element);
        let query = header.build_query_scalar();
        let header: Vec<u8> = query.fetch_one(&mut *self.db).await.map_err(store_error)?;
        let (bounds, _) = blob::decode(&header).map_err(unexpected)?;
        self.execute(layer.table.put_boxes(&[(element, bounds)]))
            .await?;
        Ok(done(edit, element, stamp))
    }

    /// Why a statement found nothing to write to; in the same transaction, so the answer is about the same state.
    async fn why_not(&mut self, layer: &Layer, target: Target) -> Result<EditRefusal, StoreError> {
        let row = self.look(layer.table.look(target.element)).await?;
        refusal(target.element, target.scope, row)
    }

    async fn look(
        &mut self,
        mut sql: sqlx::QueryBuilder<sqlx::Sqlite>,
    ) -> Result<Look, StoreError> {
        let query = sql.build_query_as();
        query
            .fetch_optional(&mut *self.db)
            .await
            .map_err(store_error)
    }

    async fn execute(
        &mut self,
        mut sql: sqlx::QueryBuilder<sqlx::Sqlite>,
    ) -> Result<u64, StoreError> {
        let done = sql
            .build()
            .execute(&mut *self.db)
            .await
            .map_err(store_error)?;
        Ok(done.rows_affected())
    }

    /// Writes the counters back: they are data, and survive whatever is deleted (R103).
    async fn finish(self) -> Result<Vec<(LayerId, Tip)>, StoreError> {
        let mut tips = Vec::with_capacity(self.layers.len());
        for (id, open) in self.layers {
            let query = sqlx::query(include_str!("../sql/set_layer_counters.sql")).bind(id.get());
            let query = query.bind(open.revision.get()).bind(open.next_element);
            let query = query.bind(open.now.millis()).bind(open.restored.get());
            query.execute(&mut *self.db).await.map_err(store_error)?;
            let tip = Tip {
                revision: open.revision,
                next_element: open.next_element,
                restored: open.restored,
            };
            tips.push((id, tip));
        }
        Ok(tips)
    }
}

fn done(edit: &PermittedEdit, element: ElementId, stamp: Stamp) -> EditResult {
    EditResult::Done(EditedElement {
        element,
        revision: stamp.revision,
        created: edit.edit().creates(),
    })
}

/// Whether an element that a statement did not write to was as expected: then it is the values that were not.
fn is_as_expected(refusal: &EditRefusal, expected: ExpectedRevision) -> bool {
    matches!(refusal, EditRefusal::Stale { current, .. } if expected.admits(*current))
}

/// Revision and creator of an element that a statement did not write to, if there is or was one.
type Look = Option<(i64, Option<i64>)>;

fn refusal(element: ElementId, scope: Scope, row: Look) -> Result<EditRefusal, StoreError> {
    let Some((revision, creator)) = row else {
        return Ok(EditRefusal::NoSuchElement(element));
    };
    let current = DataRevision::new(revision).ok_or_else(|| unexpected("a negative revision"))?;
    match scope {
        // R55: an element without a creator is nobody's own.
        Scope::Own(actor) if creator != Some(actor.get()) => Ok(EditRefusal::NotOwn(element)),
        Scope::Own(_) | Scope::All => Ok(EditRefusal::Stale { element, current }),
    }
}
