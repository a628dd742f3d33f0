//! The statements of a group of edits, run by run.

use std::collections::{HashMap, HashSet};

use jmap_domain::{DataRevision, ElementId};
use layer_data_core::{
    edit::{
        Edit, EditRefusal, EditResult, EditedElement, ExpectedRevision, Restored, StoredAnswer,
    },
    element::{ElementRow, NewElement},
    permit::Scope,
    ports::StoreError,
    value::{DateTime, Value},
};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, postgres::PgRow};

use crate::{
    copy,
    error::{store_error, unexpected},
    ewkb,
    lanes::EditJob,
    plan::{Opened, Step, runs},
    rows::Rows,
    store::Layer,
    table::{Column, GeometryColumn, Table},
    unique,
    values::{Instant, List},
};

/// From this many elements on, COPY is faster than a statement with lists.
const COPY_FROM: usize = 256;

/// Writes a group of edit calls and concludes what becomes of each, if it is committed.
pub(crate) async fn write(
    db: &mut PgConnection,
    jobs: &[EditJob],
    opened: &Opened,
    steps: &[Step<'_>],
) -> Result<Vec<StoredAnswer>, StoreError> {
    let mut refusals = HashMap::new();
    for run in runs(steps) {
        let Some(first) = run.first() else { continue };
        let id = first.permitted.permit().layer();
        let open = opened.get(&id).ok_or(StoreError::LayerMissing(id))?;
        let now = open.to.edited;
        let writing = Writing { db, run, now };
        refusals.extend(writing.write(&open.layer).await?);
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
            created: step.permitted.edit().creates(),
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
    async fn write(mut self, layer: &Layer) -> Result<Refusals, StoreError> {
        let table = &layer.table;
        let Some(first) = self.run.first() else {
            return Ok(Vec::new());
        };
        let mut sql = QueryBuilder::default();
        match first.permitted.edit() {
            Edit::Create(_) => return self.create(layer).await,
            Edit::Update { patch, .. } => {
                let columns = patch.values().iter();
                let columns: Vec<&Column> =
                    columns.filter_map(|(id, _)| table.column(*id)).collect();
                self.update(&mut sql, table, &columns);
            }
            Edit::Delete { .. } => self.delete(&mut sql, table),
            Edit::Restore(_) => self.restore(&mut sql, table),
        }
        let written: Vec<(i64,)> = fetch(self.db, sql).await?;
        let written = written.into_iter().map(|(element,)| element).collect();
        self.missed(layer, &written).await
    }

    /// Creates the elements, but for those that ask for values that are taken.
    async fn create(self, layer: &Layer) -> Result<Refusals, StoreError> {
        let Self { db, run, now } = self;
        let refused = unique::refused(db, layer, run).await?;
        let accepted = run.iter().copied();
        let accepted = accepted.filter(|step| !refused.contains_key(&step.place));
        let accepted: Vec<Step<'_>> = accepted.collect();
        if !accepted.is_empty() {
            let run = accepted.as_slice();
            Writing { db, run, now }.put(&layer.table).await?;
        }
        Ok(refused.into_iter().collect())
    }

    async fn put(self, table: &Table) -> Result<(), StoreError> {
        let created = self.created();
        if created.len() < COPY_FROM {
            let mut sql = QueryBuilder::default();
            self.insert(&mut sql, table, &created);
            sql.build().execute(self.db).await.map_err(store_error)?;
        } else {
            let rows = created.iter().map(|(step, new)| {
                let by = (step.permitted.permit().actor(), self.now);
                ElementRow::created(step.element, step.revision, new, by)
            });
            copy::rows(self.db, table, table.columns().len(), rows).await?;
        }
        Ok(())
    }

    fn created(&self) -> Vec<(&'a Step<'a>, &'a NewElement)> {
        let created = self.run.iter();
        let created = created.filter_map(|step| Some((step, step.permitted.edit().created()?)));
        created.collect()
    }

    fn insert(
        &self,
        sql: &mut QueryBuilder<Postgres>,
        table: &Table,
        created: &[(&Step<'_>, &NewElement)],
    ) {
        table.insert(sql);
        sql.push(" from ");
        let geometries = created
            .iter()
            .map(|(_, new)| ewkb::Parameter(new.geometry()));
        let mut rows = self.stamps(Rows::begin(sql, created.len()));
        rows = rows.column("geom", geometries.collect::<Vec<_>>());
        for (place, column) in table.columns().iter().enumerate() {
            let values = created.iter().map(|(_, new)| new.values().get(place));
            rows = rows.column(format!("v{place}"), list(column, values));
        }
        rows.finish();
        self.push_now(sql);
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
        sql.push("with e as (select * from ");
        let mut rows = self.targets(self.stamps(Rows::begin(sql, patches.len())));
        for (place, column) in columns.iter().enumerate() {
            let values = patches.iter().map(|patch| patch.values().get(place));
            let values = values.map(|pair| pair.map(|(_, value)| value));
            rows = rows.column(format!("v{place}"), list(column, values));
        }
        if geometry == GeometryColumn::Included {
            rows = rows.column("geom", geometries);
        }
        rows.finish();
        let unique = table.unique_among(columns);
        self.push_moment(sql);
        table.keep(sql, &unique);
        table.update(sql, geometry, columns.iter().copied());
        sql.push(" from e, n");
        table.only_targets(sql, &unique);
    }

    fn delete(&self, sql: &mut QueryBuilder<Postgres>, table: &Table) {
        sql.push("with e as (select * from ");
        let rows = Rows::begin(sql, self.run.len());
        self.targets(self.stamps(rows)).finish();
        self.push_moment(sql);
        table.keep(sql, &[]);
        table.delete(sql);
        sql.push(" using e");
        table.only_targets(sql, &[]);
    }

    fn restore(&self, sql: &mut QueryBuilder<Postgres>, table: &Table) {
        sql.push("with e as (select * from ");
        let restored = self.run.iter().filter_map(restored_of);
        let revisions = restored.map(|one| (one.version.get(), one.deleted.get()));
        let (versions, deleted): (Vec<i64>, Vec<i64>) = revisions.unzip();
        let rows = self.stamps(Rows::begin(sql, self.run.len()));
        let rows = rows.column("version", versions).column("deleted", deleted);
        self.owners(rows).finish();
        self.push_moment(sql);
        table.restore(sql);
    }

    /// Ends the rows of a statement. What it replaces is kept by the same one: one way to the database and back for both.
    fn push_moment(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push("), n as (select ");
        sql.push_bind(Instant(self.now))
            .push("::timestamptz as moment)");
    }

    /// The moment of the edits, which SQL knows as `n.moment`.
    fn push_now(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(", (select ")
            .push_bind(Instant(self.now))
            .push("::timestamptz as moment) as n");
    }

    fn elements(&self) -> Vec<i64> {
        self.run.iter().map(|step| step.element.get()).collect()
    }

    /// Adds ids, revisions and actors.
    fn stamps<'s>(&self, rows: Rows<'s>) -> Rows<'s> {
        let revisions = self.run.iter().map(|step| step.revision.get());
        let actors = self.run.iter();
        let actors = actors.map(|step| step.permitted.permit().actor().get());
        rows.column("fid", self.elements())
            .column("revision", revisions.collect::<Vec<_>>())
            .column("actor", actors.collect::<Vec<_>>())
    }

    /// Adds what each element must be like to be written to.
    fn targets<'s>(&self, rows: Rows<'s>) -> Rows<'s> {
        let expected = self.run.iter().filter_map(expected_of);
        let revisions = expected.map(|expected| match expected {
            ExpectedRevision::Any => (true, 0),
            ExpectedRevision::Revision(revision) => (false, revision.get()),
        });
        let (any, expected): (Vec<bool>, Vec<i64>) = revisions.unzip();
        let rows = rows.column("any_revision", any);
        self.owners(rows.column("expected", expected))
    }

    /// Adds whose each element must be.
    fn owners<'s>(&self, rows: Rows<'s>) -> Rows<'s> {
        let scopes = self.run.iter().map(|step| step.permitted.permit().scope());
        let creators = scopes.map(|scope| match scope {
            Scope::All => (true, 0),
            Scope::Own(actor) => (false, actor.get()),
        });
        let (anybodys, creator): (Vec<bool>, Vec<i64>) = creators.unzip();
        rows.column("anybodys", anybodys).column("creator", creator)
    }

    /// Why a statement did not write to some; in the same transaction, so the answer is about the same state.
    async fn missed(
        &mut self,
        layer: &Layer,
        written: &HashSet<i64>,
    ) -> Result<Refusals, StoreError> {
        let missed = self
            .run
            .iter()
            .filter(|step| !written.contains(&step.element.get()));
        let missed: Vec<&Step<'_>> = missed.collect();
        if missed.is_empty() {
            return Ok(Vec::new());
        }
        let elements = missed.iter().map(|step| step.element.get()).collect();
        let sql = if missed.iter().any(|step| restored_of(step).is_some()) {
            layer.table.look_deleted(elements)
        } else {
            layer.table.look(elements)
        };
        let rows: Vec<(i64, i64, Option<i64>)> = fetch(self.db, sql).await?;
        let found: HashMap<i64, (i64, Option<i64>)> = rows
            .into_iter()
            .map(|(id, revision, creator)| (id, (revision, creator)))
            .collect();
        let mut refusals = Vec::with_capacity(missed.len());
        for step in missed {
            let row = found.get(&step.element.get()).copied();
            let refusal = refusal(step.element, step.permitted.permit().scope(), row)?;
            let taken = if step.alone && is_as_expected(step, &refusal) {
                unique::taken(self.db, layer, step).await?
            } else {
                None
            };
            refusals.push((step.place, taken.unwrap_or(refusal)));
        }
        Ok(refusals)
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

/// Whether an element that a statement did not write to was as expected: then it is the values that were not.
fn is_as_expected(step: &Step<'_>, refusal: &EditRefusal) -> bool {
    let deleted = restored_of(step).map(|one| ExpectedRevision::Revision(one.deleted));
    let expected = expected_of(step).or(deleted);
    matches!(refusal, EditRefusal::Stale { current, .. }
        if expected.is_some_and(|expected| expected.admits(*current)))
}

fn expected_of(step: &Step<'_>) -> Option<ExpectedRevision> {
    match step.permitted.edit() {
        Edit::Create(_) | Edit::Restore(_) => None,
        Edit::Update { expected, .. } | Edit::Delete { expected, .. } => Some(*expected),
    }
}

fn restored_of<'a>(step: &Step<'a>) -> Option<&'a Restored> {
    match step.permitted.edit() {
        Edit::Restore(restored) => Some(restored),
        Edit::Create(_) | Edit::Update { .. } | Edit::Delete { .. } => None,
    }
}

fn patch_of<'a>(step: &Step<'a>) -> Option<&'a layer_data_core::element::ElementPatch> {
    match step.permitted.edit() {
        Edit::Update { patch, .. } => Some(patch),
        Edit::Create(_) | Edit::Delete { .. } | Edit::Restore(_) => None,
    }
}

/// A list of values; what an element does not have is null.
fn list<'v>(column: &Column, values: impl Iterator<Item = Option<&'v Value>>) -> List<'v> {
    let values = values.map(|value| value.unwrap_or(&Value::Null));
    List(column.kind, values.collect())
}

async fn fetch<R>(
    db: &mut PgConnection,
    mut sql: QueryBuilder<Postgres>,
) -> Result<Vec<R>, StoreError>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let query = sql.build_query_as();
    query.fetch_all(db).await.map_err(store_error)
}
