//! Requests that are retried get the answer that the first try was given (R109).

use jmap_domain::ActorId;
use layer_data_core::{
    edit::{Intent, PermittedBatch, RequestKey, StoredAnswer},
    ports::{RequestRow, StoreError},
    value::DateTime,
};
use sqlx::SqliteConnection;

use crate::error::{store_error, unexpected};

/// How long answers are kept: a day.
const KEPT_MILLIS: i64 = 86_400_000;

/// The answer that the batch was given before, if it was.
pub(crate) async fn find(
    db: &mut SqliteConnection,
    batch: &PermittedBatch,
) -> Result<Option<StoredAnswer>, StoreError> {
    match &batch.request {
        Some(request) => remembered(db, batch.actor, request).await,
        None => Ok(None),
    }
}

/// The answer that the request was given before, if it was.
pub(crate) async fn remembered(
    db: &mut SqliteConnection,
    actor: ActorId,
    RequestKey { id, content }: &RequestKey,
) -> Result<Option<StoredAnswer>, StoreError> {
    let query = sqlx::query_as(include_str!("../sql/find_request.sql"))
        .bind(actor.get())
        .bind(&id[..]);
    let row: Option<(Vec<u8>, String)> = query.fetch_optional(db).await.map_err(store_error)?;
    match row {
        None => Ok(None),
        Some((kept, _)) if kept != *content => Err(StoreError::RequestReused),
        Some((_, answer)) => StoredAnswer::from_json(&answer)
            .map(Some)
            .map_err(unexpected),
    }
}

/// Keeps the answer in the transaction of the edit, and forgets old ones.
pub(crate) async fn remember(
    db: &mut SqliteConnection,
    batch: &PermittedBatch,
    answer: &StoredAnswer,
) -> Result<(), StoreError> {
    let (Some(RequestKey { id, content }), Intent::Commit) = (batch.request, batch.intent) else {
        return Ok(());
    };
    let now = DateTime::now();
    let forget =
        sqlx::query(include_str!("../sql/forget_requests.sql")).bind(now.millis() - KEPT_MILLIS);
    forget.execute(&mut *db).await.map_err(store_error)?;
    let row = RequestRow {
        actor: batch.actor,
        key: RequestKey { id, content },
        layers: batch.layers().into_iter().collect(),
        answer,
        created: now,
    };
    put(db, &row).await
}

/// Keeps an answer.
pub(crate) async fn put(db: &mut SqliteConnection, row: &RequestRow<'_>) -> Result<(), StoreError> {
    let layers: Vec<i64> = row.layers.iter().map(|layer| layer.get()).collect();
    let query = sqlx::query(include_str!("../sql/remember_request.sql")).bind(row.actor.get());
    let query = query.bind(&row.key.id[..]).bind(&row.key.content[..]);
    let query = query.bind(serde_json::to_string(&layers).map_err(unexpected)?);
    let query = query.bind(row.answer.to_json().map_err(unexpected)?);
    let query = query.bind(row.created.millis());
    query.execute(db).await.map_err(store_error).map(drop)
}
