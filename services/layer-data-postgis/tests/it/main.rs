//! The PostGIS store against the conformance suite, its own properties, bad moments, and other programs as readers.

#[cfg(test)]
mod across;
#[cfg(test)]
mod bad_moments;
#[cfg(test)]
mod conditions;
#[cfg(test)]
mod conforms;
#[cfg(test)]
mod counts;
#[cfg(test)]
mod durability;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod given_up;
#[cfg(test)]
mod history;
#[cfg(test)]
mod lives;
#[cfg(test)]
mod order;
#[cfg(test)]
mod outside;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod statements;
#[cfg(test)]
mod structure;
#[cfg(test)]
mod unique;
