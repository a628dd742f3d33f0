//! The executable's command line.

#[cfg(test)]
mod migrate;
