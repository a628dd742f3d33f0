//! Duties on a server: migrations, roles, and what the log may show.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use authorization_core::{
    Snapshot,
    ports::PolicyStore,
    secret::{PasswordHash, SecretChange},
};
use authorization_store::{ConnectError, MigrateError, SqlStore, migrate};
use fresh_database::FreshDatabase;
use jmap_domain::UserId;
use jmap_postgres::{DatabaseOptions, MigrateMode, SchemaError};
use sqlx::{PgConnection, raw_sql};
use tracing::Level;

use crate::support::{Step, connector, connector_with, set};

const NEW_USER: Step = Step {
    kind: 0,
    a: 1,
    b: 1,
};

fn never() -> DatabaseOptions {
    DatabaseOptions {
        database_migrate: MigrateMode::Never,
        ..DatabaseOptions::default()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn several_processes_may_migrate_at_once() {
    let Some(database) = FreshDatabase::create("migrating").await else {
        return;
    };
    let connector = connector(&database.url());
    let (one, two, three) = tokio::join!(
        migrate(&connector, None),
        migrate(&connector, None),
        migrate(&connector, None)
    );
    one.and(two).and(three).unwrap();
    SqlStore::connect(&connector_with(&database.url(), &never()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_that_may_not_migrate_says_which_command_does() {
    let Some(database) = FreshDatabase::create("never").await else {
        return;
    };
    let connector = connector_with(&database.url(), &never());
    let refused = SqlStore::connect(&connector).await.unwrap_err();
    assert!(matches!(
        refused,
        ConnectError::Schema(SchemaError::Outdated(_, _))
    ));
    let sentence = refused.to_string();
    assert!(
        sentence.ends_with("is not up to date; run `authorization-server migrate` first"),
        "{sentence}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lesser_role_runs_the_service_and_cannot_change_the_schema() {
    let Some(mut database) = FreshDatabase::create("lesser_role").await else {
        return;
    };
    let role = database.create_role().await;
    migrate(&connector(&database.url()), Some(&role))
        .await
        .unwrap();
    let as_role = connector(&database.url_as(&role));
    let store = SqlStore::connect(&as_role).await.unwrap();
    let before = Snapshot::rebuild(&store.load().await.unwrap());
    store.commit(&set(&before, NEW_USER)).await.unwrap();

    let mut db = as_role.connect().await.unwrap();
    for refused in [
        "create table mine (a int)",
        "alter table project add column a int",
        "drop table project",
        "truncate change_set",
        "delete from _sqlx_migrations",
        "create schema mine",
    ] {
        let error = raw_sql(refused).execute(&mut db).await.unwrap_err();
        let code = error.as_database_error().unwrap().code().unwrap();
        assert_eq!(code, "42501", "{refused}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_role_gets_future_tables_as_well() {
    let Some(mut database) = FreshDatabase::create("future").await else {
        return;
    };
    let role = database.create_role().await;
    let owner = connector(&database.url());
    migrate(&owner, Some(&role)).await.unwrap();
    let mut db: PgConnection = owner.connect().await.unwrap();
    raw_sql("create table later (a int)")
        .execute(&mut db)
        .await
        .unwrap();
    let mut db = connector(&database.url_as(&role)).connect().await.unwrap();
    raw_sql("insert into later values (1)")
        .execute(&mut db)
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_role_that_is_not_there_is_refused() {
    let Some(database) = FreshDatabase::create("no_role").await else {
        return;
    };
    let refused = migrate(&connector(&database.url()), Some("nobody\"; --")).await;
    assert!(matches!(refused, Err(MigrateError::Role(_))));
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_log_shows_statements_and_neither_values_nor_passwords() {
    let Some(mut database) = FreshDatabase::create("log").await else {
        return;
    };
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let role = database.create_role().await;
    migrate(&connector(&database.url()), Some(&role))
        .await
        .unwrap();
    let store = SqlStore::connect(&connector(&database.url_as(&role)))
        .await
        .unwrap();
    let before = Snapshot::rebuild(&store.load().await.unwrap());
    let mut change = set(&before, NEW_USER);
    change.secrets.push(SecretChange::Password {
        user: UserId::new(5).unwrap(),
        hash: PasswordHash("$argon2id$hush".into()),
    });
    store.commit(&change).await.unwrap();
    // The same again violates a constraint, which the log tells of.
    store.commit(&change).await.unwrap_err();

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("insert into user_password"), "{text}");
    let password = format!(":{role}@");
    assert!(
        !text.contains("hush") && !text.contains(&password),
        "{text}"
    );
}
