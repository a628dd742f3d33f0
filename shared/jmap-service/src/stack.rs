//! The one stack of layers in front of every service. The order is the point:
//!
//! 1. trace: sees and counts every refusal below;
//! 2. panic catcher: a panic is one lost request;
//! 3. load shed over a global limit: refuses before anything is spent;
//! 4. deadline: covers authentication and the handler;
//! 5. authentication: by metadata only, before a message is decoded.

use std::{convert::Infallible, sync::Arc};

use http::{Request, Response};
use tonic::{body::Body, service::Routes};
use tower::{Service, ServiceBuilder};

use crate::{
    auth::Auth,
    deadline::{StreamingMethods, Timer},
    middleware::With,
    panic::CatchPanic,
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
}

impl Stack {
    /// Puts the layers in front of a service's routes.
    ///
    /// # Errors
    /// When the descriptor set is not one.
    pub fn wrap(
        &self,
        routes: Routes,
    ) -> Result<
        impl Service<
            Request<Body>,
            Response = Response<Body>,
            Error = Infallible,
            Future: Send + 'static,
        >
        + Clone
        + Send
        + 'static
        + use<>,
        prost::DecodeError,
    > {
        let Self {
            domain,
            descriptor_set,
            max_concurrent_calls,
            time_limits,
            authenticator,
        } = self.clone();
        let streaming = StreamingMethods::of(descriptor_set)?;
        Ok(ServiceBuilder::new()
            .layer(With(Trace))
            .layer(With(CatchPanic { domain }))
            .layer(With(Shed::new(
                domain,
                max_concurrent_calls,
                streaming.clone(),
            )))
            .layer(With(Timer::new(domain, time_limits, streaming)))
            .layer(With(Auth {
                domain,
                authenticator,
            }))
            .service(routes.prepare()))
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
