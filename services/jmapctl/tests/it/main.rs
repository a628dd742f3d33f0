//! jmapctl as people and programs run it: the real executable.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod history;
#[cfg(test)]
mod pair;
#[cfg(test)]
mod past;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod personal;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod tour;
#[cfg(test)]
mod usage;
