//! The gRPC side of authorization.
