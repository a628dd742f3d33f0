//! Load shed over a global limit: refuse before spending anything.

use std::sync::Arc;

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tonic::body::Body;

use crate::{
    Refusal,
    middleware::{Middleware, Next},
    stack::is_health,
};

/// Refuses calls beyond a number that run at once over all connections. A stream counts until its last byte.
#[derive(Clone, Debug)]
pub(crate) struct Shed {
    domain: &'static str,
    permits: Arc<Semaphore>,
}

impl Shed {
    pub(crate) fn new(domain: &'static str, most: usize) -> Self {
        Self {
            domain,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
        }
    }
}

impl Middleware for Shed {
    async fn handle(self, request: Request<Body>, next: impl Next) -> Response<Body> {
        // A busy service is a healthy one: a probe that is shed would have it restarted.
        if is_health(request.uri().path()) {
            return next.run(request).await;
        }
        let Ok(permit) = self.permits.try_acquire_owned() else {
            return Refusal::Overloaded.response(self.domain);
        };
        let response = next.run(request).await;
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                let _held_until_the_body_is_dropped = &permit;
                frame
            }))
        })
    }
}
