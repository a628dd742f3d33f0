//! Embedded storage: one GeoPackage file, which other programs can open as it is.
//!
//! One task writes, many connections read beside it. Edits that wait together are committed together, each with its
//! own savepoint and its own revision.

mod archive;
mod blob;
mod condition;
mod edit;
mod error;
mod group;
mod layers;
mod lock;
mod open;
mod order;
mod prune;
mod read;
mod readers;
mod redefine;
mod replay;
mod rows;
mod sieve;
mod store;
mod table;
mod tally;
mod unique;
mod values;
mod writer;

pub use error::OpenError;
pub use store::GeoPackage;
