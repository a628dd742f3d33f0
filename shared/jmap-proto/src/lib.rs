//! The generated contract: messages, clients, servers and the descriptor set.
//!
//! Generated at build time from `proto/`; by hand is only how messages with secrets are printed.

#![expect(
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]

/// Package `jmap`.
pub mod jmap {
    /// Vocabulary that both services share.
    pub mod r#type {
        /// Package `jmap.type.v1`.
        pub mod v1 {
            tonic::include_proto!("jmap.r#type.v1");
        }
    }
    /// The authorization service.
    pub mod authorization {
        /// Package `jmap.authorization.v1`.
        pub mod v1 {
            tonic::include_proto!("jmap.authorization.v1");
        }
    }
    /// The layer-data service.
    pub mod layerdata {
        /// Package `jmap.layerdata.v1`.
        pub mod v1 {
            tonic::include_proto!("jmap.layerdata.v1");
        }
    }
}

mod secret;

pub use jmap::{
    authorization::v1 as authorization, layerdata::v1 as layerdata, r#type::v1 as types,
};

/// The compiled contract, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
