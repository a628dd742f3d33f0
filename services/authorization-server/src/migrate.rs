//! The `migrate` command: run by a role that owns the schema, before the service is started by a lesser one.

use anyhow::bail;
use authorization_store::PURPOSE;
use clap::Args;
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use tracing::info;

/// What to bring up to date, and for whom.
#[derive(Args, Debug)]
pub struct MigrateOptions {
    /// The URL of the PostgreSQL database, for a role that may make a schema there
    #[arg(
        long,
        env = "JMAP_DATABASE",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database: DatabasePlace,
    /// The role that runs the service: it may read and write rows, and not change the schema
    #[arg(long, value_name = "ROLE")]
    pub grant_to: Option<String>,
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
        let DatabasePlace::Server(url) = &self.database else {
            bail!(
                "only a PostgreSQL database is migrated; a file is brought up to date by the service itself"
            );
        };
        let connector = self.postgres.connector(url, PURPOSE)?;
        authorization_store::migrate(&connector, self.grant_to.as_deref()).await?;
        info!(database = %connector, "the schema is up to date");
        Ok(())
    }
}
