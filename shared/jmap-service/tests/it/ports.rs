//! What every port answers beside the service's own calls.

use jmap_proto::types::{
    GetServerInfoRequest, server_info_service_client::ServerInfoServiceClient,
};
use jmap_service::{admin, serve::Plaintext, server_info::ServerInfo};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use crate::fixture::{Settings, start};

async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_http_port_answers_for_its_life_and_what_is_mounted() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
    let mounted = axum::Router::new().route("/keys", axum::routing::get(async || "mounted"));
    let stopping = stop.clone().cancelled_owned();
    let served = tokio::spawn(admin::serve(
        listener,
        mounted,
        Plaintext::LoopbackOnly,
        stopping,
    ));
    assert!(get(address, "/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get(address, "/keys").await.ends_with("mounted"));
    assert!(get(address, "/elsewhere").await.starts_with("HTTP/1.1 404"));
    stop.cancel();
    served.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_grpc_port_tells_its_health_by_service_and_what_it_belongs_to() {
    let running = start(Settings::default()).await;
    let mut health = HealthClient::new(running.channel());
    for service in ["", ServerInfo::NAME] {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let answer = health.check(request).await.unwrap().into_inner();
        assert_eq!(answer.status, 1, "SERVING of `{service}`");
    }
    let mut info = ServerInfoServiceClient::new(running.channel());
    let info = info
        .get_server_info(GetServerInfoRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (info.instance_id.as_str(), info.contract_level),
        ("installation-1", 1)
    );
}
