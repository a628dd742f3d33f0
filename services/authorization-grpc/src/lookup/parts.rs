//! Streams of parts: each is made when the one before it has been taken, by the caller's rights of that moment.

use std::future::ready;

use authorization_core::ports::{Platform, PolicyStore};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jmap_service::call::{CallScope, Deadline};
use tokio::{task::yield_now, time::timeout_at};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::{
    context::Context,
    status::{DOMAIN, Rejection},
};

/// A part, and the token of the one after it; empty at the end.
pub(super) struct Part<T> {
    pub(super) part: T,
    pub(super) next: String,
}

/// What ends a stream before its last part.
pub(super) struct Watched {
    deadline: Deadline,
    closing: CancellationToken,
}

impl Watched {
    pub(super) fn of<T, S: PolicyStore, P: Platform>(
        request: &Request<T>,
        context: &Context<S, P>,
    ) -> Result<Self, Rejection> {
        let deadline = CallScope::of(request.extensions(), DOMAIN)?.deadline;
        let closing = context.closing().clone();
        Ok(Self { deadline, closing })
    }
}

/// The parts from a token on. The first one is made at once, so that a refusal is the answer to the call.
pub(super) fn parts<T: Send + 'static>(
    watched: Watched,
    token: &str,
    make: impl Fn(&str) -> Result<Part<T>, Rejection> + Send + 'static,
) -> Result<BoxStream<'static, Result<T, Status>>, Rejection> {
    let first = make(token)?;
    let rest = stream::try_unfold((first.next, make), |(token, make)| async move {
        if token.is_empty() {
            return Ok(None);
        }
        // A part takes time, and the window may have room for many: others are let in between.
        yield_now().await;
        let Part { part, next } = make(&token)?;
        Ok::<_, Status>(Some((part, (next, make))))
    });
    let Watched { deadline, closing } = watched;
    let ended = async move {
        let _ended = timeout_at(deadline.0, closing.cancelled_owned()).await;
    };
    let all = stream::once(ready(Ok(first.part))).chain(rest);
    Ok(all.take_until(Box::pin(ended)).boxed())
}
