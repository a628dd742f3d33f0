//! The outermost layer: one span per call, and one line when it ends.

use std::{collections::HashSet, sync::Arc, time::Instant};

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use prost::Message;
use prost_types::FileDescriptorSet;
use tonic::{Code, Status, body::Body};
use tracing::{Instrument, Span, debug, error, field::Empty, info_span, warn};

use crate::{
    call::{REQUEST_ID, RequestId},
    deadline::method_paths,
    middleware::{Middleware, Next},
    refusals::{CallNotes, RefusalLog},
};

/// Gives each call a span and a request id, and records how it ended, a stream's end included. Refusals go to the log
/// of refusals, if there is one (R122).
#[derive(Debug)]
pub(crate) struct Trace {
    /// The paths of the contract. Others are any text, and recorded nowhere.
    methods: HashSet<Arc<str>>,
    refusals: Option<Arc<dyn RefusalLog>>,
}

impl Trace {
    pub(crate) fn new(
        descriptor_set: &[u8],
        refusals: Option<Arc<dyn RefusalLog>>,
    ) -> Result<Self, prost::DecodeError> {
        let set = FileDescriptorSet::decode(descriptor_set)?;
        let methods = method_paths(&set, |_| true).map(Arc::from).collect();
        Ok(Self { methods, refusals })
    }

    fn notes(&self, request_id: RequestId, path: &str) -> Arc<CallNotes> {
        let method = self.methods.get(path).cloned();
        Arc::new(CallNotes::new(request_id, method, self.refusals.clone()))
    }
}

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
        let notes = self.notes(id.clone(), request.uri().path());
        let mut record = Record {
            notes: Arc::clone(&notes),
            span: span.clone(),
            start: Instant::now(),
            code: Code::Cancelled,
        };
        let mut response = notes.within(next.run(request)).instrument(span).await;
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
    notes: Arc<CallNotes>,
    span: Span,
    start: Instant,
    /// CANCELLED until a status is seen: a call that ends without one was abandoned.
    code: Code,
}

impl Record {
    fn observe(&mut self, headers: &HeaderMap) {
        if let Some(code) = headers.get(Status::GRPC_STATUS) {
            self.code = Code::from_bytes(code.as_bytes());
            if self.code != Code::Ok {
                self.notes.ended(headers);
            }
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
