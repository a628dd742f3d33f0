//! Serving without sockets, for tests: calls pass the same stack over pipes in memory.

use std::{convert::Infallible, future::ready, io};

use futures::stream;
use http::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::Service;

use crate::serve::{CONNECTION_WINDOW, STREAM_WINDOW, server};

/// The bytes that a pipe holds while nobody reads them.
const PIPE: usize = 1 << 16;

/// A channel to a service in this process. It connects when first used and again whenever it must, as
/// [`crate::client::channel`] does; a connection is served until the channel lets go of it.
pub fn channel<S>(service: S) -> Channel
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let connector = tower::service_fn(move |_: Uri| {
        let (near, far) = tokio::io::duplex(PIPE);
        let incoming = stream::once(ready(Ok::<_, io::Error>(far)));
        tokio::spawn(server().serve_with_incoming(service.clone(), incoming));
        ready(Ok::<_, io::Error>(TokioIo::new(near)))
    });
    Endpoint::from_static("http://in.memory")
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .connect_with_connector_lazy(connector)
}
