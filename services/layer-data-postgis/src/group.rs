//! Group commit: each edit call has its own revision, and all share one commit.
//!
//! A group is written as if every call went well, without savepoints. Should one of several calls have to be undone,
//! or the database refuse something, all is rolled back and each call is done alone; on several layers, each layer's
//! calls are first tried together. Immediately before the commit
//! every permit is looked at: if one has run out, the group is rolled back, that call is told so, and the others are
//! done again.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use jmap_domain::{DataRevision, LayerId};
use jmap_postgres::{Transaction, is_outcome_unknown};
use layer_data_core::{
    edit::{BatchOutcome, EditResult, StoredAnswer},
    ports::StoreError,
    value::DateTime,
};

use crate::{
    edit,
    error::{answered, store_error, unexpected},
    lanes::{EditJob, HeldLane},
    plan::{self, Open, Opened},
    requests::{self, Remembered},
    store::{KnownCounters, Layer, Shared},
    table::Counters,
};
use tokio::sync::OwnedMutexGuard;

/// How often a group is tried that others' work has made impossible.
const ATTEMPTS: u32 = 4;

/// How long a group waits for what somebody else has locked, when its calls are on several layers.
const BRIEFLY: Duration = Duration::from_millis(20);

/// How long a group waits for a layer that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    AsUsual,
    /// Its calls are on several layers, and can be done apart.
    Briefly,
}

impl Wait {
    fn of(jobs: &[EditJob]) -> Self {
        if are_on_several_layers(jobs) {
            Self::Briefly
        } else {
            Self::AsUsual
        }
    }
}

/// How an attempt ended, when not by an error.
enum Attempt {
    /// All is done, or rightly not done.
    Concluded(Vec<Result<StoredAnswer, StoreError>>),
    /// There was no connection to do it on.
    NotBegun(StoreError),
    /// A permit ran out.
    Expired,
    /// Some calls are retries of what was done already.
    Retries,
    /// A call has to be undone without the others.
    Apart,
    /// The counters in memory were wrong, and are forgotten.
    Stale,
    /// The definition of a layer was changed after a call was checked against it.
    Outdated,
}

/// Does what was waiting in these lanes, and answers.
pub(crate) async fn commit(shared: &Arc<Shared>, lanes: Vec<HeldLane>, jobs: Vec<EditJob>) {
    let has_requests = jobs.iter().any(|job| job.batch.request.is_some());
    let mut apart = together(shared, jobs).await;
    if lanes.len() > 1 {
        for lane in lanes {
            let is_its = |job: &mut EditJob| job.lane() == Some(lane.id);
            let its: Vec<EditJob> = apart.extract_if(.., is_its).collect();
            if !its.is_empty() {
                // What holds up one lane holds up no other.
                tokio::spawn(by_itself(Arc::clone(shared), lane, its));
            }
        }
    } else {
        one_by_one(shared, apart).await;
    }
    if has_requests {
        requests::forget_old(shared).await;
    }
}

async fn by_itself(shared: Arc<Shared>, _lane: HeldLane, jobs: Vec<EditJob>) {
    let apart = together(&shared, jobs).await;
    one_by_one(&shared, apart).await;
}

async fn one_by_one(shared: &Shared, jobs: Vec<EditJob>) {
    for job in jobs {
        // One call alone is never apart from others.
        together(shared, vec![job]).await;
    }
}

/// Does calls in one transaction, and answers; those that cannot be done in one are given back.
async fn together(shared: &Shared, mut jobs: Vec<EditJob>) -> Vec<EditJob> {
    let mut error = StoreError::Unavailable;
    for _ in 0..ATTEMPTS {
        if jobs.is_empty() {
            return jobs;
        }
        match answered(shared.database.patience(), attempt(shared, &jobs)).await {
            Ok(Attempt::Concluded(answers)) => {
                answer(jobs, answers);
                return Vec::new();
            }
            Ok(Attempt::Expired) => jobs = without_expired(jobs),
            Ok(Attempt::Retries) => jobs = without_retries(shared, jobs).await,
            Ok(Attempt::Stale) => {}
            Ok(Attempt::Outdated) => jobs = without_outdated(shared, jobs),
            Ok(Attempt::NotBegun(why)) => {
                error = why;
                break;
            }
            Ok(Attempt::Apart) => return jobs,
            Err(why) if may_be_of_one(&why, &jobs) => return jobs,
            Err(why) => {
                error = why;
                break;
            }
        }
    }
    refuse(jobs, &error);
    Vec::new()
}

fn are_on_several_layers(jobs: &[EditJob]) -> bool {
    let mut lanes = jobs.iter().map(EditJob::lane);
    let first = lanes.next();
    lanes.any(|lane| Some(lane) != first)
}

/// Whether an error may be the fault of one of several calls, or of one of their layers.
fn may_be_of_one(error: &StoreError, jobs: &[EditJob]) -> bool {
    match error {
        StoreError::Unexpected(_)
        | StoreError::LayerMissing(_)
        | StoreError::DefinitionChanged(_)
        | StoreError::Dependent(_)
        | StoreError::LayerExists(_)
        | StoreError::RequestReused
        | StoreError::OtherInstallation
        | StoreError::PermitExpired => jobs.len() > 1,
        // Somebody has locked something.
        StoreError::Overloaded => are_on_several_layers(jobs),
        StoreError::Unavailable => false,
    }
}

