//! The innermost layer: a message that cannot be decoded is the caller's fault, and is refused like other bad input.

use http::{HeaderMap, Request, Response};
use tonic::{Code, Status, body::Body};

use crate::{
    Refusal,
    middleware::{Middleware, Next},
};

/// Gives tonic's own refusals of messages a code and a reason of the contract. They are told by their lack of
/// details, which every status of ours carries.
#[derive(Debug)]
pub(crate) struct Decoding {
    pub(crate) domain: &'static str,
}

impl Middleware for Decoding {
    async fn handle(&self, request: Request<Body>, next: impl Next) -> Response<Body> {
        let response = next.run(request).await;
        match refusal(response.headers()) {
            Some(refusal) => refusal.response(self.domain),
            None => response,
        }
    }
}

/// The same for a message in the middle of a stream, of which the stack sees nothing.
#[must_use]
pub fn in_our_words(status: Status, domain: &str) -> Status {
    if !status.details().is_empty() {
        return status;
    }
    match told(status.code()) {
        Some(refusal) => refusal.status(domain),
        None => status,
    }
}

fn refusal(headers: &HeaderMap) -> Option<Refusal> {
    let code = Code::from_bytes(headers.get(Status::GRPC_STATUS)?.as_bytes());
    if headers.contains_key(Status::GRPC_STATUS_DETAILS) {
        return None;
    }
    told(code)
}

/// What tonic means by a code, where it says no more.
const fn told(code: Code) -> Option<Refusal> {
    match code {
        Code::OutOfRange | Code::ResourceExhausted => Some(Refusal::MessageTooLarge),
        Code::Internal => Some(Refusal::MessageMalformed),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => None,
    }
}
