//! Creates that are sent again: the same request id of the same account is answered as the first time.
//!
//! Kept in memory and bounded. Whoever retries after that, or after a restart, is told that the name is taken.

use std::{fmt, sync::Arc};

use jmap_domain::{Caller, UserId};
use jmap_wire::{Failure, FieldViolation, request_id};
use prost::Message;
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::status::Rejection;

/// Answers that are remembered.
const REMEMBERED: usize = 4096;

/// Whose request, and which call with which id.
type Key = (UserId, &'static str, [u8; 16]);

/// What was asked, and the answer.
#[derive(Clone)]
struct Answered {
    content: [u8; 32],
    response: Arc<[u8]>,
}

/// The creates that were answered lately.
pub(crate) struct Retries(Cache<Key, Answered>);

impl Default for Retries {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl fmt::Debug for Retries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Retries(..)")
    }
}

/// A create that may be a retry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'r> {
    pub(crate) call: &'static str,
    pub(crate) request_id: &'r str,
    /// What the request asks for, without secrets.
    pub(crate) content: &'r str,
}

impl Retries {
    /// Answers a create once. Who runs at the same time under the same id waits for the first.
    pub(crate) async fn once<R: Message + Default>(
        &self,
        caller: &Caller,
        attempt: Attempt<'_>,
        create: impl Future<Output = Result<R, Rejection>> + Send,
    ) -> Result<R, Rejection> {
        let Some(key) = key(caller, attempt)? else {
            return create.await;
        };
        let content = Sha256::digest(attempt.content).into();
        match self.0.get_value_or_guard_async(&key).await {
            Ok(answered) if answered.content == content => replay(&answered),
            Ok(_) => Err(reused().into()),
            Err(first) => {
                let response = create.await?;
                let encoded = response.encode_to_vec().into();
                // Refused only when the entry was removed meanwhile; then there is nothing to remember.
                drop(first.insert(Answered {
                    content,
                    response: encoded,
                }));
                Ok(response)
            }
        }
    }
}

fn key(caller: &Caller, attempt: Attempt<'_>) -> Result<Option<Key>, FieldViolation> {
    let id = request_id("request_id", attempt.request_id)?;
    Ok(match (caller, id) {
        (Caller::Session(session), Some(id)) => Some((session.user, attempt.call, id)),
        // Others create nothing.
        (Caller::Session(_) | Caller::Anonymous | Caller::Service(_), _) => None,
    })
}

fn replay<R: Message + Default>(answered: &Answered) -> Result<R, Rejection> {
    R::decode(&*answered.response).map_err(|error| {
        tracing::error!(%error, "a remembered answer cannot be read");
        Failure::internal().into()
    })
}

fn reused() -> Failure {
    let message = "the request id was used for another request";
    Failure::new(Code::FailedPrecondition, "REQUEST_ID_REUSED", message)
}
