//! The rules against a naive reference, and the use cases over an in-memory store.

#[cfg(test)]
mod audit;
#[cfg(test)]
mod audit_lists;
#[cfg(test)]
mod candidates;
#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod directory;
#[cfg(test)]
mod explanations;
#[cfg(test)]
mod federation;
#[cfg(test)]
mod house;
#[cfg(test)]
mod layer_permissions;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod lookups;
#[cfg(test)]
mod past;
#[cfg(test)]
mod personal;
#[cfg(test)]
mod projects;
#[cfg(test)]
mod questions;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod registry;
#[cfg(test)]
mod revocations;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod small_worlds;
#[cfg(test)]
mod snapshots;
#[cfg(test)]
mod suppositions;
#[cfg(test)]
mod throttling;
#[cfg(test)]
mod watch;
#[cfg(test)]
mod world;
