//! The egg timer: every call has a deadline, and `DEADLINE_EXCEEDED` is what it gets when it passes.

use std::{collections::HashSet, future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use http::{HeaderMap, Request, Response};
use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};
use tokio::time::{Instant, sleep_until};
use tonic::body::Body;

use crate::{
    Refusal,
    call::Deadline,
    middleware::{Middleware, Next},
};

const GRPC_TIMEOUT: &str = "grpc-timeout";
/// How much earlier than asked for a call ends. tonic's own timer begins a moment before this one, and answers
/// CANCELLED.
const AHEAD_OF_TONIC: Duration = Duration::from_millis(1);

/// The most time that calls get, whatever they ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// For a call with one request and one response.
    pub unary: Duration,
    /// For a call with a stream on either side.
    pub streaming: Duration,
}

/// Gives each call min(`grpc-timeout`, configured limit), and leaves the [`Deadline`] in its extensions.
///
/// The timer runs until the response's headers: for a unary call that is the whole, a client stream included. A
/// response stream watches the deadline where its content is made, because only there can it end tidily.
#[derive(Debug)]
pub(crate) struct Timer {
    domain: &'static str,
    limits: TimeLimits,
    streaming: StreamingMethods,
}

/// The methods with a stream on either side, by their paths. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct StreamingMethods(Arc<HashSet<String>>);

impl StreamingMethods {
    /// Those of an encoded descriptor set.
    pub(crate) fn of(descriptor_set: &[u8]) -> Result<Self, prost::DecodeError> {
        let set = FileDescriptorSet::decode(descriptor_set)?;
        Ok(Self(Arc::new(streaming_methods(&set))))
    }

    pub(crate) fn contains(&self, path: &str) -> bool {
        self.0.contains(path)
    }
}

impl Timer {
    pub(crate) const fn new(
        domain: &'static str,
        limits: TimeLimits,
        streaming: StreamingMethods,
    ) -> Self {
        Self {
            domain,
            limits,
            streaming,
        }
    }

    fn limit(&self, path: &str) -> Duration {
        if self.streaming.contains(path) {
            self.limits.streaming
        } else {
            self.limits.unary
        }
    }
}

impl Middleware for Timer {
    async fn handle(&self, mut request: Request<Body>, next: impl Next) -> Response<Body> {
        let limit = self.limit(request.uri().path());
        let Ok(asked) = requested(request.headers()) else {
            return Refusal::MalformedTimeout.response(self.domain);
        };
        let asked = asked.map(|asked| asked.saturating_sub(AHEAD_OF_TONIC.min(asked / 5)));
        let deadline = Instant::now() + asked.map_or(limit, |asked| asked.min(limit));
        request.extensions_mut().insert(Deadline(deadline));
        tokio::select! {
            biased;
            response = next.run(request) => response,
            () = passed(deadline) => Refusal::DeadlineExceeded.response(self.domain),
        }
    }
}

/// Completes at the deadline by the clock and not only by its own timer. tonic's outer timer has about the same
/// deadline and answers CANCELLED; whichever timer fires first, this is polled before tonic's is.
async fn passed(deadline: Instant) {
    let mut sleep = pin!(sleep_until(deadline));
    poll_fn(|context| {
        let fired = sleep.as_mut().poll(context);
        if Instant::now() >= deadline {
            Poll::Ready(())
        } else {
            fired
        }
    })
    .await;
}

/// The caller's `grpc-timeout`: at most eight digits and a unit.
fn requested(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else {
        return Ok(None);
    };
    let timeout = value.to_str().ok().and_then(parse_timeout);
    timeout.map(Some).ok_or(Refusal::MalformedTimeout)
}

fn parse_timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let count: u64 = if is_number {
        digits.parse().ok()?
    } else {
        return None;
    };
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

fn streaming_methods(set: &FileDescriptorSet) -> HashSet<String> {
    method_paths(set, |method| {
        method.client_streaming() || method.server_streaming()
    })
    .collect()
}

/// The paths of the methods that are wanted.
pub(crate) fn method_paths(
    set: &FileDescriptorSet,
    wanted: impl Fn(&MethodDescriptorProto) -> bool,
) -> impl Iterator<Item = String> {
    let services = set.file.iter().flat_map(|file| {
        let services = file.service.iter();
        services.map(move |service| (file.package(), service))
    });
    services.flat_map(move |(package, service)| {
        let methods = service.method.iter().filter(|method| wanted(method));
        let path = |method: &MethodDescriptorProto| {
            format!("/{package}.{}/{}", service.name(), method.name())
        };
        methods.map(path).collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_at_most_eight_digits_and_a_unit() {
        assert_eq!(parse_timeout("2S"), Some(Duration::from_secs(2)));
        assert_eq!(
            parse_timeout("99999999H"),
            Some(Duration::from_hours(99_999_999))
        );
        assert_eq!(parse_timeout("250m"), Some(Duration::from_millis(250)));
        for bad in [
            "",
            "S",
            "123456789S",
            "-1S",
            "+1S",
            "1 S",
            "1s",
            "oneS",
            "1é",
        ] {
            assert_eq!(parse_timeout(bad), None, "{bad}");
        }
    }
}
