//! `PolicyWatchService`: every change of the policy, in order, for those who follow it.

pub(crate) mod follow;

use std::sync::Arc;

use authorization_core::{
    change::ChangeSet,
    ports::{Platform, PolicyStore},
};
use futures::stream::BoxStream;
use jmap_domain::{Caller, Epoch, PolicyToken, Scope};
use jmap_proto::authorization::{
    self as pb, policy_watch_service_server::PolicyWatchService, watch_response::Event,
};
use jmap_wire::format_policy_token;
use prost::Message as _;
use tonic::{Request, Response, Status};

use self::follow::{Source, follow, parse_after, scope};
use crate::{
    context::{Context, answer, require_scope},
    policy_change::change_set_to_proto,
    status::Rejection,
};

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
            let (caller, deadline) = scope(request.extensions())?;
            let pb::WatchRequest {
                after_policy_token,
                heartbeat,
            } = request.into_inner();
            let after = parse_after(&after_policy_token)?;
            let heartbeat = jmap_wire::heartbeat(heartbeat)?;
            require_scope(&caller, Scope::Check)?;
            let context = &self.0;
            context.authority.admit_watcher(&caller)?;
            let place = context.watching()?;
            let watched = Watched {
                context: Arc::clone(context),
                caller,
                token: after.unwrap_or_else(|| context.authority.token()),
            };
            follow(Arc::clone(context), deadline, watched, (heartbeat, place)).await
        })
        .await
    }
}

/// Who follows the policy, and the last set that was read.
struct Watched<S, P> {
    context: Arc<Context<S, P>>,
    caller: Caller,
    token: PolicyToken,
}

impl<S: PolicyStore, P: Platform> Source for Watched<S, P> {
    type Message = pb::WatchResponse;

    fn admit(&self) -> Result<(), Rejection> {
        Ok(self.context.authority.admit_watcher(&self.caller)?)
    }

    fn token(&self) -> PolicyToken {
        self.token
    }

    async fn read(&mut self) -> Result<Vec<pb::WatchResponse>, Rejection> {
        let sets = self.context.authority.changes_after(self.token).await?;
        let epoch = self.token.epoch;
        if let Some(last) = sets.last() {
            self.token.revision = last.revision;
        }
        Ok(sets.iter().flat_map(|set| messages(epoch, set)).collect())
    }

    fn heartbeat(token: PolicyToken) -> pb::WatchResponse {
        let policy_token = format_policy_token(token);
        pb::WatchResponse {
            event: Some(Event::Heartbeat(pb::PolicyHeartbeat { policy_token })),
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
