//! Requests that are retried get the answer that the first try was given (R109).

use std::time::{Duration, Instant};

use jmap_domain::{ActorId, LayerId};
use jmap_postgres::within;
use layer_data_core::{
    edit::{BatchOutcome, Intent, PermittedBatch, RequestKey, StoredAnswer},
    ports::{RequestRow, StoreError},
    value::{AttributeType, DateTime, Value},
};
use sqlx::PgConnection;

use crate::{
    error::{store_error, unexpected},
    lanes::EditJob,
    store::Shared,
    values::{Instant as At, List},
};

/// How long answers are kept: a day.
const KEPT_MILLIS: i64 = 86_400_000;
/// How often those that are older are removed.
const BETWEEN_REMOVALS: Duration = Duration::from_mins(1);

/// What is known of each call: the answer that it was given before, if it was.
pub(crate) type Known = Option<Result<StoredAnswer, StoreError>>;

/// Whether the answers of a group could be kept.
pub(crate) enum Remembered {
    All,
    /// Some of the calls are retries of what was done already.
    SomeAreRetries,
}

/// The answer that a request was given before, if it was.
pub(crate) async fn remembered(
    db: &mut PgConnection,
    actor: ActorId,
    request: RequestKey,
) -> Result<Option<StoredAnswer>, StoreError> {
    let known = known(db, &[(actor, request)]).await?;
    known.into_iter().next().flatten().transpose()
}

/// The answers that calls were given before.
pub(crate) async fn find<'b>(
    db: &mut PgConnection,
    batches: impl Iterator<Item = &'b PermittedBatch>,
) -> Result<Vec<Known>, StoreError> {
    let batches: Vec<_> = batches
        .map(|batch| Some((batch.actor, batch.request?)))
        .collect();
    let asked: Vec<_> = batches.iter().flatten().copied().collect();
    let mut found = known(db, &asked).await?.into_iter();
    let known = batches.iter().map(|batch| {
        let keyed = batch.is_some();
        keyed.then(|| found.next().flatten()).flatten()
    });
    Ok(known.collect())
}

/// The answers that actors' requests were given before.
async fn known(
    db: &mut PgConnection,
    asked: &[(ActorId, RequestKey)],
) -> Result<Vec<Known>, StoreError> {
    let mut known: Vec<Known> = asked.iter().map(|_| None).collect();
    if asked.is_empty() {
        return Ok(known);
    }
    let actors: Vec<i64> = asked.iter().map(|(actor, _)| actor.get()).collect();
    let ids: Vec<[u8; 16]> = asked.iter().map(|(_, request)| request.id).collect();
    let query = sqlx::query_as(include_str!("../sql/find_requests.sql"))
        .bind(actors)
        .bind(ids);
    let rows: Vec<(i64, Vec<u8>, String)> = query.fetch_all(db).await.map_err(store_error)?;
    for (ordinal, content, answer) in rows {
        let Ok(place) = usize::try_from(ordinal - 1) else {
            continue;
        };
        if let (Some((_, request)), Some(slot)) = (asked.get(place), known.get_mut(place)) {
            *slot = Some(read(request, &content, &answer));
        }
    }
    Ok(known)
}

fn read(request: &RequestKey, content: &[u8], answer: &str) -> Result<StoredAnswer, StoreError> {
    if content == request.content {
        StoredAnswer::from_json(answer).map_err(unexpected)
    } else {
        Err(StoreError::RequestReused)
    }
}

/// Keeps the answers of what is about to be committed, in the same transaction.
pub(crate) async fn remember(
    db: &mut PgConnection,
    jobs: &[EditJob],
    answers: &[StoredAnswer],
) -> Result<Remembered, StoreError> {
    let keyed = jobs.iter().zip(answers).filter_map(|(job, answer)| {
        let is_kept =
            answer.outcome == BatchOutcome::Committed && job.batch.intent == Intent::Commit;
        let request = job.batch.request.filter(|_| is_kept)?;
        Some((&job.batch, request, answer))
    });
    let keyed: Vec<_> = keyed.collect();
    if keyed.is_empty() {
        return Ok(Remembered::All);
    }
    let now = DateTime::now();
    let rows = keyed.iter().map(|(batch, key, answer)| RequestRow {
        actor: batch.actor,
        key: *key,
        layers: batch.layers().into_iter().collect(),
        answer,
        created: now,
    });
    let put = put(db, &rows.collect::<Vec<_>>()).await?;
    Ok(if put == keyed.len() as u64 {
        Remembered::All
    } else {
        Remembered::SomeAreRetries
    })
}

/// Keeps answers, and says how many of them were not kept already.
pub(crate) async fn put(db: &mut PgConnection, rows: &[RequestRow<'_>]) -> Result<u64, StoreError> {
    let actors: Vec<i64> = rows.iter().map(|row| row.actor.get()).collect();
    let ids: Vec<[u8; 16]> = rows.iter().map(|row| row.key.id).collect();
    let contents: Vec<[u8; 32]> = rows.iter().map(|row| row.key.content).collect();
    let layers: Vec<String> = rows.iter().map(|row| layers(&row.layers)).collect();
    let answers = rows.iter().map(|row| row.answer.to_json());
    let answers: Result<Vec<String>, _> = answers.collect();
    let times = rows.iter().map(|row| Value::DateTime(row.created));
    let times: Vec<Value> = times.collect();
    let query = sqlx::query(include_str!("../sql/remember_requests.sql"))
        .bind(actors)
        .bind(ids)
        .bind(contents)
        .bind(layers)
        .bind(answers.map_err(unexpected)?)
        .bind(List(AttributeType::DateTime, times.iter().collect()));
    let done = query.execute(db).await.map_err(store_error)?;
    Ok(done.rows_affected())
}

/// The layers as an array's text.
fn layers(layers: &[LayerId]) -> String {
    let ids: Vec<String> = layers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Removes old answers, now and then. What is not removed now is removed the next time.
pub(crate) async fn forget_old(shared: &Shared) {
    if !shared.is_time_to_forget(Instant::now(), BETWEEN_REMOVALS) {
        return;
    }
    let limit = DateTime::from_millis(DateTime::now().millis() - KEPT_MILLIS);
    let (Ok(limit), Ok(mut session)) = (limit, shared.database.session().await) else {
        return;
    };
    let query = sqlx::query(include_str!("../sql/forget_requests.sql")).bind(At(limit));
    match within(shared.database.patience(), query.execute(&mut *session)).await {
        Ok(_) => session.done(),
        Err(error) => {
            tracing::debug!(
                error = &error as &dyn std::error::Error,
                "old answers stay for now"
            );
        }
    }
}
