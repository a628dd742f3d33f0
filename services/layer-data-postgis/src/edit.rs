//! The statements of a group of edits, run by run.

use std::collections::{HashMap, HashSet};

use jmap_domain::{DataRevision, ElementId};
use layer_data_core::{
    edit::{Edit, EditRefusal, EditResult, EditedElement, ExpectedRevision, StoredAnswer},
    element::{ElementRow, NewElement},
    permit::Scope,
    ports::StoreError,
    value::{AttributeType, DateTime, Value},
};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use crate::{
    copy,
    error::{store_error, unexpected},
    ewkb,
    lanes::EditJob,
    plan::{Open, Opened, Step, runs},
    table::{Column, GeometryColumn, Table, Target},
    values::{Instant, List},
};

/// From this many elements on, COPY is faster than a statement with lists.
const COPY_FROM: usize = 256;

/// Why a group could not be written.
pub(crate) enum Trouble {
    /// The stored counters or the tenure are not what this process believes.
    Stale,
    /// Anything else.
    Store(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(store_error(error))
    }
}

/// Writes a group of edit calls and concludes what becomes of each, if it is committed.
pub(crate) async fn write(
    db: &mut PgConnection,
    jobs: &[EditJob],
    (opened, steps): (&mut Opened, &[Step<'_>]),
    tenure: i64,
) -> Result<Vec<StoredAnswer>, Trouble> {
    let now = DateTime::now();
    let mut refusals = HashMap::new();
    for run in runs(steps) {
        let Some(first) = run.first() else { continue };
        let id = first.permitted.permit().layer();
        let open = opened.get_mut(&id).ok_or(StoreError::LayerMissing(id))?;
        let writing = Writing { db, run, now };
        refusals.extend(writing.write(open, tenure).await?);
    }
    Ok(conclude(jobs, steps, &refusals))
}

fn conclude(
    jobs: &[EditJob],
    steps: &[Step<'_>],
    refusals: &HashMap<(usize, usize), EditRefusal>,
) -> Vec<StoredAnswer> {
    let mut results: Vec<Vec<(u32, EditResult)>> = jobs.iter().map(|_| Vec::new()).collect();
    for step in steps {
        let done = EditedElement {
            element: step.element,
            revision: step.revision,
        };
        let result = refusals
            .get(&step.place)
            .map_or(EditResult::Done(done), |why| {
                EditResult::Refused(why.clone())
            });
        if let Some(results) = results.get_mut(step.place.0) {
            results.push((step.permitted.index(), result));
        }
    }
    let answers = jobs.iter().zip(results);
    answers
        .map(|(job, results)| StoredAnswer::conclude(&job.batch, results))
        .collect()
}

type Refusals = Vec<((usize, usize), EditRefusal)>;

/// A run on its way.
struct Writing<'a> {
    db: &'a mut PgConnection,
    run: &'a [Step<'a>],
    now: DateTime,
}

impl<'a> Writing<'a> {
    async fn write(mut self, open: &mut Open, tenure: i64) -> Result<Refusals, Trouble> {
        let layer = std::sync::Arc::clone(&open.layer);
        let table = &layer.table;
        let created = self.created();
        if created.len() >= COPY_FROM {
            self.advance(open, tenure).await?;
            let rows = created.iter().map(|(step, new)| {
                let by = (step.permitted.permit().actor(), self.now);
                ElementRow::created(step.element, step.revision, new, by)
            });
            copy::rows(self.db, table, rows).await?;
            return Ok(Vec::new());
        }
        let advance = open.advance(tenure);
        let mut sql = table.begin(advance.as_ref());
        match self.run.first().map(|step| step.permitted.edit()) {
            None => Table::write_nothing(&mut sql),
            Some(Edit::Create(_)) => self.insert(&mut sql, table, &created),
            Some(Edit::Update { patch, .. }) => {
                let columns = patch.values().iter();
                let columns: Vec<&Column> =
                    columns.filter_map(|(id, _)| table.column(*id)).collect();
                self.update(&mut sql, table, &columns);
            }
            Some(Edit::Delete { .. }) => self.delete(&mut sql, table),
        }
        let written = self.execute(sql).await?;
        if created.is_empty() {
            self.missed(table, &written).await
        } else {
            Ok(Vec::new())
        }
    }

    fn created(&self) -> Vec<(&'a Step<'a>, &'a NewElement)> {
        let created = self.run.iter().map(|step| match step.permitted.edit() {
            Edit::Create(new) => Some((step, new)),
            Edit::Update { .. } | Edit::Delete { .. } => None,
        });
        created.flatten().collect()
    }

    /// Raises the counters, where the statement that writes cannot.
    async fn advance(&mut self, open: &mut Open, tenure: i64) -> Result<(), Trouble> {
        let Some(advance) = open.advance(tenure) else {
            return Ok(());
        };
        let mut sql = open.layer.table.begin(Some(&advance));
        Table::write_nothing(&mut sql);
        self.execute(sql).await.map(drop)
    }

    /// The ids of the elements that a statement wrote to.
    async fn execute(&mut self, mut sql: QueryBuilder<Postgres>) -> Result<HashSet<i64>, Trouble> {
        Table::finish(&mut sql);
        let query = sql.build_query_as();
        let (advanced, written): (i64, Vec<i64>) = query.fetch_one(&mut *self.db).await?;
        if advanced == 0 {
            return Err(Trouble::Stale);
        }
        Ok(written.into_iter().collect())
    }

    fn insert(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        table: &Table,
        created: &[(&Step<'_>, &NewElement)],
    ) {
        table.insert(sql);
        sql.push(" from (select *, ")
            .push_bind(Instant(self.now))
            .push("::timestamptz as moment from unnest(");
        self.push_stamps(sql);
        let geometries = created
            .iter()
            .map(|(_, new)| ewkb::Parameter(new.geometry()));
        sql.push(", ").push_bind(geometries.collect::<Vec<_>>());
        for (place, column) in table.columns().iter().enumerate() {
            let values = created.iter().map(|(_, new)| new.values().get(place));
            push_list(sql, column, values);
        }
        sql.push(") as e (fid, revision, actor, geom");
        push_names(sql, table.columns().len());
        sql.push(")) as e where exists (select from counters) returning t.\"fid\"");
    }

    fn update(&self, sql: &mut QueryBuilder<Postgres>, table: &Table, columns: &[&Column]) {
        let patches: Vec<_> = self.run.iter().filter_map(patch_of).collect();
        let geometries = patches.iter().filter_map(|patch| patch.geometry());
        let geometries: Vec<_> = geometries.map(ewkb::Parameter).collect();
        let geometry = if geometries.is_empty() {
            GeometryColumn::LeftOut
        } else {
            GeometryColumn::Included
        };
        table.update(sql, geometry, columns.iter().copied());
        sql.push(" from (select *, ")
            .push_bind(Instant(self.now))
            .push("::timestamptz as moment from unnest(");
        self.push_stamps(sql);
        self.push_targets(sql);
        for (place, column) in columns.iter().enumerate() {
            let values = patches.iter().map(|patch| patch.values().get(place));
            push_list(sql, column, values.map(|pair| pair.map(|(_, value)| value)));
        }
        if geometry == GeometryColumn::Included {
            sql.push(", ").push_bind(geometries);
        }
        sql.push(") as e (fid, revision, actor, any_revision, expected, anybodys, creator");
        push_names(sql, columns.len());
        if geometry == GeometryColumn::Included {
            sql.push(", geom");
        }
        sql.push(")) as e");
        Table::only_targets(sql);
    }

    fn delete(&self, sql: &mut QueryBuilder<Postgres>, table: &Table) {
        table.delete(sql);
        sql.push(" using unnest(").push_bind(self.elements());
        self.push_targets(sql);
        sql.push(") as e (fid, any_revision, expected, anybodys, creator)");
        Table::only_targets(sql);
    }

    fn elements(&self) -> Vec<i64> {
        self.run.iter().map(|step| step.element.get()).collect()
    }

    /// Ids, revisions and actors, as lists.
    fn push_stamps(&self, sql: &mut QueryBuilder<Postgres>) {
        let revisions = self.run.iter().map(|step| step.revision.get());
        let actors = self
            .run
            .iter()
            .map(|step| step.permitted.permit().actor().get());
        sql.push_bind(self.elements());
        sql.push(", ").push_bind(revisions.collect::<Vec<_>>());
        sql.push(", ").push_bind(actors.collect::<Vec<_>>());
    }

    /// What each element must be like to be written to, as lists.
    fn push_targets(&self, sql: &mut QueryBuilder<Postgres>) {
        let targets: Vec<Target> = self.run.iter().filter_map(target_of).collect();
        let revisions = targets.iter().map(|target| match target.expected {
            ExpectedRevision::Any => (true, 0),
            ExpectedRevision::Revision(revision) => (false, revision.get()),
        });
        let (any, expected): (Vec<bool>, Vec<i64>) = revisions.unzip();
        let creators = targets.iter().map(|target| match target.scope {
            Scope::All => (true, 0),
            Scope::Own(actor) => (false, actor.get()),
        });
        let (anybodys, creator): (Vec<bool>, Vec<i64>) = creators.unzip();
        sql.push(", ").push_bind(any).push(", ").push_bind(expected);
        sql.push(", ")
            .push_bind(anybodys)
            .push(", ")
            .push_bind(creator);
    }

    /// Why a statement did not write to some; in the same transaction, so the answer is about the same state.
    async fn missed(&mut self, table: &Table, written: &HashSet<i64>) -> Result<Refusals, Trouble> {
        let missed = self
            .run
            .iter()
            .filter(|step| !written.contains(&step.element.get()));
        let missed: Vec<&Step<'_>> = missed.collect();
        if missed.is_empty() {
            return Ok(Vec::new());
        }
        let mut sql = table.look(missed.iter().map(|step| step.element.get()).collect());
        let rows: Vec<(i64, i64, Option<i64>)> =
            sql.build_query_as().fetch_all(&mut *self.db).await?;
        let found: HashMap<i64, (i64, Option<i64>)> = rows
            .into_iter()
            .map(|(id, revision, creator)| (id, (revision, creator)))
            .collect();
        let refusals = missed.into_iter().map(|step| {
            let row = found.get(&step.element.get()).copied();
            Ok((
                step.place,
                refusal(step.element, step.permitted.permit().scope(), row)?,
            ))
        });
        refusals.collect()
    }
}

fn refusal(
    element: ElementId,
    scope: Scope,
    row: Option<(i64, Option<i64>)>,
) -> Result<EditRefusal, StoreError> {
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

fn target_of(step: &Step<'_>) -> Option<Target> {
    match step.permitted.edit() {
        Edit::Create(_) => None,
        Edit::Update { expected, .. } | Edit::Delete { expected, .. } => Some(Target {
            expected: *expected,
            scope: step.permitted.permit().scope(),
        }),
    }
}

fn patch_of<'a>(step: &Step<'a>) -> Option<&'a layer_data_core::element::ElementPatch> {
    match step.permitted.edit() {
        Edit::Update { patch, .. } => Some(patch),
        Edit::Create(_) | Edit::Delete { .. } => None,
    }
}

/// Adds a list of values; what an element does not have is null.
fn push_list<'v>(
    sql: &mut QueryBuilder<Postgres>,
    column: &Column,
    values: impl Iterator<Item = Option<&'v Value>>,
) {
    let kind: AttributeType = column.kind;
    let values = values.map(|value| value.unwrap_or(&Value::Null)).collect();
    sql.push(", ").push_bind(List(kind, values));
}

fn push_names(sql: &mut QueryBuilder<Postgres>, count: usize) {
    for place in 0..count {
        sql.push(", v").push(place);
    }
}
