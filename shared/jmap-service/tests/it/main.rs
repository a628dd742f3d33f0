//! The stack over real sockets: what each layer answers, and that others are served meanwhile.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod drain;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod ports;
#[cfg(test)]
mod stack;
#[cfg(test)]
mod tokens;