async fn attempt(shared: &Shared, jobs: &[EditJob]) -> Result<Attempt, StoreError> {
    let wait = Wait::of(jobs);
    let Some(locked) = lock(shared, jobs, wait).await? else {
        return Ok(Attempt::Apart);
    };
    // From here on the definitions stay: who changes one waits for the counters.
    if jobs
        .iter()
        .any(|job| job.outdated(&shared.catalogue).is_some())
    {
        return Ok(Attempt::Outdated);
    }
    let begun = match wait {
        Wait::Briefly => shared.database.begin_waiting(BRIEFLY).await,
        Wait::AsUsual => shared.database.begin().await,
    };
    let mut tx = match begun {
        Ok(tx) => tx,
        Err(why) => return Ok(Attempt::NotBegun(store_error(why))),
    };
    tx.uses_tables(locked.len());
    let mut opened = open(shared, &mut tx, locked).await?;
    let steps = plan::steps(jobs, &mut opened)?;
    if !advance(&mut tx, &opened, shared.lease.tenure()).await? {
        return stale(shared, tx, opened).await;
    }
    let answers = edit::write(&mut tx, jobs, &opened, &steps).await?;
    let has_to_be_split = jobs.len() > 1 && answers.iter().any(has_to_be_undone);
    if has_to_be_split {
        rollback(tx).await;
        return Ok(Attempt::Apart);
    }
    let is_worth_it = answers.iter().any(is_committed);
    let remembered = requests::remember(&mut tx, jobs, &answers).await?;
    let answers = recall(&mut tx, jobs, answers).await?;
    let is_valid = jobs.iter().all(|job| job.batch.is_valid_at(Instant::now()));
    match remembered {
        Remembered::All if is_worth_it && is_valid => finish(shared, tx, opened).await?,
        Remembered::All | Remembered::SomeAreRetries => rollback(tx).await,
    }
    Ok(match remembered {
        _ if !is_valid => Attempt::Expired,
        Remembered::All => Attempt::Concluded(answers),
        Remembered::SomeAreRetries => Attempt::Retries,
    })
}

fn is_committed(answer: &StoredAnswer) -> bool {
    answer.outcome == BatchOutcome::Committed
}

/// Whether something was written that is not to be kept.
fn has_to_be_undone(answer: &StoredAnswer) -> bool {
    let is_written = |(_, result): &(u32, EditResult)| match result {
        EditResult::Done(_) | EditResult::NotAttempted => true,
        EditResult::Refused(_) => false,
    };
    !is_committed(answer) && answer.results.iter().any(is_written)
}

/// Takes the layers for this group, in the order of their ids, so that groups cannot wait for each other in a circle.
/// None when one of several calls would have to wait.
async fn lock(
    shared: &Shared,
    jobs: &[EditJob],
    wait: Wait,
) -> Result<Option<Vec<Locked>>, StoreError> {
    let ids: BTreeSet<LayerId> = jobs.iter().flat_map(|job| job.batch.layers()).collect();
    let mut locked = Vec::with_capacity(ids.len());
    for id in ids {
        let layer = shared.found(id)?.0;
        let counters = Arc::clone(&layer.counters);
        let known = match (wait, counters.try_lock_owned()) {
            (_, Ok(known)) => known,
            (Wait::Briefly, Err(_)) => return Ok(None),
            (Wait::AsUsual, Err(_)) => Arc::clone(&layer.counters).lock_owned().await,
        };
        // It may have been changed meanwhile, or dropped.
        locked.push((shared.found(id)?.0, known));
    }
    Ok(Some(locked))
}

type Locked = (Arc<Layer>, OwnedMutexGuard<KnownCounters>);

async fn open(
    shared: &Shared,
    tx: &mut Transaction,
    locked: Vec<Locked>,
) -> Result<Opened, StoreError> {
    let mut opened = Opened::new();
    for (layer, known) in locked {
        let from = if let Some(counters) = *known {
            counters
        } else {
            let stored = counters(tx, layer.id).await?;
            // What was committed without anybody's seeing it is told to those who follow.
            shared.catalogue.advance(layer.id, stored.tip());
            stored
        };
        opened.insert(layer.id, Open::new(layer, known, from));
    }
    Ok(opened)
}

async fn counters(tx: &mut Transaction, layer: LayerId) -> Result<Counters, StoreError> {
    let query = sqlx::query_as(include_str!("../sql/counters.sql")).bind(layer.get());
    let row: Option<(i64, i64, i64, i64)> =
        query.fetch_optional(&mut **tx).await.map_err(store_error)?;
    let (number, next_element, edited, restored) = row.ok_or(StoreError::LayerMissing(layer))?;
    let revision =
        |number| DataRevision::new(number).ok_or_else(|| unexpected("a negative revision"));
    Ok(Counters {
        restored: revision(restored)?,
        revision: revision(number)?,
        next_element,
        edited: DateTime::from_millis(edited).map_err(unexpected)?,
    })
}

