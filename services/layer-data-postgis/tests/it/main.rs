//! The PostGIS store against the conformance suite, its own properties, bad moments, and other programs as readers.

#[cfg(test)]
mod conforms;
#[cfg(test)]
mod fixture;
