//! Both services in one process, with their data in a folder.

use std::{
    io::{Write, stdout},
    path::PathBuf,
};

use authorization_server::Federation;
use clap::Args;
use jmap_service::{
    shutdown,
    telemetry::{self, TelemetryOptions},
};

use crate::{
    error::{Failure, Kind},
    output::Report,
    pair::{Pair, PairOptions, Ports},
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl up --data ./jmap-data
  jmapctl up --data ./jmap-data --authorization-port 0 --layer-data-port 0 --log warn

The folder holds authorization.sqlite (accounts, projects, permissions), layers.gpkg (a GeoPackage that QGIS and
ogrinfo open) and layer-data.key. At the first start the password of the user `administrator` is taken from
JMAP_ADMINISTRATOR_PASSWORD, or generated and printed once. SIGINT and SIGTERM let running calls finish.";

/// Run both services in one process
#[derive(Args, Debug)]
pub(crate) struct Up {
    /// The folder with all data; made if there is none
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Port of the authorization service on this machine; 0 takes any
    #[arg(long, default_value_t = 50051, value_name = "PORT")]
    authorization_port: u16,
    /// Port of the layer-data service on this machine; 0 takes any
    #[arg(long, default_value_t = 50052, value_name = "PORT")]
    layer_data_port: u16,
    /// A YAML file with the OpenID providers whose tokens sign in; nobody's if left out
    #[arg(long, value_name = "FILE")]
    federation: Option<PathBuf>,
    #[command(flatten)]
    telemetry: TelemetryOptions,
}

impl Up {
    pub(crate) async fn run(self) -> Result<Report, Failure> {
        telemetry::init(&self.telemetry).map_err(failed)?;
        let password = std::env::var("JMAP_ADMINISTRATOR_PASSWORD").ok();
        let options = PairOptions {
            data: self.data,
            ports: Ports {
                authorization: self.authorization_port,
                layer_data: self.layer_data_port,
            },
            administrator_password: password.filter(|text| !text.is_empty()).map(Into::into),
            federation: match &self.federation {
                Some(file) => Federation::read(file).map_err(failed)?,
                None => Federation::default(),
            },
        };
        let pair = Pair::start(options).await.map_err(failed)?;
        // Whoever closed standard output does not want to read it.
        let _ = stdout().lock().write_all(banner(&pair).as_bytes());
        pair.run_until(shutdown::on_signal())
            .await
            .map_err(failed)?;
        Ok(Report::silent())
    }
}

fn banner(pair: &Pair) -> String {
    let Pair {
        authorization,
        layer_data,
        ..
    } = pair;
    format!(
        "authorization  {authorization}\nlayer-data     {layer_data}\n\n\
         next: jmapctl --server {authorization} sign-in administrator\n"
    )
}

/// The causes of a start that failed are files, ports and locks: all of them for the person at the terminal.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
pub(super) fn failed(error: anyhow::Error) -> Failure {
    Failure::new(Kind::Failed, format!("{error:#}"))
}
