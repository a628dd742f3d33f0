//! Bringing a schema up to date, by whichever of several processes comes first.

use std::{borrow::Cow, collections::BTreeMap};

use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
    query_as, query_scalar,
};
use tracing::info;

use crate::{Connector, MigrateMode};

/// A service's schema.
///
/// The [`Connector`]'s search path begins with the schema, so that migrations, and the table that remembers them,
/// need not name it.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// The name of the schema; a plain identifier.
    pub name: &'static str,
    /// What builds it.
    pub migrations: &'static Migrator,
    /// The command that a person runs to bring it up to date.
    pub command: &'static str,
}

/// Why a schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// A newer version of the program has changed it.
    #[error(
        "the database `{0}` was written by a newer version of this program; start that version"
    )]
    Newer(String),
    /// It is not what this program needs, and this program was told to leave it alone.
    #[error("the schema of the database `{0}` is not up to date; run `{1}` first")]
    Outdated(String, &'static str),
    /// A migration failed; nothing of it was kept.
    #[error("the schema of the database `{0}` cannot be brought up to date")]
    Migration(String, #[source] MigrateError),
    /// Text would be kept in another encoding than UTF-8, or in none.
    #[error("the database `{0}` has the encoding {1}; make one with the encoding UTF8")]
    Encoding(String, String),
    /// The database cannot be reached or read.
    #[error("the database `{0}` cannot be used")]
    Database(String, #[source] sqlx::Error),
}

/// How what is applied compares with what is known.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    UpToDate,
    Behind,
    Ahead,
}

impl Schema {
    /// Brings the schema up to date, or refuses an older one, as the connector's options say.
    ///
    /// Nothing is written to a schema that is up to date, so that a role that may not change it can start.
    ///
    /// # Errors
    /// [`SchemaError`], a sentence for the person who starts the service.
    pub async fn prepare(&self, connector: &Connector) -> Result<(), SchemaError> {
        match (self.standing(connector).await?, connector.migrate_mode()) {
            (Standing::UpToDate, _) => Ok(()),
            (Standing::Ahead, _) => Err(SchemaError::Newer(connector.to_string())),
            (Standing::Behind, MigrateMode::AtStart) => self.migrate(connector).await,
            (Standing::Behind, MigrateMode::Never) => {
                Err(SchemaError::Outdated(connector.to_string(), self.command))
            }
        }
    }

    /// Brings the schema up to date. Several processes may do it at once: they take turns.
    ///
    /// # Errors
    /// [`SchemaError`]; of a migration that fails nothing is kept.
    pub async fn migrate(&self, connector: &Connector) -> Result<(), SchemaError> {
        if self.standing(connector).await? == Standing::Ahead {
            return Err(SchemaError::Newer(connector.to_string()));
        }
        let database = |error| SchemaError::Database(connector.to_string(), error);
        let mut connection = connector.connect_to_migrate().await.map_err(database)?;
        info!(schema = self.name, database = %connector, "bringing the schema up to date");
        let migrator = self.migrator();
        let done = migrator.run_direct(None, &mut connection, false);
        done.await.map_err(|error| {
            if matches!(error, MigrateError::VersionMissing(_)) {
                return SchemaError::Newer(connector.to_string());
            }
            SchemaError::Migration(connector.to_string(), error)
        })?;
        connection.close().await.map_err(database)
    }

    /// The migrations, with the schema made first, under the same lock.
    fn migrator(&self) -> Migrator {
        Migrator {
            migrations: self.migrations.migrations.clone(),
            create_schemas: Cow::Owned(vec![Cow::Borrowed(self.name)]),
            ..Migrator::DEFAULT
        }
    }

    async fn standing(&self, connector: &Connector) -> Result<Standing, SchemaError> {
        let database = |error| SchemaError::Database(connector.to_string(), error);
        let mut connection = connector.connect().await.map_err(database)?;
        let encoding = query_scalar(include_str!("../sql/encoding.sql"));
        let encoding: String = encoding
            .fetch_one(&mut connection)
            .await
            .map_err(database)?;
        if encoding != "UTF8" {
            return Err(SchemaError::Encoding(connector.to_string(), encoding));
        }
        let applied = self.applied(&mut connection).await.map_err(database)?;
        connection.close().await.map_err(database)?;
        Ok(self.compare(&applied))
    }

    /// The checksums of what was applied, by version.
    async fn applied(&self, connection: &mut PgConnection) -> sqlx::Result<BTreeMap<i64, Vec<u8>>> {
        let exists: bool = query_scalar(include_str!("../sql/has_migrations.sql"))
            .bind(self.name)
            .fetch_one(&mut *connection)
            .await?;
        if !exists {
            return Ok(BTreeMap::new());
        }
        let rows: Vec<(i64, Vec<u8>)> = query_as(include_str!("../sql/list_migrations.sql"))
            .fetch_all(connection)
            .await?;
        Ok(rows.into_iter().collect())
    }

    fn compare(&self, applied: &BTreeMap<i64, Vec<u8>>) -> Standing {
        if applied
            .keys()
            .any(|version| !self.migrations.version_exists(*version))
        {
            return Standing::Ahead;
        }
        let has_all = self.migrations.iter().all(|migration| {
            applied
                .get(&migration.version)
                .is_some_and(|checksum| *checksum == *migration.checksum)
        });
        if has_all {
            Standing::UpToDate
        } else {
            // One that was changed afterwards counts as well: the migrator says what is wrong with it.
            Standing::Behind
        }
    }
}
