//! Moving the database to the other engine and back: everything goes along, and only an end that is fit is opened.

use authorization_core::{
    Snapshot, Timestamp,
    audit::{
        AuditEntry, AuditFilter, AuditKind, AuditRecord, Concern, Order, RecordsWanted, Span, Who,
    },
    change::{HistoryBase, PolicyChange},
    model::{Account, Session, SessionState},
    ports::{AuditStore, PolicyStore},
    secret::{PasswordHash, RefreshHashes, SecretChange, SecretHash, SigningKey},
};
use authorization_store::{MoveError, Opening, SqlStore};
use jmap_domain::{PolicyRevision, Resource, SessionId, SessionKind, UserId};
use secrecy::ExposeSecret;

use crate::support::{Place, Step, connector, set};

/// Every kind of change, several times; at the end something of everything is there.
fn steps() -> impl Iterator<Item = Step> {
    let step = |kind, n: u8| Step {
        kind,
        a: n.wrapping_mul(7),
        b: n.wrapping_mul(11),
    };
    let made = (0..32).map(move |n| step([0, 3, 8, 9, 12][usize::from(n % 5)], n));
    let changed = (32..160).map(move |n| step(n, n));
    let kept = [0, 3, 9, 12, 5, 14].into_iter();
    let kept = kept.flat_map(move |kind| (1..6).map(move |n| step(kind, n)));
    made.chain(changed).chain(kept)
}

fn session(id: i64) -> Session {
    let hash = |byte| SecretHash([byte; 32]);
    Session {
        id: SessionId::new(id).unwrap(),
        account: Account::User {
            user: UserId::ADMINISTRATOR,
            kind: SessionKind::Ordinary,
        },
        opened_at: Timestamp::from_millis(1),
        expires_at: Timestamp::from_millis(9),
        state: SessionState::Open,
        refresh: Some(RefreshHashes {
            family: hash(1),
            current: hash(2),
        }),
    }
}

/// A history with every kind of change, a password, sessions and a key.
async fn fill(store: &SqlStore) {
    let mut snapshot = Snapshot::rebuild(&store.load().await.unwrap());
    for step in steps() {
        let set = set(&snapshot, step);
        store.commit(&set).await.unwrap();
        snapshot = snapshot.apply(&set);
    }
    let mut last = set(
        &snapshot,
        Step {
            kind: 0,
            a: 1,
            b: 1,
        },
    );
    last.secrets.push(SecretChange::Password {
        user: UserId::new(last.marks.principal).unwrap(),
        hash: PasswordHash("$argon2id$hush".into()),
    });
    store.commit(&last).await.unwrap();
    let opened = AuditEntry {
        concerns: vec![Concern {
            resource: Resource::Installation,
            project: None,
            name: None,
        }],
        ..AuditEntry::done(AuditKind::SignIn, Timestamp::from_millis(5), Who::System)
    };
    for id in [3, 7] {
        let session = session(id);
        store.put_session(&session, Some(&opened)).await.unwrap();
    }
    let key = SigningKey {
        kid: "k1".to_owned(),
        private_pem: "pem".into(),
        created_at: Timestamp::from_millis(5),
    };
    store.add_signing_key(&key).await.unwrap();
    let base = HistoryBase {
        revision: PolicyRevision(2),
        at: Timestamp::from_millis(4),
        marks: snapshot.marks(),
    };
    let records = snapshot.records();
    store.set_history_base(&base, &records).await.unwrap();
    store.prune_history().await.unwrap();
    let until = Timestamp::from_millis(9);
    assert!(store.spend_token(SecretHash([4; 32]), until).await.unwrap());
}

/// All that can be asked of a store.
#[derive(Debug, PartialEq)]
struct Kept {
    installation: String,
    policy: Snapshot,
    sessions: Vec<Session>,
    last_session: i64,
    history: Vec<String>,
    base: (HistoryBase, Vec<PolicyChange>),
    records: Vec<AuditRecord>,
    last_record: i64,
    keys: Vec<(String, String)>,
    password: String,
}

async fn kept(store: &SqlStore) -> Kept {
    let policy = store.load().await.unwrap();
    let user = UserId::new(policy.marks.principal).unwrap();
    let history = store.history(PolicyRevision(0), 1_000).await.unwrap();
    let base = store.history_base().await.unwrap().unwrap();
    let base_records = store.base_records(base.revision).await.unwrap();
    let keys = store.signing_keys().await.unwrap().into_iter();
    let password = store.password(user).await.unwrap().unwrap();
    Kept {
        installation: store.installation_id().to_owned(),
        history: history.iter().map(|set| format!("{set:?}")).collect(),
        base: (base, base_records),
        records: records(store).await,
        last_record: store.last_record().await.unwrap(),
        keys: keys
            .map(|key| (key.kid, key.private_pem.expose_secret().to_owned()))
            .collect(),
        password: password.0.expose_secret().to_owned(),
        last_session: policy.last_session,
        sessions: policy.sessions.clone(),
        policy: Snapshot::rebuild(&policy),
    }
}

async fn records(store: &SqlStore) -> Vec<AuditRecord> {
    let wanted = RecordsWanted {
        filter: &AuditFilter::default(),
        project: None,
        span: Span {
            after: 0,
            until: i64::MAX,
        },
        order: Order::OldestFirst,
        limit: 1_000,
    };
    store.records(&wanted).await.unwrap()
}

