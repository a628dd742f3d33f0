//! What the stack puts into a call's extensions, for handlers and for the calls that they make in turn.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, header::HeaderName};
use jmap_domain::Caller;
use secrecy::SecretString;
use tokio::time::Instant;
use tonic::{Extensions, Status};
use uuid::Uuid;

use crate::Refusal;

/// The metadata key that carries a [`RequestId`] in requests and responses.
pub const REQUEST_ID_KEY: &str = "x-request-id";
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_KEY);
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// A longer request id would only fill the log.
const MAX_REQUEST_ID: usize = 64;

/// Follows one call through both services' logs: 1–64 characters of `A-Z a-z 0-9 - _ .`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// Takes a text that is a request id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let length_fits = (1..=MAX_REQUEST_ID).contains(&text.len());
        (length_fits && text.bytes().all(is_allowed)).then(|| Self(text.into()))
    }

    /// A fresh one (UUID version 7, so that ids sort by time).
    #[must_use]
    pub fn generate() -> Self {
        let mut buffer = Uuid::encode_buffer();
        Self((&*Uuid::now_v7().simple().encode_lower(&mut buffer)).into())
    }

    /// The caller's `x-request-id`, else the trace id of its W3C `traceparent`, else a fresh one. Ill-formed ones
    /// are not taken over: the id is written to the log as it is.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let given = text(REQUEST_ID).and_then(Self::parse);
        given
            .or_else(|| text(TRACEPARENT).and_then(trace_id))
            .unwrap_or_else(Self::generate)
    }

    /// The text, shared.
    #[must_use]
    pub fn shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// The id as a header; `None` never happens, because its characters are those of headers.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(&self.0).ok()?;
        // Keeps HTTP/2 from indexing it: an id that never comes again only pushes useful headers out of the tables.
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The second field of `00-<trace id: 32 digits>-<parent id: 16 digits>-<flags: 2 digits>`.
fn trace_id(traceparent: &str) -> Option<RequestId> {
    let mut fields = traceparent.split('-');
    let (_version, trace, _parent) = (fields.next()?, fields.next()?, fields.next()?);
    let is_trace = trace.len() == 32 && trace.bytes().all(|b| b.is_ascii_hexdigit());
    is_trace.then(|| RequestId::parse(trace)).flatten()
}

/// The moment at which the caller no longer waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// The time that is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether the moment has passed.
    #[must_use]
    pub fn has_passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// The token that a call came with, verified, for calls to the partner service in the user's name. Never printed.
#[derive(Clone)]
pub struct UserToken(SecretString);

impl UserToken {
    pub(crate) fn new(token: &str) -> Self {
        Self(SecretString::from(token))
    }

    /// The token. It goes into metadata of calls inside the installation and nowhere else.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl fmt::Debug for UserToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserToken(..)")
    }
}

/// Everything that the stack established about a call.
#[derive(Clone, Debug)]
pub struct CallScope {
    /// Who calls (R118: without a token, the anonymous account).
    pub caller: Caller,
    /// The caller's token; `None` for an anonymous caller.
    pub token: Option<UserToken>,
    /// The id that logs of both services carry.
    pub request_id: RequestId,
    /// Until when an answer is of use.
    pub deadline: Deadline,
}

impl CallScope {
    /// Reads what the stack has put into a request's extensions.
    ///
    /// # Errors
    /// INTERNAL when the stack is not in front of the handler: without it nobody has authenticated the caller.
    pub fn of(extensions: &Extensions, domain: &str) -> Result<Self, Status> {
        let outside = || Refusal::OutsideStack.status(domain);
        Ok(Self {
            caller: *extensions.get::<Caller>().ok_or_else(outside)?,
            token: extensions.get::<UserToken>().cloned(),
            request_id: extensions.get::<RequestId>().cloned().ok_or_else(outside)?,
            deadline: *extensions.get::<Deadline>().ok_or_else(outside)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(name: HeaderName, value: &'static str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_static(value));
        RequestId::of(&headers).to_string()
    }

    #[test]
    fn a_well_formed_request_id_is_taken_over_and_others_are_replaced() {
        assert_eq!(id_for(REQUEST_ID, "job-7.a_B"), "job-7.a_B");
        for bad in ["", "two words", "line\tbreak", "<script>"] {
            let id = id_for(REQUEST_ID, bad);
            assert_eq!(id.len(), 32, "{bad} became {id}");
        }
    }

    #[test]
    fn the_trace_id_of_a_traceparent_is_the_request_id() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        assert_eq!(
            id_for(
                TRACEPARENT,
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            ),
            trace
        );
        assert_ne!(
            id_for(TRACEPARENT, "00-tooshort-00f067aa0ba902b7-01"),
            "tooshort"
        );
    }

    #[test]
    fn a_token_is_not_printed() {
        assert_eq!(format!("{:?}", UserToken::new("secret")), "UserToken(..)");
    }
}
