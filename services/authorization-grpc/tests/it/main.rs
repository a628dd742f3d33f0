//! The boundary, over an in-memory connection and the real stack: every field, every code, the happy paths.

#![expect(clippy::unnecessary_wraps, reason = "fields of messages are optional")]

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod administration;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod check;
#[cfg(test)]
mod elevation;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod past;
#[cfg(test)]
mod personal;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod services;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod watch;
