//! End to end: worlds on every floor, the pair over real sockets, the real executables.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod administration;
mod architecture;
mod audit;
mod authzen;
mod bad_input;
mod batches;
mod citations;
mod copies;
mod crashes;
mod edits;
mod executables;
mod federation;
mod feed;
mod files;
mod flags;
mod fuzz;
mod hiding;
mod history;
mod outsiders;
mod personal;
mod postgres;
mod quantization;
mod reflection;
mod revocation;
mod sessions;
mod throttling;
mod upserts;
mod work;
mod worlds;

use testkit::{
    Floor, Stage,
    world::{Change, Outcome},
};

/// Does something, given as worlds write it, on behalf of the administrator.
async fn change(stage: &mut Stage, does: &str) {
    let change: Change = serde_yaml_ng::from_str(&format!("does: {does}")).unwrap();
    assert_eq!(
        stage.floor.change(&change).await,
        Some(Outcome::Ok),
        "{does}"
    );
}
