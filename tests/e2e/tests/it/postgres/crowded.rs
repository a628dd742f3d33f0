//! Connections that are all in use, and locks that somebody else holds.

use fresh_database::FreshDatabase;
use futures::future::join_all;
use jmap_proto::layerdata::DeleteLayerRequest;
use sqlx::{AssertSqlSafe, Connection, PgConnection, query_scalar, raw_sql};
use testkit::{Home, Places, ready::eventually, wire, world::Outcome};

use crate::work::Town;

/// Somebody else, who has locked the tables of layers against everybody.
struct Stranger(PgConnection);

impl Stranger {
    async fn lock(url: &str, layers: &[i64]) -> Self {
        let mut session = PgConnection::connect(url).await.unwrap();
        raw_sql("begin").execute(&mut session).await.unwrap();
        for layer in layers {
            let table =
                "select format('%I.%I', schemaname, tablename) from pg_tables where tablename = $1";
            let table: String = query_scalar(table)
                .bind(format!("l_{layer}"))
                .fetch_one(&mut session)
                .await
                .unwrap();
            let lock = format!("lock table {table} in access exclusive mode");
            raw_sql(AssertSqlSafe(lock))
                .execute(&mut session)
                .await
                .unwrap();
        }
        Self(session)
    }

    async fn go(self) {
        self.0.close().await.unwrap();
    }
}

/// Waits until so many sessions of the database wait for a lock.
async fn until_waiting(url: &str, sessions: i64) {
    let waiting = || async {
        let mut session = PgConnection::connect(url).await.unwrap();
        let count = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let count: i64 = query_scalar(count).fetch_one(&mut session).await.unwrap();
        session.close().await.unwrap();
        (count >= sessions).then_some(())
    };
    eventually("sessions that wait for a lock", waiting).await;
}

fn overloaded() -> Outcome {
    Outcome::refused("RESOURCE_EXHAUSTED", "OVERLOADED")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_all_connections_wait_others_are_refused_in_time_and_served_afterwards() {
    let Some(database) = FreshDatabase::create("exhausted").await else {
        return;
    };
    let flags = [
        "--database-max-connections=2",
        "--database-acquire-timeout=300ms",
        "--database-lock-timeout=25s",
    ];
    let town = Town::found(Home::at(Places::both(&database.url())), &flags).await;
    let [trees, lamps, pipes] = ["trees", "lamps", "pipes"].map(|name| town.layer(name));
    let stranger = Stranger::lock(&database.url(), &[trees, lamps]).await;
    let waiting = [trees, lamps].map(|layer| {
        let ana = town.ana.clone();
        tokio::spawn(async move { ana.add(layer, "POINT(1 2)").await })
    });
    until_waiting(&database.url(), 2).await;
    let refused = town.ana.add(pipes, "POINT(1 2)").await;
    assert_eq!(wire::outcome(&refused), overloaded());
    assert_eq!(wire::outcome(&town.ana.count(pipes).await), overloaded());
    stranger.go().await;
    for added in join_all(waiting).await {
        added.unwrap().unwrap();
    }
    town.ana.add(pipes, "POINT(1 2)").await.unwrap();
    for layer in [trees, lamps, pipes] {
        assert_eq!(town.ana.count(layer).await.unwrap(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_somebody_else_holds_up_a_removal_and_leaves_nothing_of_it() {
    // R24, R25.
    let Some(database) = FreshDatabase::create("locked").await else {
        return;
    };
    let home = Home::at(Places::both(&database.url()));
    let town = Town::found(home, &["--database-lock-timeout=500ms"]).await;
    let (trees, lamps) = (town.layer("trees"), town.layer("lamps"));
    let before = town.executables.home().layer_tables().await;
    let stranger = Stranger::lock(&database.url(), &[trees]).await;
    let refused = town.ana.add(trees, "POINT(1 2)").await;
    assert_eq!(wire::outcome(&refused), overloaded());
    town.ana.add(lamps, "POINT(1 2)").await.unwrap();
    let request = DeleteLayerRequest {
        layer_id: trees,
        confirm_name: "trees".to_owned(),
    };
    town.administrator
        .layers()
        .delete_layer(request)
        .await
        .unwrap();
    // R40.
    let gone = town.ana.count(trees).await;
    assert_eq!(
        wire::outcome(&gone),
        Outcome::refused("NOT_FOUND", "NOT_FOUND")
    );
    assert_eq!(town.executables.home().layer_tables().await, before);
    stranger.go().await;
    eventually("the end of the table", || async {
        let tables = town.executables.home().layer_tables().await;
        (tables == before - 1).then_some(())
    })
    .await;
    town.ana.add(lamps, "POINT(1 2)").await.unwrap();
}
