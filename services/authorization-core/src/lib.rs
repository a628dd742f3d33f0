//! The rules and use cases of authorization.
//!
//! Quiet by design: no database, no network, no runtime. [`rules`] decides, purely, on an immutable [`Snapshot`];
//! use cases validate against the current snapshot and yield changes; the [`Authority`] commits them through
//! [`ports`] and swaps the snapshot.

pub mod audit;
mod authority;
mod bootstrap;
pub mod change;
mod check;
mod claims;
mod crowd;
pub mod directory;
mod draft;
mod evaluate;
pub mod explain;
mod facts;
pub mod federation;
pub mod globals;
mod guard;
pub mod layer_permissions;
mod listings;
pub mod lookup;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod model;
pub mod past;
pub mod personal;
pub mod ports;
mod present;
pub mod projects;
mod refusal;
pub mod registry;
mod revocation;
pub mod rules;
pub mod secret;
pub mod services;
pub mod sessions;
mod snapshot;
pub mod suppose;
mod throttle;
mod time;
mod tokens;
mod watch;

pub use authority::{Authority, Settings};
pub use check::{Answer, Asking, CheckError};
pub use claims::Claims;
pub use evaluate::{Evaluation, Person};
pub use explain::Explanation;
pub use facts::{Facts, Path, Standing, may_open};
pub use listings::VisibleLayer;
pub use refusal::{Refusal, Resource};
pub use snapshot::{Home, LayerEntry, Principal, ProjectEntry, Snapshot};
pub use throttle::Origin;
pub use time::Timestamp;
