//! One process, one history, one direction of versions.

use authorization_core::{
    Snapshot,
    ports::{PolicyStore, StoreError},
};
use authorization_store::{OpenError, SqliteStore};
use jmap_domain::PolicyRevision;
use sqlx::{Connection, SqliteConnection};

use crate::support::{Step, set, store};

const NEW_USER: Step = Step {
    kind: 0,
    a: 1,
    b: 1,
};

#[tokio::test]
async fn a_second_process_is_refused() {
    let (folder, store) = store().await;
    let path = folder.path().join("policy.db");
    let error = SqliteStore::open(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::InUse(_)));
    assert!(
        error
            .to_string()
            .ends_with("is in use by another process; stop that one first")
    );
    store.close().await;
    drop(store);
    SqliteStore::open(&path).await.unwrap();
}

#[tokio::test]
async fn a_newer_database_is_refused() {
    let (folder, store) = store().await;
    store.close().await;
    drop(store);
    let path = folder.path().join("policy.db");
    execute(
        &path,
        "insert into _sqlx_migrations values (9999, 'later', current_timestamp, true, x'00', 1)",
    )
    .await;
    assert!(matches!(
        SqliteStore::open(&path).await,
        Err(OpenError::Newer(_))
    ));
}

#[tokio::test]
async fn a_set_that_does_not_follow_the_stored_revision_changes_nothing() {
    let (_folder, store) = store().await;
    let before = Snapshot::rebuild(&store.load().await.unwrap());
    store.commit(&set(&before, NEW_USER)).await.unwrap();
    let after = Snapshot::rebuild(&store.load().await.unwrap());

    let mut late = set(
        &before,
        Step {
            kind: 3,
            ..NEW_USER
        },
    );
    assert_eq!(store.commit(&late).await, Err(StoreError::Conflict));
    late.revision = PolicyRevision(3);
    assert_eq!(store.commit(&late).await, Err(StoreError::Conflict));
    assert_eq!(Snapshot::rebuild(&store.load().await.unwrap()), after);
}

#[tokio::test]
async fn a_process_that_lost_the_database_writes_nothing() {
    let (folder, store) = store().await;
    let before = Snapshot::rebuild(&store.load().await.unwrap());
    // Another process has taken the database meanwhile, past a lock that did not hold.
    execute(
        &folder.path().join("policy.db"),
        "update installation set tenure = tenure + 1",
    )
    .await;
    assert_eq!(
        store.commit(&set(&before, NEW_USER)).await,
        Err(StoreError::Conflict)
    );
    let forgotten = store
        .forget_sessions(authorization_core::Timestamp::from_millis(0))
        .await;
    assert_eq!(forgotten, Err(StoreError::Conflict));
    assert_eq!(Snapshot::rebuild(&store.load().await.unwrap()), before);
}

#[cfg(unix)]
#[tokio::test]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, store) = store().await;
    let snapshot = Snapshot::rebuild(&store.load().await.unwrap());
    store.commit(&set(&snapshot, NEW_USER)).await.unwrap();
    for file in ["policy.db", "policy.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}

async fn execute(path: &std::path::Path, sql: &'static str) {
    let mut db = SqliteConnection::connect(path.to_str().unwrap())
        .await
        .unwrap();
    sqlx::query(sql).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}
