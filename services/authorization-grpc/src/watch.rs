//! `PolicyWatchService`: every change of the policy, in order, for those who follow it.
//!
//! A watcher is a place in history. What comes after it is read from the store when the watcher has taken what came
//! before, so a slow one costs no memory; its right to watch is judged again before each message.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use authorization_core::{
    change::ChangeSet,
    ports::{Platform, PolicyStore},
};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jmap_domain::{Caller, Epoch, PolicyToken, Scope};
use jmap_proto::authorization::{
    self as pb, policy_watch_service_server::PolicyWatchService, watch_response::Event,
};
use jmap_service::call::CallScope;
use jmap_wire::{FieldPath, FieldViolation, format_policy_token, parse_policy_token};
use prost::Message as _;
use tokio::{
    select,
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until},
};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, require_scope},
    policy_change::change_set_to_proto,
    status::{DOMAIN, Rejection},
};

/// How often the right to watch is judged while nothing happens; a session may be closed without a change (R119).
const LOOK: Duration = Duration::from_secs(2);
/// Most bytes of changes in one message, unless a single one has more.
const MESSAGE: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct PolicyWatchApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> PolicyWatchService for PolicyWatchApi<S, P> {
    type WatchStream = BoxStream<'static, Result<pb::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        answer(async {
            let CallScope {
                caller, deadline, ..
            } = CallScope::of(request.extensions(), DOMAIN)?;
            let watcher = Watcher::new(&self.0, caller, request.into_inner()).await?;
            let ended = self.0.end_of_stream(deadline);
            let messages = stream::try_unfold(watcher, |mut watcher| async move {
                let message = watcher.next().await?;
                Ok::<_, Status>(Some((message, watcher)))
            });
            Ok(messages.take_until(Box::pin(ended)).boxed())
        })
        .await
    }
}

/// Who follows the policy, and how far it has come.
struct Watcher<S, P> {
    context: Arc<Context<S, P>>,
    caller: Caller,
    /// The last set that was read.
    token: PolicyToken,
    /// What was read and is not sent yet: no more than the store gives at once.
    unsent: VecDeque<pb::WatchResponse>,
    heartbeat: Duration,
    sent_at: Instant,
    /// One of the places for watchers.
    _place: OwnedSemaphorePermit,
}

impl<S: PolicyStore, P: Platform> Watcher<S, P> {
    async fn new(
        context: &Arc<Context<S, P>>,
        caller: Caller,
        message: pb::WatchRequest,
    ) -> Result<Self, Rejection> {
        let pb::WatchRequest {
            after_policy_token,
            heartbeat,
        } = message;
        let after = parse_after(&after_policy_token)?;
        let heartbeat = jmap_wire::heartbeat(heartbeat)?;
        require_scope(&caller, Scope::Check)?;
        context.authority.admit_watcher(&caller)?;
        let place = context.watching()?;
        let token = after.unwrap_or_else(|| context.authority.token());
        let mut watcher = Self {
            context: Arc::clone(context),
            caller,
            token,
            // The first message tells from where on is watched.
            unsent: [heartbeat_at(token)].into(),
            heartbeat,
            sent_at: Instant::now(),
            _place: place,
        };
        // Read at once, so that a refusal is the answer to the call.
        watcher.read().await?;
        Ok(watcher)
    }

    /// The next message, when there is one.
    async fn next(&mut self) -> Result<pb::WatchResponse, Rejection> {
        loop {
            self.context.authority.admit_watcher(&self.caller)?;
            if let Some(message) = self.unsent.pop_front() {
                self.sent_at = Instant::now();
                return Ok(message);
            }
            self.read().await?;
            if self.unsent.is_empty() {
                self.pause().await;
            }
        }
    }

    async fn read(&mut self) -> Result<(), Rejection> {
        let sets = self.context.authority.changes_after(self.token).await?;
        let epoch = self.token.epoch;
        let messages = sets.iter().flat_map(|set| messages(epoch, set));
        self.unsent.extend(messages);
        if let Some(last) = sets.last() {
            self.token.revision = last.revision;
        }
        Ok(())
    }

    /// Waits for a change, for the next heartbeat, or until the right to watch is to be judged again.
    async fn pause(&mut self) {
        let beat = self.sent_at + self.heartbeat;
        select! {
            () = self.context.authority.newer_than(self.token.revision) => (),
            () = sleep_until(beat.min(Instant::now() + LOOK)) => {
                if Instant::now() >= beat {
                    self.unsent.push_back(heartbeat_at(self.token));
                }
            }
        }
    }
}

/// A set in as many messages as it needs. Only the last one has the token, so that nobody goes on from the middle.
fn messages(epoch: Epoch, set: &ChangeSet) -> Vec<pb::WatchResponse> {
    let mut whole = change_set_to_proto(epoch, set);
    let changes = std::mem::take(&mut whole.changes);
    let token = std::mem::take(&mut whole.policy_token);
    let (mut parts, mut size) = (vec![whole.clone()], 0);
    for change in changes {
        let bytes = change.encoded_len();
        if size > 0 && size + bytes > MESSAGE {
            parts.push(whole.clone());
            size = 0;
        }
        size += bytes;
        if let Some(part) = parts.last_mut() {
            part.changes.push(change);
        }
    }
    if let Some(last) = parts.last_mut() {
        last.policy_token = token;
    }
    let parts = parts.into_iter().map(|part| pb::WatchResponse {
        event: Some(Event::ChangeSet(part)),
    });
    parts.collect()
}

fn heartbeat_at(token: PolicyToken) -> pb::WatchResponse {
    let policy_token = format_policy_token(token);
    pb::WatchResponse {
        event: Some(Event::Heartbeat(pb::PolicyHeartbeat { policy_token })),
    }
}

fn parse_after(text: &str) -> Result<Option<PolicyToken>, FieldViolation> {
    if text.is_empty() {
        return Ok(None);
    }
    let token = parse_policy_token(text);
    token
        .map(Some)
        .map_err(|error| FieldPath::of("after_policy_token").invalid(error))
}

#[cfg(test)]
mod tests {
    use authorization_core::{
        Timestamp,
        audit::ChangeNote,
        change::{Author, HighWaterMarks, PolicyChange},
    };
    use jmap_domain::{PolicyRevision, UserId};

    use super::*;

    #[test]
    fn a_large_set_comes_in_parts_and_only_the_last_one_has_the_token() {
        let user = UserId::new(1 << 40).unwrap();
        let set = ChangeSet {
            revision: PolicyRevision(7),
            at: Timestamp::from_millis(0),
            by: Author::System,
            changes: vec![PolicyChange::UserDeleted(user); 50_000],
            marks: HighWaterMarks::START,
            secrets: Vec::new(),
            note: ChangeNote::default(),
        };
        let parts = messages(Epoch(1), &set);
        assert!(parts.len() > 1);
        let (mut changes, mut tokens) = (0, Vec::new());
        for part in parts {
            assert!(part.encoded_len() < 2 * MESSAGE);
            let Some(Event::ChangeSet(part)) = part.event else {
                panic!("not a set")
            };
            assert_eq!(part.revision, 7);
            changes += part.changes.len();
            tokens.push(part.policy_token);
        }
        assert_eq!(changes, 50_000);
        let last = tokens.pop().unwrap();
        assert!(!last.is_empty() && tokens.iter().all(String::is_empty));
    }
}
