//! Production storage: PostgreSQL with PostGIS, which other programs can read as it is.
//!
//! Each layer has a typed table of its own. Edits wait in their layer's lane and are committed together, each with its
//! own revision. The counters of a layer (revision, next element) are kept in memory and confirmed by the statement that
//! raises them, so that an edit needs no read before its write.

mod archive;
mod bucket;
mod condition;
mod copy;
mod edit;
mod error;
mod ewkb;
mod group;
mod lanes;
mod layers;
mod open;
mod order;
mod plan;
mod prune;
mod read;
mod redefine;
mod requests;
mod roles;
mod rows;
mod sieve;
mod store;
mod table;
mod tally;
mod unique;
mod values;

pub use error::OpenError;
pub use open::{PURPOSE, SCHEMA};
pub use roles::{GrantError, migrate};
pub use store::PostGis;
