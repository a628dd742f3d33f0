//! The outermost layer: one span per call, and one line when it ends.

use std::time::Instant;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use tonic::{Code, Status, body::Body};
use tracing::{Instrument, Span, debug, error, field::Empty, info_span, warn};

use crate::{
    call::{REQUEST_ID, RequestId},
    middleware::{Middleware, Next},
};

/// Gives each call a span and a request id, and records how it ended, a stream's end included.
#[derive(Debug)]
pub(crate) struct Trace;

impl Middleware for Trace {
    async fn handle(&self, mut request: Request<Body>, next: impl Next) -> Response<Body> {
        let id = RequestId::of(request.headers());
        let span = info_span!(
            "call",
            rpc.method = request.uri().path(),
            request.id = %id,
            caller.id = Empty,
            grpc.code = Empty,
            duration_ms = Empty,
        );
        request.extensions_mut().insert(id.clone());
        let mut record = Record {
            span: span.clone(),
            start: Instant::now(),
            code: Code::Cancelled,
        };
        let mut response = next.run(request).instrument(span).await;
        if let Some(id) = id.header() {
            response.headers_mut().insert(REQUEST_ID, id);
        }
        record.observe(response.headers());
        response.map(|body| {
            Body::new(body.map_frame(move |frame| {
                if let Some(trailers) = frame.trailers_ref() {
                    record.observe(trailers);
                }
                frame
            }))
        })
    }
}

/// How a call goes. Dropped with the response body, or with the call itself when the caller gave it up.
struct Record {
    span: Span,
    start: Instant,
    /// CANCELLED until a status is seen: a call that ends without one was abandoned.
    code: Code,
}

impl Record {
    fn observe(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Code::from_bytes(code.as_bytes());
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let code = self.code;
        self.span.record("grpc.code", tracing::field::debug(code));
        self.span
            .record("duration_ms", self.start.elapsed().as_secs_f64() * 1000.0);
        let _entered = self.span.enter();
        match code {
            Code::Internal | Code::Unknown | Code::DataLoss => error!("call failed"),
            Code::DeadlineExceeded | Code::ResourceExhausted | Code::Unavailable => {
                warn!("call not answered");
            }
            Code::Ok
            | Code::Cancelled
            | Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::PermissionDenied
            | Code::FailedPrecondition
            | Code::Aborted
            | Code::OutOfRange
            | Code::Unimplemented
            | Code::Unauthenticated => debug!("call ended"),
        }
    }
}
