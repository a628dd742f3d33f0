//! The gRPC side of layer-data: requests are parsed into questions that cannot be wrong, put to the use cases, and
//! their answers written down again. One service per file; what an error means on the wire is decided in `status`.

mod answer;
mod api;
mod compare;
mod delivery;
mod elements;
mod figures;
mod history;
mod layers;
mod parse;
mod position;
mod request_key;
mod reversal;
mod status;
mod structure;
mod transfer;
mod watch;

pub use api::{Api, DOMAIN, SERVICE_NAMES};
pub use transfer::{Staging, StagingLimits};
