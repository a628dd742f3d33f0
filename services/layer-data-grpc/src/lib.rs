//! The gRPC side of layer-data.
