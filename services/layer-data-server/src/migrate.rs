//! The `migrate` command: run by a role that owns the schema, before the service is started by a lesser one.

use anyhow::bail;
use clap::Args;
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use layer_data_postgis::PURPOSE;
use tracing::info;

/// What to bring up to date, and for whom.
#[derive(Args, Clone, Debug)]
pub struct MigrateOptions {
    /// The URL of the PostgreSQL database, for a role that may make schemas there, and the extension PostGIS if it is
    /// missing
    #[arg(long, env = "JMAP_STORAGE", hide_env_values = true, value_name = "URL")]
    pub storage: DatabasePlace,
    /// The role that runs the service: it may make tables for layers, and not change the schema
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
    /// A role that may read the tables of layers, present and future ones; as often as there are such roles
    #[arg(long, value_name = "ROLE")]
    pub read_only_role: Vec<String>,
    /// How to use the database.
    #[command(flatten)]
    pub postgres: DatabaseOptions,
}

impl MigrateOptions {
    /// Brings the schema up to date. Several at once take turns.
    ///
    /// # Errors
    /// A sentence that says what is in the way.
    pub async fn run(&self) -> anyhow::Result<()> {
        let DatabasePlace::Server(url) = &self.storage else {
            bail!(
                "only a PostgreSQL database is migrated; a GeoPackage is brought up to date by the service itself"
            );
        };
        let connector = self.postgres.connector(url, PURPOSE)?;
        let service = self.grant_to.as_deref();
        layer_data_postgis::migrate(&connector, service, &self.read_only_role).await?;
        info!(database = %connector, "the schema is up to date");
        Ok(())
    }
}
