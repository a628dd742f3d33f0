//! Connecting to PostgreSQL: the schema, the row that says whose the database is, and the lease.

use jmap_postgres::{
    Access, Connector, Lease, LeaseError, Purpose, RoleError, Schema, SchemaError, Terms,
    let_role_use,
};
use sqlx::{Connection, PgConnection, migrate::Migrator, query, query_as};

use crate::{Opening, SqlStore, StandingError, db::Db, opening::Installation, sql, store::Hold};

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
    /// It is not what it has to be.
    #[error(transparent)]
    Standing(#[from] StandingError),
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
        Self::connect_for(connector, Opening::Serve).await
    }

    /// Opens the database on a server for some purpose, and takes it for this process.
    ///
    /// # Errors
    /// Like [`Self::connect`], and [`StandingError`] when the database is not fit for the purpose.
    pub async fn connect_for(
        connector: &Connector,
        opening: Opening<'_>,
    ) -> Result<Self, ConnectError> {
        SCHEMA.prepare(connector).await?;
        let database = |error| ConnectError::Database(connector.to_string(), error);
        let nothing = || StandingError::Nothing(connector.to_string());
        let mut connection = connector.connect().await.map_err(database)?;
        create(&mut connection, opening).await.map_err(database)?;
        let found = identify(&mut connection).await.map_err(database)?;
        found.ok_or_else(nothing)?;
        let lease = Lease::take(connector, TERMS).await?;
        // Only now does nobody else change it.
        let found = identify(&mut connection).await.map_err(database)?;
        let found = found.ok_or_else(nothing)?;
        opening.check(&found, &connector.to_string())?;
        connection.close().await.map_err(database)?;
        let db = Db::Postgres {
            pool: connector.database(),
            patience: connector.patience(),
        };
        Ok(Self::new(db, found.installation_id, Hold::Lease(lease)))
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

/// Makes a new database somebody's.
async fn create(connection: &mut PgConnection, opening: Opening<'_>) -> sqlx::Result<()> {
    let Some((id, arriving)) = opening.first_row() else {
        return Ok(());
    };
    let create = query(sql!("installation/create")).bind(id).bind(arriving);
    create.execute(connection).await.map(drop)
}

/// Whose the database is.
async fn identify(connection: &mut PgConnection) -> sqlx::Result<Option<Installation>> {
    let query = query_as(sql!("installation/identify"));
    query.fetch_optional(connection).await
}
