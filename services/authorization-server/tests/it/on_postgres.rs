//! The executable's duties on PostgreSQL: first start, restart, one process at a time, the `migrate` command.

use std::path::Path;

use assert_cmd::Command;
use authorization_server::{Config, Database, serve};
use authorization_store::PURPOSE;
use fresh_database::FreshDatabase;
use jmap_postgres::{DatabaseOptions, DatabaseUrl, MigrateMode};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::spawn_blocking};

use crate::running::{PASSWORD, config, password, start};

fn on(url: &str, folder: &Path) -> Config {
    // The schema is only ever made by the command here.
    let options = DatabaseOptions {
        database_migrate: MigrateMode::Never,
        ..DatabaseOptions::default()
    };
    let connector = options.connector(&DatabaseUrl::new(url), PURPOSE).unwrap();
    Config {
        database: Database::Server(Box::new(connector)),
        ..config(folder)
    }
}

/// What the command writes to standard error, and whether it succeeded.
async fn migrate(arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authorization-server"));
    command.arg("migrate").args(arguments);
    let output = spawn_blocking(move || command.output()).await;
    let output = output.unwrap().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lesser_role_serves_what_the_command_prepared() {
    let Some(mut database) = FreshDatabase::create("served").await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let role = database.create_role().await;
    let url = database.url_as(&role);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = serve(listener, on(&url, folder.path()), std::future::pending()).await;
    let sentence = refused.unwrap_err().to_string();
    assert!(
        sentence.ends_with("run `authorization-server migrate` first"),
        "{sentence}"
    );

    let (done, text) = migrate(&["--database", &database.url(), "--grant-to", &role]).await;
    assert!(done, "{text}");
    let mut first = start(on(&url, folder.path())).await;
    let token = first.sign_in(password(PASSWORD)).await.unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = serve(listener, on(&url, folder.path()), std::future::pending()).await;
    let sentence = second.unwrap_err().to_string();
    assert!(
        sentence.ends_with("is in use by another process; stop that one first"),
        "{sentence}"
    );
    first.stop().await.unwrap();

    // R116, R117.
    let mut again = start(on(&url, folder.path())).await;
    assert_eq!(again.caller(&token).await.unwrap(), "administrator");
    again.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_command_refuses_with_a_sentence_and_without_the_password() {
    for (url, sentence) in [
        ("policy.sqlite", "only a PostgreSQL database is migrated"),
        ("postgres://u:hush@db.example/d", "is not on this machine"),
        ("postgres://u:hush@127.0.0.1:1/d", "cannot be used"),
        (
            "postgres://u:hush@localhost/d?x=hush",
            "has the parameter `x`",
        ),
    ] {
        let (done, text) = migrate(&["--database", url]).await;
        assert!(!done && text.contains(sentence), "{url}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn help_does_not_show_the_password_in_the_environment() {
    for arguments in [&["--help"][..], &["migrate", "--help"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_authorization-server"))
            .env("JMAP_DATABASE", "postgres://u:hush@localhost/d")
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("JMAP_DATABASE") && !text.contains("hush"));
    }
}
