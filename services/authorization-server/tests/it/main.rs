//! The executable's own duties: first start, restart, one process at a time, the HTTP port.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod on_postgres;
#[cfg(test)]
mod running;
#[cfg(test)]
mod service_key;
#[cfg(test)]
mod starts;
