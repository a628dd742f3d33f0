//! Moving house: everything that the services keep, copied to another place.

mod bars;
mod view;

use anyhow::{Context as _, bail, ensure};
use authorization_server::moving::PolicyEnd;
use clap::{Args, ValueEnum};
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use jmap_service::telemetry::{self, TelemetryOptions};
use layer_data_core::moving::Standing;
use layer_data_server::moving::LayersEnd;

use crate::{
    error::Failure,
    output::Report,
    pair::{AUTHORIZATION_FILE, LAYERS_FILE, make_private_folder},
};

use super::up::failed;
use bars::Bars;
use view::MoveView;

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl move --from ./jmap-data --to 'postgres://jmap@db.example/jmap?sslmode=verify-full'
  jmapctl move --from postgres://jmap@localhost/jmap --to ./jmap-data
  jmapctl move --only layers --from ./jmap-data --to postgres://jmap@localhost/layers

Stop the services first: the command refuses a place that one of them uses, and none starts on it meanwhile.

A place is the data folder of `jmapctl up`, or the URL of a database. Where the two services have a database each, move
one part at a time with --only; its place may then be the file itself.

Everything goes along: accounts, grants, sessions, keys and history; layers with their elements, ids, revisions and
times; the highest ids given out, so that none is given twice. The destination has to be empty. It is not served before
all of it has been read back and compared.

Interrupted, or failed half-way? Run the same command again: it goes on where it was. The source is only read (its
tables are brought up to date first, as a start of the services does it), and stays complete. Do not start the
services on both.

layer-data's key stays in the data folder: give the services --service-key-file DIR/layer-data.key, or a new one is
made.";

/// Said when a move that has begun fails.
const GOES_ON: &str =
    "nothing at the source was changed; run the same command again, and it goes on where it was";

/// Copy everything that the services keep to another place: from files to PostgreSQL, or back
#[derive(Args, Debug)]
pub(crate) struct Move {
    /// The data folder, or the URL of a database, `postgres://...`, that has the data
    #[arg(long, value_name = "PLACE")]
    from: DatabasePlace,
    /// The data folder, or the URL of a database, that gets the data; empty, or as an unfinished move left it
    #[arg(long, value_name = "PLACE")]
    to: DatabasePlace,
    /// Move one service's data only
    #[arg(long, value_enum, value_name = "PART")]
    only: Option<Part>,
    /// How to use PostgreSQL.
    #[command(flatten)]
    postgres: DatabaseOptions,
}

/// The data of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Accounts, projects and permissions
    Authorization,
    /// Layers and their elements
    Layers,
}

/// Both ends of a part.
struct Way<E> {
    from: E,
    to: E,
}

/// Where everything comes from, and where it goes.
struct Ways {
    policy: Option<Way<PolicyEnd>>,
    layers: Option<Way<LayersEnd>>,
}

impl Move {
    pub(crate) async fn run(self) -> Result<Report, Failure> {
        let quiet = TelemetryOptions {
            log: "warn".to_owned(),
            ..TelemetryOptions::default()
        };
        telemetry::init(&quiet).map_err(failed)?;
        let ways = Box::pin(self.ways()).await.map_err(failed)?;
        let moved = Box::pin(ways.copy()).await;
        let view = moved.map_err(|error| failed(error).hint(GOES_ON))?;
        view.report()
    }

