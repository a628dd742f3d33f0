//! After a restore from backup.

use authorization_server::restored::begin_life;
use clap::Args;
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use jmap_service::telemetry::{self, TelemetryOptions};
use serde_json::json;

use crate::{error::Failure, output::Report, pair::AUTHORIZATION_FILE};

use super::up::failed;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl restored ./jmap-data
  jmapctl restored 'postgres://jmap@db.example/jmap?sslmode=verify-full'

Restore the backup while the service is stopped, run this once, then start the service.

What was changed after the backup is gone, and others still know of it: programs hold policy tokens, people hold
sessions, layers and accounts had ids. So from now on every earlier policy token is refused as one of another life of
the database, everybody signs in again, and new ids begin far above the old ones, so that none is given twice.";

/// Begin another life of authorization's database, after it was restored from a backup
#[derive(Args, Debug)]
pub(crate) struct Restored {
    /// The data folder of `jmapctl up`, the file itself, or the URL of the database, `postgres://...`
    place: DatabasePlace,
    /// How to use PostgreSQL.
    #[command(flatten)]
    postgres: DatabaseOptions,
}

impl Restored {
    pub(crate) async fn run(self) -> Result<Report, Failure> {
        let quiet = TelemetryOptions {
            log: "warn".to_owned(),
            ..TelemetryOptions::default()
        };
        telemetry::init(&quiet).map_err(failed)?;
        let place = match self.place {
            DatabasePlace::File(path) if path.is_dir() => {
                DatabasePlace::File(path.join(AUTHORIZATION_FILE))
            }
            place @ (DatabasePlace::File(_) | DatabasePlace::Server(_)) => place,
        };
        let epoch = Box::pin(begin_life(&place, &self.postgres)).await;
        let epoch = epoch.map_err(failed)?;
        Report::new(
            "another life of the database has begun: earlier policy tokens are refused, and everybody signs in again",
            &json!({ "epoch": epoch }),
        )
    }
}
