//! The authorization executable.

use anyhow::Context;
use authorization_server::{Command, Options};
use clap::Parser;
use jmap_service::{shutdown, telemetry};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(Command::Migrate(migrate)) = &options.command {
        telemetry::init(&options.telemetry)?;
        return migrate.run().await;
    }
    let config = options.config()?;
    if options.check_config {
        return Ok(());
    }
    telemetry::init(&options.telemetry)?;
    let listener = TcpListener::bind(options.listen).await;
    let listener = listener.with_context(|| format!("listen on {}", options.listen))?;
    authorization_server::serve(listener, config, shutdown::on_signal()).await
}
