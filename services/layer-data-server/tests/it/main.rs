//! The executable's command line, and moving its data.

#[cfg(test)]
mod migrate;
#[cfg(test)]
mod moving;
