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
    /// A move into it was begun and not finished.
    #[error("the move into the storage `{0}` is not finished; run the same `jmapctl move` again")]
    Unfinished(PathBuf),
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
const BUSY: i32 = 5;
/// For a file that could not be read or written.
const IO: i32 = 10;
/// For a disk that is full.
const FULL: i32 = 13;
/// For a row that a constraint of its table forbids.
const CONSTRAINT: i32 = 19;

/// What the driver says, in the words of the port.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    let code = code(&error);
    if matches!(error, sqlx::Error::PoolTimedOut) || code == Some(BUSY) {
        return StoreError::Overloaded;
    }
    if matches!(code, Some(IO | FULL)) {
        tracing::error!(%error, "the storage cannot be read or written");
        return StoreError::Unavailable;
    }
    if matches!(error, sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) {
        return StoreError::Unavailable;
    }
    unexpected(error)
}

/// Whether SQLite may have ended the transaction by itself, as it does with one that it cannot go on with. What comes
/// after it on the same connection would be done outside any transaction.
pub(crate) fn may_end_transaction(error: &StoreError) -> bool {
    match error {
        StoreError::Overloaded | StoreError::Unavailable => true,
        StoreError::Unexpected(source) => source
            .downcast_ref()
            .is_some_and(|error| code(error) != Some(CONSTRAINT)),
        StoreError::PermitExpired
        | StoreError::LayerMissing(_)
        | StoreError::DefinitionChanged(_)
        | StoreError::Dependent(_)
        | StoreError::LayerExists(_)
        | StoreError::RequestReused
        | StoreError::OtherInstallation => false,
    }
}

/// SQLite's primary code, the last byte of the one that the driver gives.
fn code(error: &sqlx::Error) -> Option<i32> {
    let code = error.as_database_error()?.code()?;
    code.parse().ok().map(|code: i32| code & 0xff)
}

/// A failure that nobody foresaw.
pub(crate) fn unexpected(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unexpected(error.into())
}
