//! From a URL and options to connections whose limits are set.

use std::{
    env, fmt, fs, io,
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    ConnectOptions, PgConnection,
    postgres::{PgConnectOptions, PgSslMode},
};
use tokio::time::timeout;
use url::Url;

use crate::{DatabaseOptions, DatabaseUrl, MigrateMode};

/// Holds the password when neither the URL nor a file does.
const PASSWORD_VARIABLE: &str = "JMAP_DATABASE_PASSWORD";
/// What a URL may say; everything else is set by flags, or would be ignored by the driver.
const PARAMETERS: [&str; 10] = [
    "application_name",
    "dbname",
    "host",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];
/// The database looks this often whether the caller of a running statement is still there.
const CHECK_CLIENT: Duration = Duration::from_secs(1);
/// A migration may have to wait for readers, and to rewrite tables.
const MIGRATION_LOCK_TIMEOUT: Duration = Duration::from_mins(1);

/// Why connections cannot be made with a URL and options. No sentence shows the password.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Not a URL that the driver reads.
    #[error("the database URL cannot be read: {0}")]
    Url(String),
    /// A parameter that is unknown, or that a flag sets.
    #[error("the database URL has the parameter `{0}`, which is not known here")]
    Parameter(String),
    /// Less than full verification, beyond this machine.
    #[error(
        "the database at `{0}` is not on this machine: give `sslmode=verify-full` (and `sslrootcert=FILE` for an \
         own authority), or --database-allow-insecure-tls if something else protects the way"
    )]
    InsecureTls(String),
    /// The file with the password cannot be read.
    #[error("the password file `{}` cannot be read", .0.display())]
    PasswordFile(PathBuf, #[source] io::Error),
    /// The file with the password has none.
    #[error("the password file `{}` is empty", .0.display())]
    NoPassword(PathBuf),
}

/// Who connects, and to which tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// The name that the database shows for the connections, unless the URL gives one.
    pub application: &'static str,
    /// The schemas in which names are looked up, separated by commas. Written by us, never by a caller.
    pub search_path: &'static str,
}

/// Opens connections to one database, all with the same limits.
#[derive(Clone)]
pub struct Connector {
    options: PgConnectOptions,
    label: String,
    pub(crate) limits: DatabaseOptions,
}

impl DatabaseOptions {
    /// Checks a URL and these options; nothing is opened yet.
    ///
    /// # Errors
    /// [`ConfigError`], a sentence for the person at the command line.
    pub fn connector(&self, url: &DatabaseUrl, purpose: Purpose) -> Result<Connector, ConfigError> {
        let mut options = read(url)?;
        if let Some(password) = self.password()? {
            options = options.password(password.expose_secret());
        }
        self.check_tls(&options)?;
        if options.get_application_name().is_none() {
            options = options.application_name(purpose.application);
        }
        let options = options
            .statement_cache_capacity(self.database_statement_cache)
            .options([("search_path", purpose.search_path)])
            .options(self.settings());
        Ok(Connector {
            label: label(&options),
            options,
            limits: self.clone(),
        })
    }

    /// The password that overrules the URL's.
    fn password(&self) -> Result<Option<SecretString>, ConfigError> {
        match &self.database_password_file {
            Some(file) => read_secret(file).map(Some),
            None => Ok(env::var(PASSWORD_VARIABLE).ok().map(Into::into)),
        }
    }

    fn check_tls(&self, options: &PgConnectOptions) -> Result<(), ConfigError> {
        let is_verified = matches!(options.get_ssl_mode(), PgSslMode::VerifyFull);
        if is_verified || self.database_allow_insecure_tls || is_on_this_machine(options) {
            return Ok(());
        }
        Err(ConfigError::InsecureTls(label(options)))
    }

    /// What the database sets for each connection, in milliseconds or seconds as it wants them.
    fn settings(&self) -> [(&'static str, u128); 8] {
        let statement = self.database_statement_timeout.as_millis();
        [
            ("statement_timeout", statement),
            ("lock_timeout", self.database_lock_timeout.as_millis()),
            ("idle_in_transaction_session_timeout", statement),
            ("client_connection_check_interval", CHECK_CLIENT.as_millis()),
            // A client that has gone without a word is noticed after 25 s, and its locks are released.
            ("tcp_keepalives_idle", 10),
            ("tcp_keepalives_interval", 5),
            ("tcp_keepalives_count", 3),
            ("tcp_user_timeout", 25_000),
        ]
    }
}

impl Connector {
    /// The same database with further settings on each connection. Names and values are written by us.
    #[must_use]
    pub fn with_settings(&self, settings: &[(&'static str, &'static str)]) -> Self {
        Self {
            options: self.options.clone().options(settings.iter().copied()),
            ..self.clone()
        }
    }

    /// Opens a connection outside every pool, within the time that callers wait for one.
    ///
    /// # Errors
    /// The driver's; [`sqlx::Error::Io`] when the time is over.
    pub async fn connect(&self) -> sqlx::Result<PgConnection> {
        within(self.limits.database_acquire_timeout, self.options.connect()).await
    }

