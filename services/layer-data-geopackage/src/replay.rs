//! Requests that are retried get the answer that the first try was given (R109).

use std::collections::BTreeSet;

use jmap_domain::{DataRevision, ElementId};
use layer_data_core::{
    edit::{
        BatchOutcome, EditRefusal, EditResult, EditedElement, Intent, PermittedBatch, RequestKey,
        StoredAnswer,
    },
    ports::StoreError,
};
use serde::{Deserialize, Serialize};
use sqlx::SqliteConnection;

use crate::{
    edit::now,
    error::{store_error, unexpected},
};

/// How long answers are kept: a day.
const KEPT_MILLIS: i64 = 86_400_000;

/// A result as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Done { element: i64, revision: i64 },
    NoSuchElement { element: i64 },
    NotOwn { element: i64 },
    Stale { element: i64, current: i64 },
}

/// The answer that the request was given before, if it was.
pub(crate) async fn find(
    db: &mut SqliteConnection,
    batch: &PermittedBatch,
) -> Result<Option<StoredAnswer>, StoreError> {
    let Some(RequestKey { id, content }) = batch.request else {
        return Ok(None);
    };
    let query = sqlx::query_as(include_str!("../sql/find_request.sql"))
        .bind(batch.actor.get())
        .bind(&id[..]);
    let row: Option<(Vec<u8>, String)> = query.fetch_optional(db).await.map_err(store_error)?;
    match row {
        None => Ok(None),
        Some((kept, _)) if kept != content => Err(StoreError::RequestReused),
        Some((_, answer)) => {
            let results: Vec<(u32, Kept)> = serde_json::from_str(&answer).map_err(unexpected)?;
            let results = results
                .into_iter()
                .map(|(index, kept)| Ok((index, kept.read()?)));
            let results = results.collect::<Result<_, StoreError>>()?;
            Ok(Some(StoredAnswer {
                outcome: BatchOutcome::Committed,
                results,
            }))
        }
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
    let now = now()?.millis();
    let forget = sqlx::query(include_str!("../sql/forget_requests.sql")).bind(now - KEPT_MILLIS);
    forget.execute(&mut *db).await.map_err(store_error)?;
    let kept: Vec<(u32, Kept)> = answer
        .results
        .iter()
        .filter_map(|(index, result)| Some((*index, Kept::of(result)?)))
        .collect();
    let layers: BTreeSet<i64> = batch
        .edits
        .iter()
        .map(|edit| edit.permit().layer().get())
        .collect();
    let query = sqlx::query(include_str!("../sql/remember_request.sql")).bind(batch.actor.get());
    let query = query.bind(&id[..]).bind(&content[..]);
    let query = query.bind(serde_json::to_string(&layers).map_err(unexpected)?);
    let query = query
        .bind(serde_json::to_string(&kept).map_err(unexpected)?)
        .bind(now);
    query.execute(db).await.map_err(store_error).map(drop)
}

impl Kept {
    /// `None` for what a committed call has none of.
    fn of(result: &EditResult) -> Option<Self> {
        match result {
            EditResult::Done(EditedElement { element, revision }) => Some(Self::Done {
                element: element.get(),
                revision: revision.get(),
            }),
            EditResult::Refused(EditRefusal::NoSuchElement(element)) => Some(Self::NoSuchElement {
                element: element.get(),
            }),
            EditResult::Refused(EditRefusal::NotOwn(element)) => Some(Self::NotOwn {
                element: element.get(),
            }),
            EditResult::Refused(EditRefusal::Stale { element, current }) => Some(Self::Stale {
                element: element.get(),
                current: current.get(),
            }),
            EditResult::Refused(
                EditRefusal::NoSuchLayer(_)
                | EditRefusal::NotPermitted {
                    layer: _,
                    permission: _,
                    reason: _,
                }
                | EditRefusal::Input(_),
            )
            | EditResult::NotAttempted => None,
        }
    }

    fn read(self) -> Result<EditResult, StoreError> {
        let id = |id: i64| ElementId::new(id).map_err(unexpected);
        let number = |number: i64| {
            DataRevision::new(number).ok_or_else(|| unexpected("a negative revision"))
        };
        Ok(match self {
            Self::Done { element, revision } => EditResult::Done(EditedElement {
                element: id(element)?,
                revision: number(revision)?,
            }),
            Self::NoSuchElement { element } => {
                EditResult::Refused(EditRefusal::NoSuchElement(id(element)?))
            }
            Self::NotOwn { element } => EditResult::Refused(EditRefusal::NotOwn(id(element)?)),
            Self::Stale { element, current } => {
                let (element, current) = (id(element)?, number(current)?);
                EditResult::Refused(EditRefusal::Stale { element, current })
            }
        })
    }
}
