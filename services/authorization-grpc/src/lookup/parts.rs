//! Streams of parts: each is made when the one before it has been taken, by the caller's rights of that moment.

use std::future::ready;

use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use tokio::task::yield_now;
use tonic::Status;

use crate::status::Rejection;

/// A part, and the token of the one after it; empty at the end.
pub(super) struct Part<T> {
    pub(super) part: T,
    pub(super) next: String,
}

/// The parts from a token on, unless the stream is ended before the last one. The first one is made at once, so that a
/// refusal is the answer to the call.
pub(super) fn parts<T: Send + 'static>(
    ended: impl Future<Output = ()> + Send + 'static,
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
    let all = stream::once(ready(Ok(first.part))).chain(rest);
    Ok(all.take_until(Box::pin(ended)).boxed())
}
