//! The lesser roles: what runs the service, and what other programs read the layers with.

use jmap_postgres::{Access, Connector, RoleError, let_role_use, quoted};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    OpenError, bucket,
    open::{CATALOGUE, SCHEMA, know_reference_systems},
};

/// Why roles were not given their access.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// The schema is not there.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A role is not there, or the database refused.
    #[error(transparent)]
    Role(#[from] RoleError),
}

/// Brings the schema up to date and gives roles what they need: `service` runs layer-data, `readers` read the tables of
/// layers, present and future ones.
///
/// # Errors
/// [`GrantError`], a sentence for the person who called the command.
pub async fn migrate(
    connector: &Connector,
    service: Option<&str>,
    readers: &[String],
) -> Result<(), GrantError> {
    SCHEMA.migrate(connector).await.map_err(OpenError::from)?;
    let mut connection = connector
        .connect_to_migrate()
        .await
        .map_err(OpenError::from)?;
    know_reference_systems(&mut connection).await?;
    let schemas: Vec<String> = bucket::schemas().collect();
    let schemas: Vec<&str> = schemas.iter().map(String::as_str).collect();
    if let Some(role) = service {
        let_role_use(&mut connection, &[CATALOGUE], role, Access::ReadWrite).await?;
        let_role_use(&mut connection, &schemas, role, Access::MakeTables).await?;
    }
    for role in readers {
        let_role_use(&mut connection, &schemas, role, Access::Read).await?;
        hide_history(&mut connection, &schemas, role).await?;
        // Future tables are the service's, and only their owner can let others read them.
        let query = sqlx::query(include_str!("../sql/add_reader.sql")).bind(role);
        query
            .execute(&mut connection)
            .await
            .map_err(OpenError::from)?;
    }
    connection.close().await.map_err(OpenError::from)?;
    Ok(())
}

/// Takes the tables of versions away from a role that was just given all tables.
async fn hide_history(
    connection: &mut PgConnection,
    schemas: &[&str],
    role: &str,
) -> Result<(), OpenError> {
    let tables = sqlx::query_scalar(include_str!("../sql/history_tables.sql")).bind(schemas);
    let tables: Vec<String> = tables.fetch_all(&mut *connection).await?;
    for table in tables {
        // The database has quoted the table's name.
        let revoke = format!("revoke all on {table} from {}", quoted(role));
        sqlx::query(AssertSqlSafe(revoke))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}
