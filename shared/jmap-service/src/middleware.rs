//! A layer of the stack as one function: what to do with a call and with the rest of the stack.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service, ServiceExt};

/// What one layer does. It answers by an HTTP response in every case, so there is no second error channel.
pub(crate) trait Middleware: Clone + Send + 'static {
    /// Handles one call, usually by running `next` on it.
    fn handle(
        self,
        request: Request<Body>,
        next: impl Next,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The rest of the stack, for one call.
pub(crate) trait Next: Send + 'static {
    /// Hands the call on.
    fn run(self, request: Request<Body>) -> impl Future<Output = Response<Body>> + Send;
}

impl<S> Next for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Send + 'static,
    S::Future: Send,
{
    async fn run(self, request: Request<Body>) -> Response<Body> {
        let Ok(response) = self.oneshot(request).await;
        response
    }
}

/// Makes a tower layer of a [`Middleware`].
#[derive(Clone, Debug)]
pub(crate) struct With<M>(pub(crate) M);

impl<M: Middleware, S> Layer<S> for With<M> {
    type Service = Layered<M, S>;

    fn layer(&self, inner: S) -> Self::Service {
        Layered {
            middleware: self.0.clone(),
            inner,
        }
    }
}

/// A middleware in front of the rest of the stack.
#[derive(Clone, Debug)]
pub(crate) struct Layered<M, S> {
    middleware: M,
    inner: S,
}

impl<M, S> Service<Request<Body>> for Layered<M, S>
where
    M: Middleware,
    S: Next + Clone,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Readiness is asked of the inner clone that takes the call; refusing early is the shed layer's business.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (middleware, next) = (self.middleware.clone(), self.inner.clone());
        Box::pin(async move { Ok(middleware.handle(request, next).await) })
    }
}
