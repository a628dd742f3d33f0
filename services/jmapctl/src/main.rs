//! `jmapctl`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    jmapctl::run().await
}
