//! A panic is one lost request, not a lost connection.

use std::{any::Any, panic::AssertUnwindSafe};

use futures::FutureExt;
use http::{Request, Response};
use tonic::body::Body;
use tracing::error;

use crate::{
    Refusal,
    middleware::{Middleware, Next},
};

/// Answers INTERNAL for a handler that panics. (A response stream that panics later ends with its own HTTP/2
/// stream: hyper runs each in a task of its own.)
#[derive(Debug)]
pub(crate) struct CatchPanic {
    pub(crate) domain: &'static str,
}

impl Middleware for CatchPanic {
    async fn handle(&self, request: Request<Body>, next: impl Next) -> Response<Body> {
        // What the call alone used is dropped with it; what calls share must be poison-aware by itself.
        match AssertUnwindSafe(next.run(request)).catch_unwind().await {
            Ok(response) => response,
            Err(panic) => {
                error!(panic = text(panic.as_ref()), "a handler panicked");
                Refusal::Panicked.response(self.domain)
            }
        }
    }
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let formatted = panic.downcast_ref::<String>().map(String::as_str);
    formatted
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(no text)")
}
