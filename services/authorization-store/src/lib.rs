//! The database of authorization: one SQLite file, or a schema in PostgreSQL; held by one process at a time.
//!
//! Statements live in `sql/`, one per file, in words that both engines understand; the schemas in `migrations/`.
//! [`SqlStore`] implements the core's `PolicyStore` over either: [`SqlStore::open`] a file, or [`SqlStore::connect`]
//! to a server. Opened to [leave](Opening::Leave) and to [arrive](Opening::Arrive), one store copies another.

mod audit;
mod connect;
mod db;
mod history;
mod history_base;
mod lease;
mod load;
mod moving;
mod open;
mod opening;
mod record;
mod restored;
mod secrets;
mod sessions;
mod statement;
mod statements;
mod store;
mod tables;

pub use connect::{ConnectError, MigrateError, PURPOSE, migrate};
pub use moving::{MoveError, MovedTable};
pub use open::OpenError;
pub use opening::{Opening, StandingError};
pub use store::SqlStore;

/// The text of a statement under `sql/`.
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql"))
    };
}
pub(crate) use sql;
