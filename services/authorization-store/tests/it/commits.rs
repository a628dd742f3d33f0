//! A connection that is cut around a COMMIT, and a database that is lost: memory and store agree again afterwards.

use std::time::Duration;

use authorization_core::{
    Authority, Origin, Refusal, Settings, Snapshot,
    directory::DirectoryError,
    memory::MemoryPlatform,
    model::Description,
    ports::{PolicyStore, StoreError},
    secret::NewPassword,
    sessions::Credentials,
};
use authorization_store::SqlStore;
use fresh_database::{Cut, CuttingProxy, FreshDatabase};
use jmap_domain::{Caller, Name, SessionCaller, SessionKind, UserId};
use sqlx::{PgConnection, query_scalar, raw_sql};
use tokio::time::{Instant, sleep, timeout};

use crate::support::connector;

const PASSWORD: &str = "correct horse";
/// Longer than anything here takes on a slow machine.
const LONG: Duration = Duration::from_secs(30);

/// An authority whose way to the database can be cut, and a way that cannot.
struct House {
    authority: Authority<SqlStore, MemoryPlatform>,
    administrator: Caller,
    proxy: CuttingProxy,
    aside: PgConnection,
    database: FreshDatabase,
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

impl House {
    async fn new(test: &str) -> Option<Self> {
        let database = FreshDatabase::create(test).await?;
        let proxy = CuttingProxy::before(&database.url()).await;
        let store = SqlStore::connect(&connector(&proxy.url(&database.url())))
            .await
            .unwrap();
        let authority = Authority::start(store, MemoryPlatform::default(), Settings::default())
            .await
            .unwrap();
        let password = NewPassword::parse(PASSWORD.to_owned().into()).unwrap();
        authority.set_first_password(&password).await.unwrap();
        let credentials = Credentials::Password {
            name: name("administrator"),
            password: PASSWORD.to_owned().into(),
        };
        let session = authority
            .sign_in(&credentials, Origin::default())
            .await
            .unwrap()
            .session
            .id;
        Some(Self {
            authority,
            administrator: Caller::Session(SessionCaller {
                session,
                user: UserId::ADMINISTRATOR,
                kind: SessionKind::Ordinary,
            }),
            proxy,
            aside: connector(&database.url()).connect().await.unwrap(),
            database,
        })
    }

    async fn create_group(&self, text: &str) -> Result<(), DirectoryError> {
        let created =
            self.authority
                .create_group(&self.administrator, name(text), Description::default());
        created.await.map(drop)
    }

    fn knows_group(&self, text: &str) -> bool {
        let snapshot = self.authority.snapshot();
        snapshot.group_named(&name(text)).is_some()
    }

    async fn is_in_step(&self) {
        let stored = self.authority.store().load().await.unwrap();
        assert_eq!(Snapshot::rebuild(&stored), *self.authority.snapshot());
    }

    fn may_ask(&self) -> Result<(), Refusal> {
        self.authority.own_session(&self.administrator).map(drop)
    }

    /// Waits until calls are answered, or are not.
    async fn until_answered(&self, answered: bool) {
        let begun = Instant::now();
        while self.may_ask().is_ok() != answered {
            assert!(begun.elapsed() < LONG, "answered is not {answered}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

fn unavailable() -> Result<(), DirectoryError> {
    Err(Refusal::Store(StoreError::Unavailable).into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_that_never_arrived_is_not_remembered() {
    let Some(house) = House::new("cut_before").await else {
        return;
    };
    house.proxy.cut_next_commit(Cut::Before);
    assert_eq!(house.create_group("team").await, unavailable());
    assert!(house.proxy.has_cut() && !house.knows_group("team"));
    // So its name is free, and its number is the next one's.
    house.create_group("team").await.unwrap();
    house.is_in_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_whose_answer_was_lost_is_known_before_the_next_change() {
    let Some(house) = House::new("cut_after").await else {
        return;
    };
    house.proxy.cut_next_commit(Cut::After);
    assert_eq!(house.create_group("team").await, unavailable());
    assert!(house.proxy.has_cut());
    // It is there after all, so its name is taken.
    assert!(matches!(
        house.create_group("team").await,
        Err(DirectoryError::NameTaken(_))
    ));
    assert!(house.knows_group("team"));
    house.create_group("crew").await.unwrap();
    house.is_in_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_commit_that_is_still_on_its_way_is_waited_for() {
    // Read too early, the policy would be without a change that comes true a moment later.
    let Some(mut house) = House::new("cut_held").await else {
        return;
    };
    house.proxy.cut_next_commit(Cut::Held);
    assert_eq!(house.create_group("team").await, unavailable());
    let (authority, aside, proxy) = (&house.authority, &mut house.aside, &house.proxy);
    let (in_step, ()) = tokio::join!(authority.keep_in_step(), async {
        let waiting = "select exists (select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock')";
        while !query_scalar::<_, bool>(waiting)
            .fetch_one(&mut *aside)
            .await
            .unwrap()
        {}
        proxy.release();
    });
    in_step.unwrap();
    assert!(house.knows_group("team"));
    house.is_in_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_lost_database_answers_nothing_and_comes_back_without_a_restart() {
    // R121.
    let Some(house) = House::new("lost").await else {
        return;
    };
    house.create_group("team").await.unwrap();
    house.proxy.close();
    house.until_answered(false).await;
    assert_eq!(
        house.may_ask(),
        Err(Refusal::Store(StoreError::Unavailable))
    );
    house.proxy.open();
    house.until_answered(true).await;
    assert!(house.knows_group("team"));
    house.create_group("crew").await.unwrap();
    house.is_in_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sessions_that_the_database_ended_are_replaced() {
    let Some(mut house) = House::new("ended").await else {
        return;
    };
    raw_sql(
        "select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid()",
    )
    .execute(&mut house.aside)
    .await
    .unwrap();
    house.until_answered(true).await;
    let begun = Instant::now();
    while house.create_group("team").await.is_err() {
        assert!(begun.elapsed() < LONG, "changes never work again");
        sleep(Duration::from_millis(10)).await;
    }
    house.is_in_step().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_process_that_was_cut_off_while_another_took_over_is_over() {
    let Some(house) = House::new("taken_over").await else {
        return;
    };
    house.proxy.close();
    house.until_answered(false).await;
    let other = SqlStore::connect(&connector(&house.database.url()))
        .await
        .unwrap();
    house.proxy.open();
    timeout(LONG, house.authority.store().taken_over())
        .await
        .unwrap();
    assert_eq!(
        house.may_ask(),
        Err(Refusal::Store(StoreError::Unavailable))
    );
    assert!(house.create_group("team").await.is_err());
    let stored = Snapshot::rebuild(&other.load().await.unwrap());
    assert!(stored.group_named(&name("team")).is_none());
}
