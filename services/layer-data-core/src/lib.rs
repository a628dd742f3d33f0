//! Layers, elements, edits and queries: what layer-data does, without database and without network.
//!
//! Ports ([`ports`]) say what is needed from outside; the use cases of [`LayerData`] say what is done with it.

pub mod catalogue;
pub mod compare;
#[cfg(any(test, feature = "testing"))]
pub mod conformance;
pub mod copy;
pub mod crs;
pub mod definition;
pub mod edit;
pub mod edits;
pub mod element;
pub mod feed;
pub mod figures;
pub mod geometry;
pub mod history;
pub mod layers;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod moving;
pub mod permit;
pub mod ports;
pub mod query;
pub mod reads;
mod service;
pub mod statistics;
pub mod structure;
#[cfg(test)]
mod tests;
pub mod transfer;
mod turns;
pub mod value;

pub use service::{AskError, LayerData, Limits};
