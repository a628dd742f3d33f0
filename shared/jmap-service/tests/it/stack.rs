//! Trace, panic, load shed and deadline.

use std::time::Duration;

use prost::bytes::Bytes;
use tokio::net::TcpStream;
use tonic::{Code, Request, Status, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;
use tonic_types::StatusExt;

use crate::fixture::{DOMAIN, PATIENCE, Settings, start, unary};

#[tokio::test]
async fn a_call_without_a_token_is_the_anonymous_account() {
    // R118.
    let running = start(Settings::default()).await;
    let answer = running.call("/test.v1.Test/WhoAmI").await.unwrap();
    assert!(answer.get_ref().starts_with("Anonymous "), "{answer:?}");
}

#[tokio::test]
async fn a_request_id_reaches_the_handler_and_comes_back() {
    let running = start(Settings::default()).await;
    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("x-request-id", "import-7".parse().unwrap());
    let answer = unary(running.channel(), "/test.v1.Test/WhoAmI", request)
        .await
        .unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "import-7");
    assert_eq!(answer.get_ref(), "Anonymous import-7 true");
}

#[tokio::test]
async fn a_panic_is_an_internal_error_and_the_connection_lives() {
    // R120.
    let running = start(Settings::default()).await;
    let channel = running.channel();
    let status = unary(
        channel.clone(),
        "/test.v1.Test/Panic",
        Request::new(String::new()),
    )
    .await
    .unwrap_err();
    assert_eq!(status.code(), Code::Internal);
    assert!(
        !status.message().contains("panics"),
        "the text of a panic stays inside: {status:?}"
    );
    assert!(
        unary(channel, "/test.v1.Test/WhoAmI", Request::new(String::new()))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_refused_with_its_reason() {
    // R120.
    let running = start(Settings::default()).await;
    let request = Request::new("x".repeat(5 << 20));
    let answer = unary(running.channel(), "/test.v1.Test/WhoAmI", request).await;
    refused(&answer.unwrap_err(), Code::ResourceExhausted, "TOO_LARGE");
}

#[tokio::test]
async fn bytes_that_are_no_message_are_a_bad_request() {
    // R120. The method takes a text; as text, the bytes of the account are not UTF-8.
    let running = start(Settings::default()).await;
    let mut grpc = tonic::client::Grpc::new(running.channel());
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/test.v1.Test/WhoAmI");
    let codec = ProstCodec::<Vec<u8>, String>::default();
    let answer = grpc.unary(Request::new(vec![0xff; 4]), path, codec).await;
    refused(&answer.unwrap_err(), Code::InvalidArgument, "INVALID_FIELD");
}

fn refused(status: &Status, code: Code, reason: &str) {
    let details = status.get_error_details();
    let told = details.error_info().map(|info| info.reason.as_str());
    assert_eq!((status.code(), told), (code, Some(reason)), "{status:?}");
}

#[tokio::test]
async fn calls_beyond_the_limit_are_shed_while_running_ones_finish() {
    // R120.
    let running = start(Settings {
        most: 1,
        ..Settings::default()
    })
    .await;
    let first = running.call("/test.v1.Test/Wait");
    let rest = async {
        running.gate.arrived.notified().await;
        // Each call comes over a connection of its own: the limit is global.
        let status = running.call("/test.v1.Test/WhoAmI").await.unwrap_err();
        running.gate.open.notify_one();
        status
    };
    let (first, status) = tokio::join!(first, rest);
    assert_eq!(first.unwrap().get_ref(), "done");
    assert_eq!(status.code(), Code::ResourceExhausted);
    let details = status.get_error_details();
    assert!(details.retry_info().unwrap().retry_delay.is_some());
    let info = details.error_info().unwrap();
    assert_eq!(
        (info.reason.as_str(), info.domain.as_str()),
        ("OVERLOADED", DOMAIN)
    );
    // The place is given back a moment after the last byte has left.
    while running.call("/test.v1.Test/WhoAmI").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_stream_counts_until_its_end() {
    let running = start(Settings {
        most: 1,
        ..Settings::default()
    })
    .await;
    let mut stream = running.stream().await.unwrap();
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("first"));
    let status = running.call("/test.v1.Test/WhoAmI").await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    running.gate.open.notify_one();
    assert_eq!(stream.message().await.unwrap().as_deref(), Some("last"));
    assert_eq!(stream.message().await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_that_is_not_read_keeps_no_place() {
    // R120. Of a unary call the work counts, and not the delivery, which the caller may leave lying for ever.
    let running = start(Settings {
        most: 1,
        ..Settings::default()
    })
    .await;
    let socket = TcpStream::connect(running.address).await.unwrap();
    let mut settings = h2::client::Builder::new();
    let (client, connection) = settings
        .initial_window_size(0)
        .handshake(socket)
        .await
        .unwrap();
    let _serving = tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/test.v1.Test/WhoAmI", running.address))
        .header("content-type", "application/grpc")
        .body(())
        .unwrap();
    let (answer, mut body) = client
        .ready()
        .await
        .unwrap()
        .send_request(request, false)
        .unwrap();
    body.send_data(Bytes::from_static(&[0; 5]), true).unwrap();
    let _unread = answer.await.unwrap();
    assert!(running.call("/test.v1.Test/WhoAmI").await.is_ok());
}

#[tokio::test]
async fn health_answers_in_an_overload() {
    let running = start(Settings {
        most: 0,
        ..Settings::default()
    })
    .await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(running.channel());
    let answer = health
        .check(tonic_health::pb::HealthCheckRequest::default())
        .await;
    assert!(answer.is_ok(), "{answer:?}");
}

#[tokio::test]
async fn the_configured_limit_ends_a_call_with_deadline_exceeded() {
    // R120.
    let unary_limit = Duration::from_millis(30);
    let running = start(Settings {
        unary: unary_limit,
        ..Settings::default()
    })
    .await;
    let status = running.call("/test.v1.Test/Wait").await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(
        status.get_details_error_info().unwrap().reason,
        "DEADLINE_EXCEEDED"
    );
}

#[tokio::test]
async fn the_callers_timeout_ends_a_call_with_deadline_exceeded_and_not_cancelled() {
    // R120. The channel's own timer is tonic's, so the header is set without it.
    let running = start(Settings::default()).await;
    for _ in 0..20 {
        let status = raw_call_with_timeout(&running, "5m").await;
        assert_eq!(status, "4", "grpc-status");
    }
}

#[tokio::test]
async fn a_malformed_timeout_is_a_bad_request() {
    let running = start(Settings::default()).await;
    assert_eq!(
        raw_call_with_timeout(&running, "soon").await,
        "3",
        "grpc-status"
    );
}

#[tokio::test]
async fn a_client_learns_deadline_exceeded_when_its_own_timer_fires() {
    let running = start(Settings::default()).await;
    let mut request = Request::new(String::new());
    request.set_timeout(Duration::from_millis(5));
    let status = unary(running.channel(), "/test.v1.Test/Wait", request)
        .await
        .unwrap_err();
    let translated = jmap_service::client::translate(status);
    assert_eq!(translated.code(), Code::DeadlineExceeded);
}

/// The `grpc-status` header of a call of `Wait` with this `grpc-timeout`.
async fn raw_call_with_timeout(running: &crate::fixture::Running, timeout: &'static str) -> String {
    let io = tokio::net::TcpStream::connect(running.address)
        .await
        .unwrap();
    let io = hyper_util::rt::TokioIo::new(io);
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, io)
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://{}/test.v1.Test/Wait", running.address))
        .header("content-type", "application/grpc")
        .header("grpc-timeout", timeout)
        .body(http_body_util::Full::new(
            tonic::codegen::Bytes::from_static(&[0; 5]),
        ))
        .unwrap();
    let response = tokio::time::timeout(PATIENCE, sender.send_request(request))
        .await
        .unwrap()
        .unwrap();
    response.headers()["grpc-status"]
        .to_str()
        .unwrap()
        .to_owned()
}
