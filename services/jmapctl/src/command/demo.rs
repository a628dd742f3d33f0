//! The pair at work on real data: a guided tour that runs jmapctl's own commands over real gRPC.

mod guide;
mod own_layers;
mod samples;
mod tour;

use std::path::{Path, PathBuf};

use authorization_server::Federation;
use clap::Args;
use jmap_service::{
    shutdown,
    telemetry::{self, LogFormat, TelemetryOptions},
};
use tempfile::TempDir;

use self::guide::Guide;
use super::up::failed;
use crate::{
    error::Failure,
    output::Report,
    pair::{Pair, PairOptions, Ports},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl demo                     the tour; then the pair stays up until Ctrl-C
  jmapctl demo --once              the tour alone; fails when a step does not go as said
  jmapctl demo --data ./demo-data  keep the data, for a look with QGIS or ogrinfo";

/// Show the pair at work on real data
#[derive(Args, Debug)]
pub(crate) struct Demo {
    /// End after the tour
    #[arg(long)]
    once: bool,
    /// A fresh folder for the data, which is kept; by default a temporary one
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Port of the authorization service on this machine; 0 takes any
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    authorization_port: u16,
    /// Port of the layer-data service on this machine; 0 takes any
    #[arg(long, default_value_t = 0, value_name = "PORT")]
    layer_data_port: u16,
    /// Show what the services log, such as `info`
    #[arg(long, env = "JMAP_LOG", value_name = "FILTER")]
    log: Option<String>,
}

impl Demo {
    pub(crate) async fn run(self) -> Result<Report, Failure> {
        if let Some(log) = self.log.clone() {
            let log_format = LogFormat::default();
            telemetry::init(&TelemetryOptions { log, log_format }).map_err(failed)?;
        }
        let folder = Folder::open(self.data.as_deref())?;
        let password = guide::password();
        let options = PairOptions {
            data: folder.path().to_owned(),
            ports: Ports {
                authorization: self.authorization_port,
                layer_data: self.layer_data_port,
            },
            administrator_password: Some(password.clone()),
            federation: Federation::default(),
        };
        let pair = Pair::start(options).await.map_err(failed)?;
        let mut guide = Guide::new(&pair, folder.path(), password);
        let toured = Box::pin(tour::walk(&mut guide)).await;
        if self.once || toured.is_err() {
            pair.stop().await.map_err(failed)?;
        } else {
            guide.farewell(&pair).await?;
            pair.run_until(shutdown::on_signal())
                .await
                .map_err(failed)?;
        }
        toured.map(|()| Report::silent())
    }
}

/// Where the demo's data are.
enum Folder {
    /// Removed in the end.
    Temporary(TempDir),
    /// Kept.
    Kept(PathBuf),
}

impl Folder {
    fn open(asked: Option<&Path>) -> Result<Self, Failure> {
        match asked {
            None => tempfile::tempdir()
                .map(Self::Temporary)
                .map_err(Failure::file("create a folder in", &std::env::temp_dir())),
            Some(path) if is_fresh(path) => Ok(Self::Kept(path.to_owned())),
            Some(path) => Err(Failure::usage(format!("{} is not empty", path.display()))
                .hint("the demo begins with nothing; name a folder that does not exist yet")),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(path) => path,
        }
    }
}

fn is_fresh(path: &Path) -> bool {
    std::fs::read_dir(path).map_or(true, |mut entries| entries.next().is_none())
}
