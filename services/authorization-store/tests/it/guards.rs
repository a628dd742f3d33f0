//! One process, one history, one direction of versions.

use authorization_core::{
    Snapshot,
    ports::{PolicyStore, StoreError},
};
use jmap_domain::PolicyRevision;

use crate::support::{Place, Step, on_both_engines, set};

const NEW_USER: Step = Step {
    kind: 0,
    a: 1,
    b: 1,
};

on_both_engines! {
    async fn a_second_process_is_refused(place: Place) {
        let store = place.store().await;
        let sentence = place.open().await.unwrap_err();
        assert!(
            sentence.ends_with("is in use by another process; stop that one first"),
            "{sentence}"
        );
        store.close().await;
        drop(store);
        place.store().await;
    }

    async fn a_newer_database_is_refused(place: Place) {
        let store = place.store().await;
        store.close().await;
        drop(store);
        place
            .execute("insert into _sqlx_migrations values (9999, 'later', current_timestamp, true, '', 1)")
            .await;
        let sentence = place.open().await.unwrap_err();
        assert!(
            sentence.ends_with("was written by a newer version of this program; start that version"),
            "{sentence}"
        );
    }

    async fn a_set_that_does_not_follow_the_stored_revision_changes_nothing(place: Place) {
        let store = place.store().await;
        let before = Snapshot::rebuild(&store.load().await.unwrap());
        store.commit(&set(&before, NEW_USER)).await.unwrap();
        let after = Snapshot::rebuild(&store.load().await.unwrap());

        let mut late = set(&before, Step { kind: 3, ..NEW_USER });
        assert_eq!(store.commit(&late).await, Err(StoreError::Conflict));
        late.revision = PolicyRevision(3);
        assert_eq!(store.commit(&late).await, Err(StoreError::Conflict));
        assert_eq!(Snapshot::rebuild(&store.load().await.unwrap()), after);
    }

    async fn a_process_that_lost_the_database_reads_and_writes_nothing(place: Place) {
        let store = place.store().await;
        let before = Snapshot::rebuild(&store.load().await.unwrap());
        // Another process has taken the database meanwhile, past a lock that did not hold.
        place.execute("update installation set tenure = tenure + 1").await;
        let late = store.commit(&set(&before, NEW_USER)).await;
        assert_eq!(late, Err(StoreError::Conflict));
        let forgotten = store
            .forget_sessions(authorization_core::Timestamp::from_millis(0))
            .await;
        assert_eq!(forgotten, Err(StoreError::Conflict));
        assert_eq!(store.load().await.unwrap_err(), StoreError::Conflict);
        store.close().await;
        drop(store);
        let store = place.store().await;
        assert_eq!(Snapshot::rebuild(&store.load().await.unwrap()), before);
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_else_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::folder();
    let store = place.store().await;
    let snapshot = Snapshot::rebuild(&store.load().await.unwrap());
    store.commit(&set(&snapshot, NEW_USER)).await.unwrap();
    let Place::Folder(folder) = &place else {
        return;
    };
    for file in ["policy.db", "policy.db-wal"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
}
