//! First start, restart, one process at a time, and what is published.

use std::{fs, path::Path};

use authorization_server::{Config, serve};
use jmap_proto::authorization as pb;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tonic::Code;

use crate::running::{PASSWORD, config, password, start};

fn key(folder: &Path) -> pb::sign_in_request::Credential {
    let key = fs::read_to_string(folder.join("layer-data.key")).unwrap();
    pb::sign_in_request::Credential::ServiceKey(key.trim().to_owned())
}

#[tokio::test]
async fn a_restart_keeps_passwords_keys_and_open_sessions() {
    // R116, R117: a token from before is as good as one from after, for its session is still open.
    let folder = TempDir::new().unwrap();
    let mut first = start(config(folder.path())).await;
    let token = first.sign_in(password(PASSWORD)).await.unwrap();
    let service = first.sign_in(key(folder.path())).await.unwrap();
    assert_eq!(first.caller(&service).await.unwrap(), "layer-data");
    first.stop().await.unwrap();

    // The configured password is the first one only: what was set since stays.
    let other = Config {
        administrator_password: Some("another one".into()),
        ..config(folder.path())
    };
    let mut second = start(other).await;
    assert_eq!(second.caller(&token).await.unwrap(), "administrator");
    second.sign_in(key(folder.path())).await.unwrap();
    second.sign_in(password(PASSWORD)).await.unwrap();
    let refused = second.sign_in(password("another one")).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn a_blank_or_short_first_password_is_refused() {
    for blank in ["", "       ", "           ", "short"] {
        let folder = TempDir::new().unwrap();
        let config = Config {
            administrator_password: Some(blank.into()),
            ..config(folder.path())
        };
        let error = start(config).await.stop().await.unwrap_err();
        assert!(
            format!("{error:#}").starts_with("the administrator's password: "),
            "{error:#}"
        );
    }
}

#[tokio::test]
async fn a_second_process_on_the_database_is_refused_with_a_clear_message() {
    let folder = TempDir::new().unwrap();
    let mut first = start(config(folder.path())).await;
    first.sign_in(password(PASSWORD)).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let error = serve(listener, config(folder.path()), std::future::pending())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("is in use by another process"),
        "{error:#}"
    );
    first.stop().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_services_key() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let mut running = start(config(folder.path())).await;
    running.sign_in(password(PASSWORD)).await.unwrap();
    let mode = fs::metadata(folder.path().join("layer-data.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_keys_are_published_over_http() {
    let folder = TempDir::new().unwrap();
    let port = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let mut running = start(Config {
        http_listen: Some(port),
        ..config(folder.path())
    })
    .await;
    running.sign_in(password(PASSWORD)).await.unwrap();
    let keys = running
        .sessions
        .list_keys(pb::ListKeysRequest {})
        .await
        .unwrap()
        .into_inner()
        .keys;
    let mut connection = TcpStream::connect(port).await.unwrap();
    let request = "GET /.well-known/jwks.json HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert!(
        response.contains(&format!("\"kid\":\"{}\"", keys[0].key_id)),
        "{response}"
    );
    running.stop().await.unwrap();
}
