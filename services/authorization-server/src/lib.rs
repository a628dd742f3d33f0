//! The authorization executable: introduces the store, the cryptography and the gRPC side to each other.

mod authzen;
mod config;
mod federation;
mod first_start;
mod http;
mod keys;
mod migrate;
pub mod moving;
mod password;
mod platform;
pub mod restored;
mod serve;
mod upkeep;

pub use authorization_store::MovedTable;
pub use config::{AuditTimes, Command, Config, Database, Options};
pub use federation::Federation;
pub use migrate::MigrateOptions;
pub use platform::Platform;
pub use serve::serve;
