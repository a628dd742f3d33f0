//! What was committed is what is loaded: after any history, after a restart, after a crash.

use authorization_core::{
    Snapshot, Timestamp,
    model::{Account, Session, SessionState},
    ports::PolicyStore,
    secret::{PasswordHash, RefreshHashes, SecretChange, SecretHash, SigningKey},
};
use authorization_store::SqlStore;
use jmap_domain::{PolicyRevision, ServiceId, SessionId, SessionKind, UserId};
use proptest::{collection::vec, prelude::*, test_runner::TestCaseError};
use secrecy::{ExposeSecret, SecretString};
use tokio::runtime::Runtime;

use crate::support::{Place, Step, on_both_engines, set};

fn step() -> impl Strategy<Value = Step> {
    any::<(u8, u8, u8)>().prop_map(|(kind, a, b)| Step { kind, a, b })
}

async fn commit_all(store: &SqlStore, steps: &[Step]) -> Snapshot {
    let mut snapshot = Snapshot::rebuild(&store.load().await.unwrap());
    for step in steps {
        let set = set(&snapshot, *step);
        store.commit(&set).await.unwrap();
        snapshot = snapshot.apply(&set);
    }
    snapshot
}

async fn commit_secret(store: &SqlStore, step: Step, secret: SecretChange) {
    let snapshot = Snapshot::rebuild(&store.load().await.unwrap());
    let mut set = set(&snapshot, step);
    set.secrets.push(secret);
    store.commit(&set).await.unwrap();
}

/// Replays the recorded sets from nothing.
async fn replayed(store: &SqlStore) -> Snapshot {
    let mut snapshot = Snapshot::empty(store.load().await.unwrap().epoch);
    loop {
        let sets = store.history(snapshot.revision(), 3).await.unwrap();
        if sets.is_empty() {
            return snapshot;
        }
        snapshot = sets
            .iter()
            .fold(snapshot, |snapshot, set| snapshot.apply(set));
    }
}

