//! Calls that leave layer-data: questions to authorization, its registry, and its signing keys.
//!
//! Nothing here guesses. Whatever goes wrong on the way is "unavailable", and the use cases then refuse (R121).

mod authorization;
mod authorizer;
mod keys;
mod layers;
mod line;
mod refusals;
mod registry;
mod session;

pub use authorization::{Authorization, BadAddress, Partner};
pub use refusals::RefusalReports;
