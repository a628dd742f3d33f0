//! The rules and use cases of authorization.
//!
//! Quiet by design: no database, no network, no runtime. `rules` decides, purely, on an immutable `Snapshot`;
//! use cases validate against the current snapshot and yield changes; the `Authority` commits them through ports
//! and swaps the snapshot.

pub mod change;
mod claims;
mod facts;
pub mod model;
pub mod ports;
pub mod rules;
pub mod secret;
mod snapshot;
mod time;

pub use claims::Claims;
pub use facts::{Facts, Path, Standing, may_open};
pub use snapshot::{Home, LayerEntry, Principal, ProjectEntry, Snapshot};
pub use time::Timestamp;