/// Opens a place for some purpose; the sentence where it is not fit for it.
async fn open_for(place: &Place, opening: Opening<'_>) -> Result<SqlStore, String> {
    match place {
        Place::Folder(folder) => {
            let opened = SqlStore::open_for(&folder.path().join("policy.db"), opening).await;
            opened.map_err(|error| error.to_string())
        }
        Place::Server(database) => {
            let opened = SqlStore::connect_for(&connector(&database.url()), opening).await;
            opened.map_err(|error| error.to_string())
        }
    }
}

async fn move_all(from: &Place, to: &Place) {
    let source = open_for(from, Opening::Leave).await.unwrap();
    let arriving = Opening::Arrive(source.installation_id());
    let destination = open_for(to, arriving).await.unwrap();
    destination.copy_from(&source, |_| {}).await.unwrap();
    let compared = destination.compare_with(&source, |_| {}).await.unwrap();
    let empty = compared.iter().filter(|table| table.rows == 0);
    let empty: Vec<_> = empty.map(|table| table.name).collect();
    assert_eq!(empty, ["service_key"]);
    destination.arrived().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn everything_goes_to_a_server_and_back_into_a_file() {
    // R8, R116, R122.
    let (first, last) = (Place::folder(), Place::folder());
    let Some(server) = Place::server("moving").await else {
        return;
    };
    let store = first.store().await;
    fill(&store).await;
    let before = kept(&store).await;
    drop(store);
    move_all(&first, &server).await;
    assert_eq!(kept(&server.store().await).await, before);
    move_all(&server, &last).await;
    let store = last.store().await;
    assert_eq!(kept(&store).await, before);
    // A token that was used before the move is used afterwards.
    let until = Timestamp::from_millis(9);
    assert!(!store.spend_token(SecretHash([4; 32]), until).await.unwrap());
    // Nothing was numbered anew: the next change is the next.
    let next = set(
        &before.policy,
        Step {
            kind: 0,
            a: 2,
            b: 2,
        },
    );
    store.commit(&next).await.unwrap();
    assert_eq!(kept_revision(&store).await, before.policy.revision().next());
}

async fn kept_revision(store: &SqlStore) -> PolicyRevision {
    store.load().await.unwrap().revision
}

/// What an unfinished move leaves: nobody is served, nobody else moves in, and the same move goes on.
async fn an_unfinished_move_is_gone_on_with(first: Place, to: Place) {
    let store = first.store().await;
    fill(&store).await;
    drop(store);
    let source = open_for(&first, Opening::Leave).await.unwrap();
    let arriving = || Opening::Arrive(source.installation_id());
    let destination = open_for(&to, arriving()).await.unwrap();
    destination.copy_from(&source, |_| {}).await.unwrap();
    drop(destination);
    for (opening, why) in [
        (
            Opening::Serve,
            "is not finished; run the same `jmapctl move` again",
        ),
        (Opening::Leave, "is not finished"),
        (
            Opening::Arrive("another"),
            "has the unfinished move of another installation",
        ),
    ] {
        let refused = open_for(&to, opening).await.unwrap_err();
        assert!(refused.contains(why), "{refused}");
    }
    // The source went on meanwhile.
    source.put_session(&session(9), None).await.unwrap();
    let destination = open_for(&to, arriving()).await.unwrap();
    let differs = destination.compare_with(&source, |_| {}).await.unwrap_err();
    assert!(
        matches!(&differs, MoveError::Differs { table: "session", key } if key == "9"),
        "{differs:?}"
    );
    destination.copy_from(&source, |_| {}).await.unwrap();
    destination.compare_with(&source, |_| {}).await.unwrap();
    destination.arrived().await.unwrap();
    // What is finished takes nothing in any more.
    let late = destination.copy_from(&source, |_| {}).await;
    assert!(matches!(late, Err(MoveError::Taken)));
    drop(destination);
    let refused = open_for(&to, arriving()).await.unwrap_err();
    assert!(
        refused.contains("already; move to an empty one"),
        "{refused}"
    );
    assert_eq!(kept(&to.store().await).await, kept(&source).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unfinished_move_to_a_file_is_gone_on_with() {
    an_unfinished_move_is_gone_on_with(Place::folder(), Place::folder()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_unfinished_move_to_a_server_is_gone_on_with() {
    if let Some(server) = Place::server("unfinished").await {
        an_unfinished_move_is_gone_on_with(Place::folder(), server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_nothing_is_nothing_is_made() {
    let folder = Place::folder();
    let refused = open_for(&folder, Opening::Leave).await.unwrap_err();
    assert!(refused.contains("there is no installation"), "{refused}");
    let Place::Folder(path) = &folder else { return };
    assert_eq!(std::fs::read_dir(path.path()).unwrap().count(), 0);
    let Some(server) = Place::server("nothing").await else {
        return;
    };
    let refused = open_for(&server, Opening::Leave).await.unwrap_err();
    assert!(refused.contains("there is no installation"), "{refused}");
    // It is still empty enough to be moved to.
    open_for(&server, Opening::Arrive("one")).await.unwrap();
}