    /// Opens all ends. None is in use, and the destination is fit for what comes.
    async fn ways(&self) -> anyhow::Result<Ways> {
        ensure!(!self.stays(), "--from and --to are the same place");
        let (from, to, options) = (&self.from, &self.to, &self.postgres);
        let (mut policy, mut layers) = (None, None);
        if self.only != Some(Part::Layers) {
            let place = self.place(from, AUTHORIZATION_FILE);
            policy = Some(PolicyEnd::source(&place, options).await?);
        }
        if self.only != Some(Part::Authorization) {
            let place = self.place(from, LAYERS_FILE);
            layers = Some(LayersEnd::source(&place, options).await?);
        }
        let installation = installation(policy.as_ref(), layers.as_ref()).await?;
        self.make_folder()?;
        let mut ways = Ways {
            policy: None,
            layers: None,
        };
        // The layers come first: opening a destination for the policy already writes to it.
        if let Some(from) = layers {
            let to = self.layers_destination(to, &installation).await?;
            ways.layers = Some(Way { from, to });
        }
        if let Some(from) = policy {
            let place = self.place(to, AUTHORIZATION_FILE);
            let to = PolicyEnd::destination(&place, options, &installation).await?;
            ways.policy = Some(Way { from, to });
        }
        Ok(ways)
    }

    /// Layers that an earlier try finished, before it could finish the policy, are only compared.
    async fn layers_destination(
        &self,
        to: &DatabasePlace,
        installation: &str,
    ) -> anyhow::Result<LayersEnd> {
        let end = LayersEnd::open(&self.place(to, LAYERS_FILE), &self.postgres).await?;
        match end.standing(installation).await? {
            Standing::Finished if self.only.is_some() => {
                bail!("the layers of this installation are at --to already; move to an empty place")
            }
            Standing::Empty | Standing::Unfinished | Standing::Finished => Ok(end),
        }
    }

    fn stays(&self) -> bool {
        match (&self.from, &self.to) {
            (DatabasePlace::File(from), DatabasePlace::File(to)) => from == to,
            _ => false,
        }
    }

    /// Where a service's data are at a place: a file of the folder, the file itself, or the database.
    fn place(&self, place: &DatabasePlace, file: &str) -> DatabasePlace {
        match place {
            DatabasePlace::Server(url) => DatabasePlace::Server(url.clone()),
            DatabasePlace::File(path) if self.only.is_some() && !path.is_dir() => {
                DatabasePlace::File(path.clone())
            }
            DatabasePlace::File(folder) => DatabasePlace::File(folder.join(file)),
        }
    }

    fn make_folder(&self) -> anyhow::Result<()> {
        match (&self.to, self.only) {
            (DatabasePlace::File(folder), None) => make_private_folder(folder),
            (DatabasePlace::File(_), Some(_)) | (DatabasePlace::Server(_), _) => Ok(()),
        }
    }
}

/// The one installation whose data these are.
async fn installation(
    policy: Option<&PolicyEnd>,
    layers: Option<&LayersEnd>,
) -> anyhow::Result<String> {
    let of_policy = policy.map(|end| end.installation().to_owned());
    let of_layers = match layers {
        Some(end) => Some(end.installation().await?),
        None => None,
    };
    if let (Some(policy), Some(layers)) = (&of_policy, &of_layers) {
        ensure!(
            policy == layers,
            "the accounts and the layers at --from belong to different installations"
        );
    }
    of_policy.or(of_layers).context("nothing is to be moved")
}

impl Ways {
    /// Copies and compares everything, then finishes it all. The policy was marked as not to be served when it was opened,
    /// and is finished last, because without it nobody is served.
    async fn copy(self) -> anyhow::Result<MoveView> {
        let (mut view, mut bars) = (MoveView::default(), Bars::default());
        if let Some(Way { from, to }) = &self.layers {
            let moved = to.copy_from(from, |progress| bars.layer(progress)).await?;
            view.layers = moved.layers.into_iter().map(Into::into).collect();
            view.remembered_requests = moved.requests;
        }
        if let Some(Way { from, to }) = &self.policy {
            let tables = to.copy_from(from, |table| bars.table(table)).await?;
            view.authorization = tables.into_iter().map(Into::into).collect();
        }
        bars.clear();
        if let Some(Way { from, to }) = self.layers {
            to.finish().await?;
            to.close().await;
            from.close().await;
        }
        if let Some(Way { from, to }) = self.policy {
            to.finish().await?;
            to.close().await;
            from.close().await;
        }
        Ok(view)
    }
}