    /// Opens a connection that may take its time: a migration rewrites tables.
    ///
    /// # Errors
    /// The driver's; [`sqlx::Error::Io`] when the time to connect is over.
    pub async fn connect_to_migrate(&self) -> sqlx::Result<PgConnection> {
        let lock = MIGRATION_LOCK_TIMEOUT.as_millis();
        let options = self.options.clone().options([
            ("statement_timeout", 0),
            ("lock_timeout", lock),
            ("idle_in_transaction_session_timeout", 0),
        ]);
        within(self.limits.database_acquire_timeout, options.connect()).await
    }

    /// When the schema is to be brought up to date.
    #[must_use]
    pub const fn migrate_mode(&self) -> MigrateMode {
        self.limits.database_migrate
    }

    /// How long to wait for the answer to a statement: longer than the database itself lets it run.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.limits.database_statement_timeout + CHECK_CLIENT
    }
}

/// Shows host, port and database, and nothing else.
impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label)
    }
}

/// The driver's own `Debug` would show the password.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector")
            .field("database", &self.label)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn read(url: &DatabaseUrl) -> Result<PgConnectOptions, ConfigError> {
    let parsed = Url::parse(url.text()).map_err(|error| ConfigError::Url(error.to_string()))?;
    let mut names = parsed.query_pairs().map(|(name, _)| name);
    if let Some(unknown) = names.find(|name| !PARAMETERS.contains(&name.as_ref())) {
        return Err(ConfigError::Parameter(unknown.into_owned()));
    }
    PgConnectOptions::from_url(&parsed).map_err(|error| ConfigError::Url(error.to_string()))
}

fn read_secret(file: &Path) -> Result<SecretString, ConfigError> {
    let text = fs::read_to_string(file)
        .map_err(|error| ConfigError::PasswordFile(file.to_owned(), error))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(ConfigError::NoPassword(file.to_owned()));
    }
    Ok(secret.into())
}

fn is_on_this_machine(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || address.is_some_and(|address| address.is_loopback())
}

fn label(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(
        || options.get_host().to_owned(),
        |folder| folder.display().to_string(),
    );
    let database = options.get_database();
    format!(
        "{host}:{}/{}",
        options.get_port(),
        database.unwrap_or_else(|| options.get_username())
    )
}

/// Bounds how long an answer may take: a connection whose other end is gone gives none for many minutes.
///
/// # Errors
/// What the work fails with; [`sqlx::Error::Io`] when the time is over. The connection is then good for nothing else.
pub async fn within<T>(
    limit: Duration,
    work: impl Future<Output = sqlx::Result<T>>,
) -> sqlx::Result<T> {
    match timeout(limit, work).await {
        Ok(result) => result,
        Err(_elapsed) => Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURPOSE: Purpose = Purpose {
        application: "test",
        search_path: "public",
    };

    fn connector(url: &str) -> Result<Connector, ConfigError> {
        DatabaseOptions::default().connector(&DatabaseUrl::new(url), PURPOSE)
    }

    #[test]
    fn beyond_this_machine_only_full_verification_is_accepted() {
        for near in [
            "postgres://u@localhost/d",
            "postgres://u@127.0.0.2/d",
            "postgres://u@[::1]/d",
            "postgres:///d?host=/run/postgresql",
            "postgres://u@%2Frun%2Fpostgresql/d",
        ] {
            assert!(connector(near).is_ok(), "{near}");
        }
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            let far = format!("postgres://u@db.example/d?sslmode={mode}");
            assert!(
                matches!(connector(&far), Err(ConfigError::InsecureTls(_))),
                "{mode}"
            );
        }
        assert!(connector("postgres://u@db.example/d?sslmode=verify-full").is_ok());
        let consent = DatabaseOptions {
            database_allow_insecure_tls: true,
            ..DatabaseOptions::default()
        };
        let far = DatabaseUrl::new("postgres://u@db.example/d");
        assert!(consent.connector(&far, PURPOSE).is_ok());
    }

    #[test]
    fn no_sentence_and_no_debug_shows_the_password() {
        for url in [
            "postgres://u:hush@db.example/d",
            "postgres://u:hush@db.example/d?sslmode=hmm",
            "postgres://u:hush@db.example:x/d",
            "postgres://u:hush@localhost/d?surprise=hush",
            "postgres://u@localhost/d?password=hush",
            "postgres://u:hush@localhost/d",
        ] {
            let (debug, sentence) = match connector(url) {
                Ok(connector) => (format!("{connector:?}"), connector.to_string()),
                Err(error) => (format!("{error:?}"), error.to_string()),
            };
            assert!(
                !debug.contains("hush") && !sentence.contains("hush"),
                "{url}"
            );
        }
    }

    #[test]
    fn a_parameter_that_nobody_reads_is_refused_by_name() {
        let error = connector("postgres://u@localhost/d?statement_timeout=0").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the database URL has the parameter `statement_timeout`, which is not known here"
        );
    }

    #[test]
    fn an_empty_password_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let options = DatabaseOptions {
            database_password_file: Some(file.path().to_owned()),
            ..DatabaseOptions::default()
        };
        let url = DatabaseUrl::new("postgres://u@localhost/d");
        let refused = options.connector(&url, PURPOSE);
        assert!(matches!(refused, Err(ConfigError::NoPassword(_))));
    }

    #[test]
    fn the_label_is_host_port_and_database() {
        let connector = connector("postgres://u:hush@localhost:5433/d").unwrap();
        assert_eq!(connector.to_string(), "localhost:5433/d");
    }
}
