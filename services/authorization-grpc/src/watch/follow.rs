//! Following the policy at one's own pace.
//!
//! A follower is a place in history. What comes after it is read when it has taken what came before, so a slow one costs no
//! memory; its right is judged again before each message.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use authorization_core::ports::{Platform, PolicyStore};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jmap_domain::{Caller, PolicyToken};
use jmap_service::call::{CallScope, Deadline};
use jmap_wire::{FieldPath, FieldViolation, parse_policy_token};
use tokio::{
    select,
    time::{Instant, sleep_until},
};
use tonic::{Extensions, Status};

use crate::{
    context::Context,
    status::{DOMAIN, Rejection},
};

/// How often the right to follow is judged while nothing happens; a session may be closed without a change (R119).
const LOOK: Duration = Duration::from_secs(2);

/// What is followed, by whom, and how far it has come.
pub(crate) trait Source: Send + 'static {
    /// What is told.
    type Message: Send;

    /// Judges the right to go on.
    fn admit(&self) -> Result<(), Rejection>;

    /// The state of the policy up to which everything was read.
    fn token(&self) -> PolicyToken;

    /// What comes next, as much as is read at once; nothing when there is nothing yet.
    fn read(&mut self) -> impl Future<Output = Result<Vec<Self::Message>, Rejection>> + Send;

    /// A sign of life, with the state up to which everything was told.
    fn heartbeat(token: PolicyToken) -> Self::Message;
}

/// Who calls a stream, and for how long.
pub(crate) fn scope(extensions: &Extensions) -> Result<(Caller, Deadline), Rejection> {
    let CallScope {
        caller, deadline, ..
    } = CallScope::of(extensions, DOMAIN)?;
    Ok((caller, deadline))
}

/// The policy token after which somebody wants to follow.
pub(crate) fn parse_after(text: &str) -> Result<Option<PolicyToken>, FieldViolation> {
    if text.is_empty() {
        return Ok(None);
    }
    let token = parse_policy_token(text);
    token
        .map(Some)
        .map_err(|error| FieldPath::of("after_policy_token").invalid(error))
}

/// Tells what comes until the call's time is up, the service ends or the right is gone. What is there already is read at
/// once, so that a refusal is the answer to the call. `place` is kept as long.
pub(crate) async fn follow<S, P, F>(
    context: Arc<Context<S, P>>,
    deadline: Deadline,
    source: F,
    (heartbeat, place): (Duration, impl Send + 'static),
) -> Result<BoxStream<'static, Result<F::Message, Status>>, Rejection>
where
    S: PolicyStore,
    P: Platform,
    F: Source,
{
    let ended = context.end_of_stream(deadline);
    let mut follower = Follower {
        // The first message tells from where on is followed.
        unsent: [F::heartbeat(source.token())].into(),
        context,
        source,
        heartbeat,
        sent_at: Instant::now(),
        _place: place,
    };
    follower.read().await?;
    let messages = stream::try_unfold(follower, |mut follower| async move {
        let message = follower.next().await?;
        Ok::<_, Status>(Some((message, follower)))
    });
    Ok(messages.take_until(Box::pin(ended)).boxed())
}

struct Follower<S, P, F: Source, W> {
    context: Arc<Context<S, P>>,
    source: F,
    /// What was read and is not sent yet: no more than is read at once.
    unsent: VecDeque<F::Message>,
    heartbeat: Duration,
    sent_at: Instant,
    _place: W,
}

impl<S: PolicyStore, P: Platform, F: Source, W> Follower<S, P, F, W> {
    /// The next message, when there is one.
    async fn next(&mut self) -> Result<F::Message, Rejection> {
        loop {
            self.source.admit()?;
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
        self.unsent.extend(self.source.read().await?);
        Ok(())
    }

    /// Waits for a change, for the next heartbeat, or until the right to follow is to be judged again.
    async fn pause(&mut self) {
        let beat = self.sent_at + self.heartbeat;
        let token = self.source.token();
        select! {
            () = self.context.authority.newer_than(token.revision) => (),
            () = sleep_until(beat.min(Instant::now() + LOOK)) => {
                if Instant::now() >= beat {
                    self.unsent.push_back(F::heartbeat(token));
                }
            }
        }
    }
}
