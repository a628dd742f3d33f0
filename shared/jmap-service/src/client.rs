//! Calls to the partner service: the channel, what every call carries, and what its errors mean.

use std::{error::Error, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use tonic::{
    Code, Request, Status, TimeoutExpired,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

use crate::{
    call::{Deadline, REQUEST_ID_KEY, RequestId},
    serve::{CONNECTION_WINDOW, STREAM_WINDOW},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// A channel that connects when first used and again whenever it must.
///
/// # Errors
/// When the address is not a URI.
pub fn channel(address: &str) -> Result<Channel, tonic::transport::Error> {
    let endpoint = Endpoint::from_shared(address.to_owned())?
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW);
    Ok(endpoint.connect_lazy())
}

/// What goes along with a message: who asks, until when, and under which request id.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The id that logs of both services carry.
    pub request_id: RequestId,
    /// When an answer is no longer of use; the partner is told what is left.
    pub deadline: Deadline,
}

impl Outgoing {
    /// For a call that is made to answer another one: its request id, and what is left of its time, but no more
    /// than `most`.
    #[must_use]
    pub fn within(request_id: &str, deadline: Deadline, most: Duration) -> Self {
        let request_id = RequestId::parse(request_id).unwrap_or_else(RequestId::generate);
        let bound = Deadline(Instant::now() + most);
        Self {
            request_id,
            deadline: deadline.min(bound),
        }
    }

    /// For a call that the service makes by itself.
    #[must_use]
    pub fn unprompted(most: Duration) -> Self {
        let deadline = Deadline(Instant::now() + most);
        Self {
            request_id: RequestId::generate(),
            deadline,
        }
    }

    /// The message with the metadata; without a credential the call is anonymous.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED` when no time is left, INTERNAL when the credential cannot be sent.
    pub fn request<T>(
        &self,
        message: T,
        credential: Option<&SecretString>,
    ) -> Result<Request<T>, Status> {
        let left = self.deadline.remaining();
        if left.is_zero() {
            return Err(Status::deadline_exceeded(
                "no time is left for a call to the partner service",
            ));
        }
        let mut request = Request::new(message);
        request.set_timeout(left);
        if let Ok(id) = MetadataValue::try_from(&*self.request_id.shared()) {
            request.metadata_mut().insert(REQUEST_ID_KEY, id);
        }
        if let Some(credential) = credential {
            let value = format!("Bearer {}", credential.expose_secret());
            request
                .metadata_mut()
                .insert("authorization", secret_value(&value)?);
        }
        Ok(request)
    }
}

/// A metadata value that is never indexed by HTTP/2 nor printed.
///
/// # Errors
/// INTERNAL when it has characters that metadata cannot carry.
pub fn secret_value(text: &str) -> Result<MetadataValue<Ascii>, Status> {
    let mut value: MetadataValue<Ascii> = text
        .parse()
        .ok()
        .ok_or_else(|| Status::internal("a credential cannot be sent as metadata"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// tonic calls its own expired timer CANCELLED; for everybody else it is `DEADLINE_EXCEEDED`.
#[must_use]
pub fn translate(status: Status) -> Status {
    if status.code() == Code::Cancelled && has_expired(&status) {
        return Status::deadline_exceeded("the partner service did not answer in time");
    }
    status
}

fn has_expired(status: &Status) -> bool {
    let mut cause = status.source();
    while let Some(error) = cause {
        if error.is::<TimeoutExpired>() {
            return true;
        }
        cause = error.source();
    }
    false
}
