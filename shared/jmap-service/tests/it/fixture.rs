//! A service whose methods do what the stack must cope with, served on port 0.

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use axum::routing::post;
use jmap_service::{
    call::CallScope,
    serve::{Plaintext, Served, serve},
    server_info::ServerInfo,
    stack::{Stack, TimeLimits},
    token::{Authenticator, PublishedKeys, SigningKey},
};
use prost::Message;
use prost_types::{
    FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto, ServiceDescriptorProto,
};
use tokio::{net::TcpListener, sync::Notify, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use tonic::{
    Request, Response, Status, Streaming, body::Body, client, codegen::http::uri::PathAndQuery,
    server, service::Routes, transport::Channel,
};
use tonic_prost::ProstCodec;

pub(crate) const DOMAIN: &str = "test.jmap";
pub(crate) const ISSUER: &str = "installation-1";
/// Longer than anything here takes when it works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The contract, and the one method here that streams.
static DESCRIPTORS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut set = FileDescriptorSet::decode(jmap_proto::DESCRIPTORS).unwrap();
    let stream = MethodDescriptorProto {
        name: Some("Stream".to_owned()),
        server_streaming: Some(true),
        ..MethodDescriptorProto::default()
    };
    let service = ServiceDescriptorProto {
        name: Some("Test".to_owned()),
        method: vec![stream],
        ..ServiceDescriptorProto::default()
    };
    set.file.push(FileDescriptorProto {
        name: Some("test.proto".to_owned()),
        package: Some("test.v1".to_owned()),
        service: vec![service],
        ..FileDescriptorProto::default()
    });
    set.encode_to_vec()
});

/// Told when a call has arrived, and told to let calls go on.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) arrived: Arc<Notify>,
    pub(crate) open: Arc<Notify>,
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) gate: Gate,
    pub(crate) stop: CancellationToken,
    pub(crate) served: JoinHandle<anyhow::Result<()>>,
}

pub(crate) struct Settings {
    pub(crate) most: usize,
    pub(crate) unary: Duration,
    pub(crate) authenticator: Authenticator,
}

impl Default for Settings {
    fn default() -> Self {
        let authenticator = Authenticator::with_keys(&published(&[&key("k1", 1)]));
        Self {
            most: 16,
            unary: PATIENCE,
            authenticator,
        }
    }
}

pub(crate) fn key(id: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(id, &[seed; 32]).unwrap()
}

pub(crate) fn published(keys: &[&SigningKey]) -> PublishedKeys {
    let keys = keys.iter().map(|key| key.public().clone()).collect();
    PublishedKeys {
        issuer: ISSUER.to_owned(),
        keys,
    }
}

pub(crate) async fn start(settings: Settings) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, gate, stop) = (
        listener.local_addr().unwrap(),
        Gate::default(),
        CancellationToken::new(),
    );
    let stack = Stack {
        domain: DOMAIN,
        descriptor_set: DESCRIPTORS.as_slice(),
        max_concurrent_calls: settings.most,
        time_limits: TimeLimits {
            unary: settings.unary,
            streaming: PATIENCE,
        },
        authenticator: Arc::new(settings.authenticator),
        refusals: None,
    };
    let info = ServerInfo {
        instance_id: ISSUER.to_owned(),
        authorization_address: format!("http://{address}"),
        layer_data_address: String::new(),
    };
    let served = Served {
        routes: routes(&gate).add_service(info.service()),
        names: vec![ServerInfo::NAME],
        stack,
        drain: PATIENCE,
        plaintext: Plaintext::LoopbackOnly,
    };
    let served = tokio::spawn(serve(listener, served, stop.clone().cancelled_owned()));
    Running {
        address,
        gate,
        stop,
        served,
    }
}

impl Running {
    pub(crate) fn channel(&self) -> Channel {
        jmap_service::client::channel(&format!("http://{}", self.address)).unwrap()
    }

    pub(crate) async fn call(&self, method: &'static str) -> Result<Response<String>, Status> {
        unary(self.channel(), method, Request::new(String::new())).await
    }

    pub(crate) async fn stream(&self) -> Result<Streaming<String>, Status> {
        let mut grpc = client::Grpc::new(self.channel());
        grpc.ready().await.unwrap();
        let path = PathAndQuery::from_static("/test.v1.Test/Stream");
        let request = Request::new(String::new());
        Ok(grpc
            .server_streaming(request, path, ProstCodec::default())
            .await?
            .into_inner())
    }
}

pub(crate) async fn unary(
    channel: Channel,
    method: &'static str,
    request: Request<String>,
) -> Result<Response<String>, Status> {
    let mut grpc = client::Grpc::new(channel);
    grpc.ready()
        .await
        .map_err(|error| Status::from_error(error.into()))?;
    grpc.unary(
        request,
        PathAndQuery::from_static(method),
        ProstCodec::default(),
    )
    .await
}

fn routes(gate: &Gate) -> Routes {
    let (waiting, streaming) = (gate.clone(), gate.clone());
    let router = axum::Router::new()
        .route(
            "/test.v1.Test/WhoAmI",
            post(|request| answer(request, who_am_i)),
        )
        .route(
            "/test.v1.Test/Panic",
            post(|request| answer(request, panicking)),
        )
        .route(
            "/test.v1.Test/Wait",
            post(move |request| answer(request, move |_| wait(waiting.clone()))),
        )
        .route(
            "/test.v1.Test/Stream",
            post(move |request| stream(request, streaming.clone())),
        );
    Routes::from(router)
}

type HttpRequest = http::Request<axum::body::Body>;

async fn answer<F, A>(request: HttpRequest, handler: F) -> http::Response<Body>
where
    F: Fn(Request<String>) -> A + Clone + Send + 'static,
    A: Future<Output = Result<Response<String>, Status>> + Send + 'static,
{
    let mut grpc = server::Grpc::new(ProstCodec::<String, String>::default());
    grpc.unary(tower::service_fn(handler), request.map(Body::new))
        .await
}

async fn who_am_i(request: Request<String>) -> Result<Response<String>, Status> {
    let scope = CallScope::of(request.extensions(), DOMAIN)?;
    let left = scope.deadline.remaining() > Duration::ZERO;
    Ok(Response::new(format!(
        "{:?} {} {left}",
        scope.caller, scope.request_id
    )))
}

async fn panicking(_: Request<String>) -> Result<Response<String>, Status> {
    panic!("a handler of a test panics")
}

async fn wait(gate: Gate) -> Result<Response<String>, Status> {
    gate.arrived.notify_one();
    gate.open.notified().await;
    Ok(Response::new("done".to_owned()))
}

/// Sends one message at once and the end when the gate opens.
async fn stream(request: HttpRequest, gate: Gate) -> http::Response<Body> {
    let handler = move |_: Request<String>| {
        let gate = gate.clone();
        async move {
            let first = futures::stream::once(async { Ok::<_, Status>("first".to_owned()) });
            let rest = futures::stream::once(async move {
                gate.open.notified().await;
                Ok("last".to_owned())
            });
            Ok::<_, Status>(Response::new(futures::StreamExt::chain(first, rest)))
        }
    };
    let mut grpc = server::Grpc::new(ProstCodec::<String, String>::default());
    grpc.server_streaming(tower::service_fn(handler), request.map(Body::new))
        .await
}
