//! What the tests start from.

use fresh_database::FreshDatabase;
use jmap_postgres::{Connector, DatabaseOptions, DatabaseUrl};
use layer_data_postgis::{PURPOSE, PostGis};
use sqlx::{Connection, PgConnection};

/// A fresh store in a database of its own, which goes when it is dropped.
pub(crate) struct Fresh {
    pub(crate) store: PostGis,
    pub(crate) database: FreshDatabase,
}

/// `None`, said loudly, where there is no server.
pub(crate) async fn fresh(name: &str) -> Option<Fresh> {
    let database = FreshDatabase::create("layers").await?;
    let store = PostGis::open(&connector(&database)).await;
    Some(Fresh {
        store: store.unwrap_or_else(|error| panic!("{name}: {error:?}")),
        database,
    })
}

pub(crate) fn connector(database: &FreshDatabase) -> Connector {
    let options = DatabaseOptions::default();
    let url = DatabaseUrl::new(&database.url());
    options.connector(&url, PURPOSE).unwrap()
}

impl Fresh {
    /// Somebody else's session.
    pub(crate) async fn other(&self) -> PgConnection {
        PgConnection::connect(&self.database.url()).await.unwrap()
    }
}
