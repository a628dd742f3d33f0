//! Against a real server: limits, migrations, the lease, roles, TLS.

// The attribute lets clippy see that helpers outside `#[test]` functions are test code too.
#[cfg(test)]
mod connections;
#[cfg(test)]
mod encoding;
#[cfg(test)]
#[cfg(unix)]
mod tls;
