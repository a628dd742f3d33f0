//! Connecting to PostgreSQL: the schema, the row that says whose the database is, and the lease.

use jmap_postgres::{
    Access, Connector, Lease, LeaseError, Purpose, RoleError, Schema, SchemaError, Terms,
    let_role_use,
};
use sqlx::{Connection, migrate::Migrator, query, query_as};
use uuid::Uuid;

use crate::{SqlStore, db::Db, sql, store::Hold};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");
const SCHEMA: Schema = Schema {
    name: "jmap_authorization",
    migrations: &MIGRATIONS,
    command: "authorization-server migrate",
};
/// What connections of authorization look like to the database.
pub const PURPOSE: Purpose = Purpose {
    application: "jmap-authorization",
    search_path: "jmap_authorization, pg_temp",
};
const TERMS: Terms = Terms {
    // "jmapauth" in ASCII.
    lock: 0x6a6d_6170_6175_7468,
    raise: sql!("installation/take"),
    read: sql!("installation/identify"),
};

/// Why the database on a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The schema is not what this program needs.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Another process holds the database, or it cannot be held.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The database cannot be read or written.
    #[error("the database `{0}` cannot be read or written")]
    Database(String, #[source] sqlx::Error),
}

/// Why the schema was not brought up to date, or a role not let in.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The schema is as it was.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The schema is up to date, but the role may not use it.
    #[error(transparent)]
    Role(#[from] RoleError),
    /// The database cannot be reached.
    #[error("the database `{0}` cannot be used")]
    Database(String, #[source] sqlx::Error),
}

impl SqlStore {
    /// Opens the database on a server and takes it for this process. Its schema is made or brought up to date first
    /// where the connector's options say so.
    ///
    /// # Errors
    /// [`ConnectError`] when another process holds it, a newer version wrote it, or it cannot be used.
    pub async fn connect(connector: &Connector) -> Result<Self, ConnectError> {
        SCHEMA.prepare(connector).await?;
        let database = |error| ConnectError::Database(connector.to_string(), error);
        let installation_id = identify(connector).await.map_err(database)?;
        let lease = Lease::take(connector, TERMS).await?;
        let db = Db::Postgres {
            pool: connector.database(),
            patience: connector.patience(),
        };
        Ok(Self::new(db, installation_id, Hold::Lease(lease)))
    }
}

/// Brings the schema up to date, and gives the role that runs the service what it needs, and no more.
///
/// # Errors
/// [`MigrateError`], a sentence for the person who called the command.
pub async fn migrate(connector: &Connector, grant_to: Option<&str>) -> Result<(), MigrateError> {
    SCHEMA.migrate(connector).await?;
    let Some(role) = grant_to else {
        return Ok(());
    };
    let database = |error| MigrateError::Database(connector.to_string(), error);
    let mut connection = connector.connect_to_migrate().await.map_err(database)?;
    let_role_use(&mut connection, &[SCHEMA.name], role, Access::ReadWrite).await?;
    connection.close().await.map_err(database)
}

/// The installation's id, made now in a new database.
async fn identify(connector: &Connector) -> sqlx::Result<String> {
    let mut connection = connector.connect().await?;
    query(sql!("installation/create"))
        .bind(Uuid::new_v4().to_string())
        .execute(&mut connection)
        .await?;
    let (_tenure, id): (i64, String) = query_as(sql!("installation/identify"))
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(id)
}
