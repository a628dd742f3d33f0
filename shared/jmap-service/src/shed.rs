//! Load shed over a global limit: refuse before spending anything.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;

use crate::{
    Refusal,
    deadline::StreamingMethods,
    middleware::{Middleware, Next},
    stack::is_health,
};

/// How long a stream of which nothing is taken keeps its place: a caller that does not read could otherwise hold
/// it for as long as its connection lives.
const STALL: Duration = Duration::from_secs(30);

/// Refuses calls beyond the limit.
#[derive(Debug)]
pub(crate) struct Shed {
    domain: &'static str,
    permits: Arc<Semaphore>,
    streaming: StreamingMethods,
}

impl Shed {
    pub(crate) fn new(domain: &'static str, most: usize, streaming: StreamingMethods) -> Self {
        Self {
            domain,
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            streaming,
        }
    }
}

impl Middleware for Shed {
    async fn handle(&self, request: Request<Body>, next: impl Next) -> Response<Body> {
        // A busy service is a healthy one: a probe that is shed would have it restarted.
        if is_health(request.uri().path()) {
            return next.run(request).await;
        }
        let Ok(permit) = Arc::clone(&self.permits).try_acquire_owned() else {
            return Refusal::Overloaded.response(self.domain);
        };
        let streams = self.streaming.contains(request.uri().path());
        let response = next.run(request).await;
        if !streams {
            // The work is done. What is left is delivery, which may take as long as the caller likes.
            return response;
        }
        let place = Place::hold(permit);
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                place.used();
                frame
            }))
        })
    }
}

/// The place of a stream: given back when the stream is dropped, or when nothing of it is taken for [`STALL`].
struct Place {
    held: Arc<Held>,
    _watch: AbortOnDropHandle<()>,
}

struct Held {
    permit: Mutex<Option<OwnedSemaphorePermit>>,
    used: AtomicBool,
}

impl Place {
    fn hold(permit: OwnedSemaphorePermit) -> Self {
        let held = Arc::new(Held {
            permit: Mutex::new(Some(permit)),
            used: AtomicBool::new(true),
        });
        let watch = tokio::spawn(watch(Arc::downgrade(&held)));
        Self {
            held,
            _watch: AbortOnDropHandle::new(watch),
        }
    }

    fn used(&self) {
        self.held.used.store(true, Ordering::Relaxed);
    }
}

async fn watch(held: Weak<Held>) {
    loop {
        sleep(STALL).await;
        let Some(held) = held.upgrade() else { return };
        if !held.used.swap(false, Ordering::Relaxed) {
            let mut permit = held.permit.lock().unwrap_or_else(PoisonError::into_inner);
            *permit = None;
            return;
        }
    }
}