async fn what_is_loaded_and_replayed_equals_the_snapshot(
    place: &Place,
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let store = place.store().await;
    let snapshot = commit_all(&store, steps).await;
    prop_assert_eq!(&Snapshot::rebuild(&store.load().await.unwrap()), &snapshot);
    // R8, R116: the marks are data; R122: history has everything.
    prop_assert_eq!(&replayed(&store).await, &snapshot);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_a_file_keeps_and_what_history_replays_equal_the_snapshot(steps in vec(step(), 0..60)) {
        Runtime::new().unwrap().block_on(what_is_loaded_and_replayed_equals_the_snapshot(
            &Place::folder(),
            &steps,
        ))?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn what_a_server_keeps_and_what_history_replays_equal_the_snapshot(steps in vec(step(), 0..40)) {
        Runtime::new().unwrap().block_on(async {
            match Place::server("histories").await {
                Some(place) => what_is_loaded_and_replayed_equals_the_snapshot(&place, &steps).await,
                None => Ok(()),
            }
        })?;
    }
}

/// Something of each kind.
fn story() -> Vec<Step> {
    [0, 3, 5, 7, 8, 9, 11, 12, 13, 14, 1]
        .into_iter()
        .zip(1..)
        .map(|(kind, a)| Step { kind, a, b: a })
        .collect()
}

fn session() -> Session {
    Session {
        id: SessionId::new(7).unwrap(),
        account: Account::User {
            user: UserId::ADMINISTRATOR,
            kind: SessionKind::Server,
        },
        opened_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(100),
        state: SessionState::Open,
        refresh: Some(RefreshHashes {
            family: SecretHash([1; 32]),
            current: SecretHash([2; 32]),
        }),
    }
}

on_both_engines! {
    async fn a_restart_keeps_everything(place: Place) {
        let store = place.store().await;
        let snapshot = commit_all(&store, &story()).await;
        let installation = store.installation_id().to_owned();
        let key = SigningKey {
            kid: "k1".to_owned(),
            private_pem: SecretString::from("pem"),
            created_at: Timestamp::from_millis(3),
        };
        store.add_signing_key(&key).await.unwrap();
        store.put_session(&session(), None).await.unwrap();
        store.close().await;
        drop(store);

        let store = place.store().await;
        let stored = store.load().await.unwrap();
        assert_eq!(store.installation_id(), installation);
        assert_eq!(Snapshot::rebuild(&stored), snapshot);
        assert_eq!(stored.sessions, [session()]);
        assert_eq!(stored.last_session, 7);
        let keys = store.signing_keys().await.unwrap();
        assert_eq!(
            (keys[0].kid.as_str(), keys[0].private_pem.expose_secret()),
            ("k1", "pem")
        );
    }

    async fn secrets_are_kept_with_the_set_and_never_in_history(place: Place) {
        let store = place.store().await;
        let (new_user, new_service) = (Step { kind: 0, a: 1, b: 1 }, Step { kind: 8, a: 1, b: 1 });
        let user = UserId::new(5).unwrap();
        let hash = PasswordHash(SecretString::from("$argon2id$x"));
        commit_secret(&store, new_user, SecretChange::Password { user, hash }).await;
        let service = ServiceId::new(1).unwrap();
        let hash = SecretHash([9; 32]);
        commit_secret(&store, new_service, SecretChange::ServiceKey { service, hash }).await;

        let password = store.password(user).await.unwrap().unwrap();
        assert_eq!(password.0.expose_secret(), "$argon2id$x");
        assert_eq!(store.service_key(service).await.unwrap(), Some(hash));
        let history = store.history(PolicyRevision(0), 10).await.unwrap();
        assert!(history.iter().all(|set| set.secrets.is_empty()) && history.len() == 2);

        // R9: a deleted user leaves no password behind.
        commit_all(&store, &[Step { kind: 2, a: 0, b: 0 }]).await;
        assert!(store.password(user).await.unwrap().is_none());
    }

    async fn a_session_is_replaced_and_forgotten_after_its_time(place: Place) {
        // R117: closing is remembered; R116: the highest id stays known.
        let store = place.store().await;
        store.put_session(&session(), None).await.unwrap();
        let closed = Session {
            state: SessionState::Closed {
                at: Timestamp::from_millis(50),
            },
            ..session()
        };
        store.put_session(&closed, None).await.unwrap();
        assert_eq!(store.load().await.unwrap().sessions, [closed]);

        store
            .forget_sessions(Timestamp::from_millis(99))
            .await
            .unwrap();
        assert_eq!(store.load().await.unwrap().sessions.len(), 1);
        store
            .forget_sessions(Timestamp::from_millis(100))
            .await
            .unwrap();
        let stored = store.load().await.unwrap();
        assert_eq!((stored.sessions.len(), stored.last_session), (0, 7));
    }

    async fn a_token_is_spent_once_also_after_a_restart(place: Place) {
        let (token, until) = (SecretHash([7; 32]), Timestamp::from_millis(50));
        let store = place.store().await;
        assert!(store.spend_token(token, until).await.unwrap());
        assert!(!store.spend_token(token, until).await.unwrap());
        assert!(store.spend_token(SecretHash([8; 32]), until).await.unwrap());
        store.close().await;
        drop(store);
        let store = place.store().await;
        store.forget_tokens(until).await.unwrap();
        assert!(!store.spend_token(token, until).await.unwrap());
        // Nobody accepts it any more by then.
        store.forget_tokens(Timestamp::from_millis(51)).await.unwrap();
        assert!(store.spend_token(token, until).await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn after_a_crash_what_was_committed_is_whole() {
    let place = Place::folder();
    let store = place.store().await;
    let Place::Folder(folder) = &place else {
        return;
    };
    let snapshot = commit_all(&store, &story()).await;
    // What a crash leaves: the files as they are now, with nothing closed or written back.
    let left = tempfile::TempDir::new().unwrap();
    for file in ["policy.db", "policy.db-wal"] {
        std::fs::copy(folder.path().join(file), left.path().join(file)).unwrap();
    }
    let store = SqlStore::open(&left.path().join("policy.db"))
        .await
        .unwrap();
    assert_eq!(Snapshot::rebuild(&store.load().await.unwrap()), snapshot);
}
