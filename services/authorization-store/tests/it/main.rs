//! Tests of the embedded database.

#[cfg(test)]
mod guards;
#[cfg(test)]
mod history;
#[cfg(test)]
mod sql;
#[cfg(test)]
mod support;
