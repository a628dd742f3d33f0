//! The rules and use cases of authorization.
//!
//! Quiet by design: no database, no network, no runtime. `rules` decides, purely, on an immutable `Snapshot`;
//! use cases validate against the current snapshot and yield changes; the `Authority` commits them through ports
//! and swaps the snapshot.

pub mod change;
mod claims;
pub mod model;
pub mod ports;
pub mod secret;
mod time;

pub use claims::Claims;
pub use time::Timestamp;
