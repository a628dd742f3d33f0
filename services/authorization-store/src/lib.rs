//! The database of authorization, embedded: one SQLite file, held by one process at a time.
//!
//! Statements live in `sql/`, one per file, in a dialect that PostgreSQL understands as well; the schema in
//! `migrations/`. [`SqliteStore`] implements the core's `PolicyStore`.

mod history;
mod lease;
mod load;
mod open;
mod record;
mod secrets;
mod sessions;
mod statements;
mod store;

pub use open::OpenError;
pub use store::SqliteStore;

/// The text of a statement under `sql/`.
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file, ".sql"))
    };
}
pub(crate) use sql;
