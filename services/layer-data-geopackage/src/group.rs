//! Group commit: each edit call has its own savepoint and its own revision, and all share one commit.
//!
//! Immediately before the commit every permit is looked at. If one has run out, the group is rolled back, that call is
//! told so, and the others are done again. An error of the storage ends the whole group with nothing done: SQLite may
//! have rolled it back already.

use std::time::{Duration, Instant};

use layer_data_core::{
    edit::{BatchOutcome, StoredAnswer},
    ports::StoreError,
};
use sqlx::{Connection, SqliteConnection};

use crate::{
    edit::{self, Applied},
    error::{may_end_transaction, store_error},
    store::Catalogue,
    writer::{EditJob, State, confirm_epoch},
};

/// A group takes no more calls after this long; the others go with the next one. Permits live half a second, and
/// a large batch must not let those of its neighbours run out.
const LONGEST: Duration = Duration::from_millis(100);

pub(crate) async fn commit(state: &mut State, mut jobs: Vec<EditJob>) {
    while !jobs.is_empty() {
        let catalogue = state.catalogue().clone();
        let epoch = state.epoch();
        let attempted = match state.connection().await {
            Ok(connection) => attempt(connection, epoch, &catalogue, &jobs).await,
            Err(error) => Err(error),
        };
        match attempted {
            Ok(Attempt::Committed(results)) => {
                let waiting = jobs.split_off(results.len().min(jobs.len()));
                answer(jobs, results, &catalogue);
                jobs = waiting;
            }
            Ok(Attempt::Expired) => jobs = without_expired(jobs),
            Err(error) => {
                state.after(&error).await;
                return refuse(jobs, &error);
            }
        }
    }
}

enum Attempt {
    Committed(Vec<Result<Applied, StoreError>>),
    Expired,
}

async fn attempt(
    connection: &mut SqliteConnection,
    epoch: i64,
    catalogue: &Catalogue,
    jobs: &[EditJob],
) -> Result<Attempt, StoreError> {
    let mut tx = connection
        .begin_with("begin immediate")
        .await
        .map_err(store_error)?;
    confirm_epoch(&mut tx, epoch).await?;
    let begun = Instant::now();
    let mut results = Vec::with_capacity(jobs.len());
    for job in jobs {
        let applied = edit::apply(&mut tx, catalogue, &job.batch).await;
        match applied {
            Err(error) if may_end_transaction(&error) => return Err(error),
            Ok(_) | Err(_) => results.push(applied),
        }
        if begun.elapsed() > LONGEST {
            break;
        }
    }
    let mut done = jobs.iter().take(results.len());
    if done.all(|job| job.batch.is_valid_at(Instant::now())) {
        tx.commit().await.map_err(store_error)?;
        Ok(Attempt::Committed(results))
    } else {
        tx.rollback().await.map_err(store_error)?;
        Ok(Attempt::Expired)
    }
}

fn without_expired(jobs: Vec<EditJob>) -> Vec<EditJob> {
    let now = Instant::now();
    let (valid, expired): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.batch.is_valid_at(now));
    for job in expired {
        // Whoever no longer waits gets no answer.
        let _ = job.reply.send(Err(StoreError::PermitExpired));
    }
    valid
}

fn answer(jobs: Vec<EditJob>, results: Vec<Result<Applied, StoreError>>, catalogue: &Catalogue) {
    for (job, result) in jobs.into_iter().zip(results) {
        let answer = result.map(|applied| published(applied, catalogue));
        // Whoever no longer waits gets no answer; the edit is done all the same.
        let _ = job.reply.send(answer);
    }
}

fn published(applied: Applied, catalogue: &Catalogue) -> StoredAnswer {
    if applied.answer.outcome == BatchOutcome::Committed {
        for (layer, tip) in applied.tips {
            catalogue.advance(layer, tip);
        }
    }
    applied.answer
}

/// The transaction as a whole failed: nobody's edit was done.
fn refuse(jobs: Vec<EditJob>, error: &StoreError) {
    for job in jobs {
        let _ = job.reply.send(Err(error.repeated()));
    }
}
