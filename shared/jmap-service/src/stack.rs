//! The one stack of layers in front of every service. The order is the point:
//!
//! 1. trace: sees and counts every refusal below;
//! 2. panic catcher: a panic is one lost request;
//! 3. load shed over a global limit: refuses before anything is spent;
//! 4. deadline: covers authentication and the handler;
//! 5. authentication: by metadata only, before a message is decoded;
//! 6. decoding: what is wrong with a message is said in the words of the contract.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response};
use tonic::{body::Body, service::Routes};
use tower::Service;

use crate::{
    auth::Auth,
    deadline::{StreamingMethods, Timer},
    decoding::Decoding,
    middleware::{Before, Next},
    panic::CatchPanic,
    refusals::RefusalLog,
    shed::Shed,
    token::Authenticator,
    trace::Trace,
};

pub use crate::deadline::TimeLimits;

/// What a stack is built from.
#[derive(Clone, Debug)]
pub struct Stack {
    /// The error domain of the service's statuses, such as `layerdata.jmap`.
    pub domain: &'static str,
    /// The contract's encoded descriptor set.
    pub descriptor_set: &'static [u8],
    /// Most calls that run at once, over all connections.
    pub max_concurrent_calls: usize,
    /// Most time that a call gets.
    pub time_limits: TimeLimits,
    /// What turns tokens into callers.
    pub authenticator: Arc<Authenticator>,
    /// What records refusals (R122); `None` where nobody asks for them.
    pub refusals: Option<Arc<dyn RefusalLog>>,
}

impl Stack {
    /// Puts the layers in front of a service's routes.
    ///
    /// # Errors
    /// When the descriptor set is not one.
    pub fn wrap(&self, routes: Routes) -> Result<Guarded, prost::DecodeError> {
        let Self {
            domain,
            descriptor_set,
            max_concurrent_calls,
            time_limits,
            authenticator,
            refusals,
        } = self.clone();
        let streaming = StreamingMethods::of(descriptor_set)?;
        let layers = Layers {
            trace: Trace::new(descriptor_set, refusals)?,
            panic: CatchPanic { domain },
            shed: Shed::new(domain, max_concurrent_calls, streaming.clone()),
            timer: Timer::new(domain, time_limits, streaming),
            auth: Auth {
                domain,
                authenticator,
            },
            decoding: Decoding { domain },
        };
        Ok(Guarded {
            layers: Arc::new(layers),
            routes: routes.prepare(),
        })
    }
}

/// A service's routes behind the stack.
#[derive(Clone, Debug)]
pub struct Guarded {
    layers: Arc<Layers>,
    routes: Routes,
}

#[derive(Debug)]
struct Layers {
    trace: Trace,
    panic: CatchPanic,
    shed: Shed,
    timer: Timer,
    auth: Auth,
    decoding: Decoding,
}

impl Layers {
    /// The one place that says the order; read it from the last line to the first.
    async fn run(&self, request: Request<Body>, routes: Routes) -> Response<Body> {
        let next = Before(&self.decoding, routes);
        let next = Before(&self.auth, next);
        let next = Before(&self.timer, next);
        let next = Before(&self.shed, next);
        let next = Before(&self.panic, next);
        Before(&self.trace, next).run(request).await
    }
}

impl Service<Request<Body>> for Guarded {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Refusing early is the shed layer's business.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { layers, routes } = self.clone();
        Box::pin(async move { Ok(layers.run(request, routes).await) })
    }
}

/// Health is for probes, which carry no token and come in the thick of an overload.
pub(crate) fn is_health(path: &str) -> bool {
    path.starts_with("/grpc.health.v1.")
}

/// Health and reflection show nothing that needs protection.
pub(crate) fn needs_no_token(path: &str) -> bool {
    is_health(path) || path.starts_with("/grpc.reflection.")
}
