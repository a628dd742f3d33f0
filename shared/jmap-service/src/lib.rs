//! The chassis of every service: the tower stack, tokens, configuration, telemetry, health, shutdown.
//!
//! A service hands its routes to [`serve::serve`]; whatever arrives has passed the one stack of [`stack`], so a
//! handler finds who calls and until when in [`call::CallScope`], and never meets an overload, a panic or a bad token.

pub mod admin;
pub mod call;
pub mod client;
pub mod config;
#[cfg(feature = "testing")]
pub mod in_memory;
pub mod peer;
pub mod places;
pub mod refusals;
pub mod serve;
pub mod server_info;
pub mod shutdown;
pub mod stack;
pub mod telemetry;
pub mod token;

mod auth;
mod deadline;
pub mod decoding;
mod middleware;
mod panic;
mod refusal;
mod shed;
mod trace;

pub use auth::bearer;
pub use refusal::Refusal;
