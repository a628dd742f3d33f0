//! A layer of the stack as one function: what to do with a call and with the rest of the stack.

use std::convert::Infallible;

use http::{Request, Response};
use tonic::{body::Body, service::Routes};
use tower::ServiceExt;

/// What one layer does. It answers by an HTTP response in every case, so there is no second error channel.
pub(crate) trait Middleware: Send + Sync {
    /// Handles one call, usually by running `next` on it.
    fn handle(
        &self,
        request: Request<Body>,
        next: impl Next,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The rest of the stack, for one call.
pub(crate) trait Next: Send {
    /// Hands the call on.
    fn run(self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl Next for Routes {
    async fn run(self, request: Request<Body>) -> Response<Body> {
        let answer: Result<_, Infallible> = self.oneshot(request).await;
        let Ok(response) = answer;
        response
    }
}

/// A layer in front of what comes after it. Layers nest as one future, so that a call is boxed once and not once a
/// layer.
pub(crate) struct Before<'a, M, N>(pub(crate) &'a M, pub(crate) N);

impl<M: Middleware, N: Next> Next for Before<'_, M, N> {
    async fn run(self, request: Request<Body>) -> Response<Body> {
        let Self(middleware, next) = self;
        middleware.handle(request, next).await
    }
}
