//! The lesser roles: what runs a service, and what other tools read with.

use sqlx::{AssertSqlSafe, Connection, PgConnection, query_scalar, raw_sql};

use crate::quoted;

/// What a role may do with the tables of a schema, present and future ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read them.
    Read,
    /// Read and write rows.
    ReadWrite,
    /// Read and write rows, and make tables, which then are the role's own.
    MakeTables,
}

/// Why a role was not given access.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// There is none of that name.
    #[error("there is no role `{0}` in the database")]
    NoSuchRole(String),
    /// The database refused.
    #[error("the role `{0}` cannot be given access")]
    Database(String, #[source] sqlx::Error),
}

/// Lets a role use the tables of schemas: the present ones, and the future ones of whoever calls this. All or nothing.
/// What remembers the migrations can only ever be read.
///
/// # Errors
/// [`RoleError`], a sentence for the person who called the command.
pub async fn let_role_use(
    connection: &mut PgConnection,
    schemas: &[&str],
    role: &str,
    access: Access,
) -> Result<(), RoleError> {
    let database = |error| RoleError::Database(role.to_owned(), error);
    let exists: bool = query_scalar(include_str!("../sql/has_role.sql"))
        .bind(role)
        .fetch_one(&mut *connection)
        .await
        .map_err(database)?;
    if !exists {
        return Err(RoleError::NoSuchRole(role.to_owned()));
    }
    let mut tx = connection.begin().await.map_err(database)?;
    for schema in schemas {
        let has_migrations: bool = query_scalar(include_str!("../sql/has_migrations.sql"))
            .bind(schema)
            .fetch_one(&mut *tx)
            .await
            .map_err(database)?;
        let protection = has_migrations.then(|| protect_migrations(schema, role));
        for statement in grants(schema, role, access).into_iter().chain(protection) {
            // Made of fixed words and quoted names only.
            raw_sql(AssertSqlSafe(statement))
                .execute(&mut *tx)
                .await
                .map_err(database)?;
        }
    }
    tx.commit().await.map_err(database)
}

fn grants(schema: &str, role: &str, access: Access) -> [String; 3] {
    let (schema, role) = (quoted(schema), quoted(role));
    let (on_schema, on_tables) = match access {
        Access::Read => ("usage", "select"),
        Access::ReadWrite => ("usage", "select, insert, update, delete"),
        Access::MakeTables => ("usage, create", "select, insert, update, delete"),
    };
    [
        format!("grant {on_schema} on schema {schema} to {role}"),
        format!("grant {on_tables} on all tables in schema {schema} to {role}"),
        format!(
            "alter default privileges in schema {schema} grant {on_tables} on tables to {role}"
        ),
    ]
}

fn protect_migrations(schema: &str, role: &str) -> String {
    let (schema, role) = (quoted(schema), quoted(role));
    format!("revoke insert, update, delete on {schema}._sqlx_migrations from {role}")
}
