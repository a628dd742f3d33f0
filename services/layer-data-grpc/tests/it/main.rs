//! The services over an in-memory connection, with the whole stack in front, a real GeoPackage behind, and an
//! authorization service that answers what a test tells it to.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod batches;
#[cfg(test)]
mod copies;
#[cfg(test)]
mod deletions;
#[cfg(test)]
mod edits;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod history;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod order;
#[cfg(test)]
mod reads;
#[cfg(test)]
mod retention;
#[cfg(test)]
mod reversals;
#[cfg(test)]
mod selections;
#[cfg(test)]
mod statistics;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod upserts;
#[cfg(test)]
mod watch;
