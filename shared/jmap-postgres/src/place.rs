//! Where a database is: a file, or a server by its URL.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

use secrecy::{ExposeSecret, SecretString};

/// Where a database is, as a flag gives it.
///
/// Reading it never fails, because the command line repeats what it refuses, and a URL can have a password in it.
/// [`DatabaseOptions::connector`](crate::DatabaseOptions::connector) refuses what is wrong with a URL. The flag
/// should also have `hide_env_values`.
#[derive(Clone, Debug)]
pub enum DatabasePlace {
    /// A file on this machine.
    File(PathBuf),
    /// A PostgreSQL server: whatever begins with `postgres://` or `postgresql://`.
    Server(DatabaseUrl),
}

impl FromStr for DatabasePlace {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_url = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        Ok(if is_url {
            Self::Server(DatabaseUrl::new(text))
        } else {
            Self::File(text.into())
        })
    }
}

/// A URL that may have a password in it; `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct DatabaseUrl(SecretString);

impl DatabaseUrl {
    /// Keeps a URL; what is wrong with it is found out when it is used.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    pub(crate) fn text(&self) -> &str {
        self.0.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_server_and_anything_else_a_file() {
        let place = |text: &str| text.parse::<DatabasePlace>().unwrap();
        assert!(matches!(place("postgres://a/b"), DatabasePlace::Server(_)));
        assert!(matches!(
            place("postgresql:///b?host=/run"),
            DatabasePlace::Server(_)
        ));
        assert!(matches!(
            place("data/policy.sqlite"),
            DatabasePlace::File(_)
        ));
        assert!(matches!(place("postgres"), DatabasePlace::File(_)));
    }

    #[test]
    fn debug_does_not_show_the_password() {
        let place: DatabasePlace = "postgres://u:hush@a/b".parse().unwrap();
        assert!(!format!("{place:?}").contains("hush"));
    }
}
