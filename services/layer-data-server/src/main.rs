//! The layer-data executable: reads its configuration and serves until it is told to stop.

use anyhow::Context;
use clap::Parser;
use jmap_service::{shutdown, telemetry};
use layer_data_server::{Command, Config, serve};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let config = Config::parse();
    if let Some(Command::Migrate(migrate)) = &config.command {
        telemetry::init(&config.telemetry)?;
        return migrate.run().await;
    }
    config.check().context("check the configuration")?;
    if config.check_config {
        return Ok(());
    }
    telemetry::init(&config.telemetry)?;
    let listener = TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("listen on {}", config.listen))?;
    serve(listener, config, shutdown::on_signal()).await
}
