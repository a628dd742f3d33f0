//! Failures: what the driver says stays in the source, for the log.

use std::path::PathBuf;

use layer_data_core::{definition::StoredDefinitionError, ports::StoreError};

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the file `{0}` is in use by another process")]
    InUse(PathBuf),
    /// The lock file beside it cannot be written.
    #[error("the lock file `{0}` cannot be written")]
    Lock(PathBuf, #[source] std::io::Error),
    /// A newer version of the server has written it.
    #[error("the storage was written by a newer version of the server")]
    NewerThanCode,
    /// It is not one of ours, or it is damaged.
    #[error("the storage could not be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// The database engine refused.
    #[error("the storage could not be opened")]
    Database(#[from] sqlx::Error),
    /// A layer's definition cannot be read.
    #[error("layer `{0}`")]
    Definition(i64, #[source] StoredDefinitionError),
}

/// SQLite's code for a database that another connection is writing to.
const BUSY: &str = "5";

/// What the driver says, in the words of the port.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    if matches!(error, sqlx::Error::PoolTimedOut) || is_busy(&error) {
        return StoreError::Overloaded;
    }
    if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) {
        return StoreError::Unavailable;
    }
    unexpected(error)
}

fn is_busy(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|database| database.code().as_deref() == Some(BUSY))
}

/// A failure that nobody foresaw.
pub(crate) fn unexpected(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unexpected(error.into())
}
