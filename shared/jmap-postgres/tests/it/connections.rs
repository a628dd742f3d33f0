//! What connections are made with, and what becomes of them.

use std::time::Duration;

use fresh_database::FreshDatabase;
use jmap_postgres::{
    Connector, Database, DatabaseOptions, DatabaseUrl, Failure, Purpose, Session, classify,
};
use sqlx::{query_scalar, raw_sql};
use tokio::time::{Instant, timeout};

const PURPOSE: Purpose = Purpose {
    application: "jmap-test",
    search_path: "jmap_test",
};

fn connector(database: &FreshDatabase, options: &DatabaseOptions) -> Connector {
    let url = DatabaseUrl::new(&database.url());
    options.connector(&url, PURPOSE).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_connection_has_the_limits_and_the_name() {
    let Some(database) = FreshDatabase::create("limits").await else {
        return;
    };
    let connector = connector(&database, &DatabaseOptions::default());
    let pool = connector.database();
    let mut session = pool.session().await.unwrap();
    for (setting, value) in [
        ("statement_timeout", "30s"),
        ("lock_timeout", "2s"),
        ("idle_in_transaction_session_timeout", "30s"),
        ("client_connection_check_interval", "1s"),
        ("tcp_keepalives_idle", "10"),
        ("application_name", "jmap-test"),
        ("search_path", "jmap_test"),
    ] {
        let is: String = query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *session)
            .await
            .unwrap();
        assert_eq!(is, value, "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_statement_whose_caller_is_gone_is_cancelled_in_the_database() {
    let Some(database) = FreshDatabase::create("cancel").await else {
        return;
    };
    let connector = connector(&database, &DatabaseOptions::default());
    let pool = connector.database();
    let mut session = pool.session().await.unwrap();
    let sleeping = raw_sql("select pg_sleep(29)").execute(&mut *session);
    assert!(
        timeout(Duration::from_millis(200), sleeping).await.is_err(),
        "nobody was to wait for it"
    );
    drop(session);

    let mut other = pool.session().await.unwrap();
    let begun = Instant::now();
    loop {
        let running: i64 = query_scalar(
            "select count(*) from pg_stat_activity
              where datname = current_database() and query like '%pg_sleep%' and pid <> pg_backend_pid()",
        )
        .fetch_one(&mut *other)
        .await
        .unwrap();
        if running == 0 {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "it still runs");
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_full_pool_refuses_in_time() {
    let Some(database) = FreshDatabase::create("full").await else {
        return;
    };
    let options = DatabaseOptions {
        database_max_connections: 1,
        database_acquire_timeout: Duration::from_secs(1),
        ..DatabaseOptions::default()
    };
    let pool = connector(&database, &options).database();
    let session = pool.session().await.unwrap();
    let refused = pool.session().await.unwrap_err();
    assert_eq!(classify(&refused), Failure::Unavailable);
    session.done();
    pool.session().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn time_limits_are_told_apart() {
    let Some(database) = FreshDatabase::create("times").await else {
        return;
    };
    let hasty = DatabaseOptions {
        database_statement_timeout: Duration::from_millis(200),
        ..DatabaseOptions::default()
    };
    let pool = connector(&database, &hasty).database();
    let mut session = pool.session().await.unwrap();
    let slow = raw_sql("select pg_sleep(20)").execute(&mut *session).await;
    assert_eq!(classify(&slow.unwrap_err()), Failure::StatementTimeout);

    // What is to succeed has the usual limits: a disk may take longer than the short ones.
    let patient = connector(&database, &DatabaseOptions::default()).database();
    let mut holder = patient.begin().await.unwrap();
    raw_sql("create schema jmap_test; create table t (a int); insert into t values (1)")
        .execute(&mut *holder)
        .await
        .unwrap();
    holder.commit().await.unwrap();
    let mut holder = patient.begin().await.unwrap();
    raw_sql("update t set a = 2")
        .execute(&mut *holder)
        .await
        .unwrap();
    let impatient = DatabaseOptions {
        database_lock_timeout: Duration::from_millis(50),
        ..DatabaseOptions::default()
    };
    let pool = connector(&database, &impatient).database();
    let mut session = pool.session().await.unwrap();
    let blocked = raw_sql("update t set a = 3").execute(&mut *session).await;
    assert_eq!(classify(&blocked.unwrap_err()), Failure::LockTimeout);
    holder.commit().await.unwrap();
    raw_sql("update t set a = 3")
        .execute(&mut *session)
        .await
        .unwrap();
}

/// A pool with a single connection.
fn single(database: &FreshDatabase) -> Database {
    let options = DatabaseOptions {
        database_max_connections: 1,
        ..DatabaseOptions::default()
    };
    connector(database, &options).database()
}

async fn process(session: &mut Session) -> i32 {
    let statement = query_scalar("select pg_backend_pid()");
    statement.fetch_one(&mut **session).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_database_ends_a_statement_at_the_deadline_and_only_that_one() {
    let Some(database) = FreshDatabase::create("deadline").await else {
        return;
    };
    let pool = single(&database);
    // A connection is there already, so that its making takes nothing of the time.
    pool.session().await.unwrap().done();
    let soon = Instant::now() + Duration::from_millis(500);
    let mut session = pool.session_until(soon).await.unwrap();
    let slow = raw_sql("select pg_sleep(20)").execute(&mut *session).await;
    assert_eq!(classify(&slow.unwrap_err()), Failure::StatementTimeout);
    assert!(Instant::now() >= soon);
    let first = process(&mut session).await;
    session.done();
    let mut session = pool.session().await.unwrap();
    let limit = query_scalar("select current_setting('statement_timeout')");
    let limit: String = limit.fetch_one(&mut *session).await.unwrap();
    assert_eq!(
        (limit.as_str(), process(&mut session).await),
        ("30s", first)
    );
    session.done();
    assert!(
        pool.session_until(soon).await.is_err(),
        "nobody waits any more"
    );
    let later = Instant::now() + Duration::from_mins(1);
    pool.session_until(later).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_goes_back_only_when_it_is_done_and_not_for_ever() {
    let Some(database) = FreshDatabase::create("uses").await else {
        return;
    };
    let pool = single(&database);
    let mut session = pool.session().await.unwrap();
    let first = process(&mut session).await;
    drop(session);
    let mut session = pool.session().await.unwrap();
    let second = process(&mut session).await;
    assert_ne!(second, first, "it was not done");
    session.done();
    let mut uses = 1;
    loop {
        let mut session = pool.session().await.unwrap();
        if process(&mut session).await != second {
            break;
        }
        session.done();
        uses += 1;
    }
    assert!((1_000..=5_000).contains(&uses), "{uses}");
}