/// Raises the stored counters before anything is written under them; whether they were what this process believes.
async fn advance(tx: &mut Transaction, opened: &Opened, tenure: i64) -> Result<bool, StoreError> {
    let list = |number: fn(&Open) -> i64| opened.values().map(number).collect::<Vec<i64>>();
    let query = sqlx::query(include_str!("../sql/advance_counters.sql"))
        .bind(list(|open| open.layer.id.get()))
        .bind(list(|open| open.from.revision.get()))
        .bind(list(|open| open.from.next_element))
        .bind(list(|open| open.to.revision.get()))
        .bind(list(|open| open.to.next_element))
        .bind(list(|open| open.to.edited.millis()))
        .bind(list(|open| open.to.restored.get()))
        .bind(tenure);
    let raised = query.execute(&mut **tx).await.map_err(store_error)?;
    Ok(raised.rows_affected() == opened.len() as u64)
}

/// The counters in memory are not the stored ones: after a commit of which nobody knew whether it happened, or because
/// the store is another process's now.
async fn stale(
    shared: &Shared,
    mut tx: Transaction,
    opened: Opened,
) -> Result<Attempt, StoreError> {
    for mut open in opened.into_values() {
        *open.known = None;
    }
    let query = sqlx::query_scalar(include_str!("../sql/tenure.sql"));
    let tenure: i64 = query.fetch_one(&mut *tx).await.map_err(store_error)?;
    rollback(tx).await;
    if tenure == shared.lease.tenure() {
        Ok(Attempt::Stale)
    } else {
        Err(StoreError::Unavailable)
    }
}

/// Replaces refusals of calls that are retries: what was done already cannot be done again, and was done.
async fn recall(
    tx: &mut Transaction,
    jobs: &[EditJob],
    answers: Vec<StoredAnswer>,
) -> Result<Vec<Result<StoredAnswer, StoreError>>, StoreError> {
    let refused = jobs
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| !is_committed(answer));
    let mut known = requests::find(tx, refused.map(|(job, _)| &job.batch))
        .await?
        .into_iter();
    let recalled = answers.into_iter().map(|answer| {
        if is_committed(&answer) {
            return Ok(answer);
        }
        known.next().flatten().unwrap_or(Ok(answer))
    });
    Ok(recalled.collect())
}

/// Commits, and publishes the new counters. When nobody knows whether it was committed, the counters are forgotten.
async fn finish(shared: &Shared, tx: Transaction, opened: Opened) -> Result<(), StoreError> {
    let committed = tx.commit().await;
    let is_unknown = committed.as_ref().is_err_and(is_outcome_unknown);
    for (id, mut open) in opened {
        if is_unknown {
            *open.known = None;
        } else if committed.is_ok() {
            *open.known = Some(open.to);
            shared.catalogue.advance(id, open.to.tip());
        }
    }
    committed.map_err(store_error)
}

/// A failure closes the connection, which undoes the work as well.
async fn rollback(tx: Transaction) {
    if let Err(error) = tx.rollback().await {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a connection was lost"
        );
    }
}

fn without_expired(jobs: Vec<EditJob>) -> Vec<EditJob> {
    let now = Instant::now();
    let (valid, expired): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.batch.is_valid_at(now));
    for job in expired {
        job.answer(Err(StoreError::PermitExpired));
    }
    valid
}

fn without_outdated(shared: &Shared, jobs: Vec<EditJob>) -> Vec<EditJob> {
    let mut rest = Vec::with_capacity(jobs.len());
    for job in jobs {
        match job.outdated(&shared.catalogue) {
            Some(layer) => job.answer(Err(StoreError::DefinitionChanged(layer))),
            None => rest.push(job),
        }
    }
    rest
}

/// Answers retries as their first tries were, and gives the others back; none when the answers cannot be read.
async fn without_retries(shared: &Shared, jobs: Vec<EditJob>) -> Vec<EditJob> {
    let jobs = without_expired(jobs);
    let known = match answered(shared.database.patience(), known(shared, &jobs)).await {
        Ok(known) => known,
        Err(error) => {
            refuse(jobs, &error);
            return Vec::new();
        }
    };
    let mut rest = Vec::new();
    for (job, known) in jobs.into_iter().zip(known) {
        match known {
            Some(answer) => job.answer(answer),
            None => rest.push(job),
        }
    }
    rest
}

async fn known(shared: &Shared, jobs: &[EditJob]) -> Result<Vec<requests::Known>, StoreError> {
    let mut session = shared.database.session().await.map_err(store_error)?;
    let known = requests::find(&mut session, jobs.iter().map(|job| &job.batch)).await?;
    session.done();
    Ok(known)
}

fn answer(jobs: Vec<EditJob>, answers: Vec<Result<StoredAnswer, StoreError>>) {
    for (job, answer) in jobs.into_iter().zip(answers) {
        job.answer(answer);
    }
}

/// The transaction as a whole failed: nobody's edit was done.
fn refuse(jobs: Vec<EditJob>, error: &StoreError) {
    for job in jobs {
        job.answer(Err(error.repeated()));
    }
}
