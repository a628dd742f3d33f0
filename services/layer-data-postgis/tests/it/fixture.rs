//! What the tests start from.

use fresh_database::FreshDatabase;
use jmap_postgres::{Connector, DatabaseOptions, DatabaseUrl};
use layer_data_postgis::{PURPOSE, PostGis};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};

/// A fresh store in a database of its own, which goes when it is dropped.
pub(crate) struct Fresh {
    pub(crate) store: PostGis,
    pub(crate) database: FreshDatabase,
}

/// `None`, said loudly, where there is no server.
pub(crate) async fn fresh(name: &str) -> Option<Fresh> {
    Fresh::with(name, &DatabaseOptions::default()).await
}

pub(crate) fn connector(database: &FreshDatabase) -> Connector {
    connector_with(&database.url(), &DatabaseOptions::default())
}

pub(crate) fn connector_with(url: &str, options: &DatabaseOptions) -> Connector {
    options.connector(&DatabaseUrl::new(url), PURPOSE).unwrap()
}

impl Fresh {
    pub(crate) async fn with(name: &str, options: &DatabaseOptions) -> Option<Self> {
        let database = FreshDatabase::create("layers").await?;
        let store = PostGis::open(&connector_with(&database.url(), options)).await;
        Some(Self {
            store: store.unwrap_or_else(|error| panic!("{name}: {error:?}")),
            database,
        })
    }

    /// Somebody else's session.
    pub(crate) async fn other(&self) -> PgConnection {
        PgConnection::connect(&self.database.url()).await.unwrap()
    }
}

/// The table of the suite's layer.
pub(crate) const TABLE: &str = "jmap_layers_20.l_7";

/// Runs a statement of a test.
pub(crate) async fn run(connection: &mut PgConnection, statement: &str) {
    let statement = AssertSqlSafe(statement.to_owned());
    raw_sql(statement).execute(connection).await.unwrap();
}

/// The number that a statement of a test answers.
pub(crate) async fn scalar(connection: &mut PgConnection, statement: &str) -> i64 {
    let statement = AssertSqlSafe(statement.to_owned());
    sqlx::query_scalar(statement)
        .fetch_one(connection)
        .await
        .unwrap()
}
