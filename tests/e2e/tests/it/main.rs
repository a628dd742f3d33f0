//! End to end: worlds on every floor, the pair over real sockets, the real executables.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod worlds;
