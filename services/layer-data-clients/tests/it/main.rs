//! The calls to authorization, against a service that answers what a test tells it to, over real sockets.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod line;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod registry;
