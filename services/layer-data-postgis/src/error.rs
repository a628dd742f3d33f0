//! Failures: what the driver says stays in the log.

use std::time::Duration;

use jmap_postgres::{Failure, LeaseError, SchemaError, classify};
use layer_data_core::{definition::StoredDefinitionError, ports::StoreError};
use tokio::time::timeout;
use tracing::warn;

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its schema cannot be used.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// Another process has it.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// A move into it was begun and not finished.
    #[error("the move into the database `{0}` is not finished; run the same `jmapctl move` again")]
    Unfinished(String),
    /// PostGIS does not know a reference system, and this role may not tell it.
    #[error(
        "the table spatial_ref_sys lacks `EPSG:{0}`, and this role may not add it; run `layer-data-server migrate` as \
         a role that may"
    )]
    ReferenceSystem(i32, #[source] sqlx::Error),
    /// The database refused.
    #[error("the storage could not be opened")]
    Database(#[from] sqlx::Error),
    /// A layer's definition cannot be read.
    #[error("layer `{0}`")]
    Definition(i64, #[source] StoredDefinitionError),
}

/// What the driver says, in the words of the port.
pub(crate) fn store_error(error: sqlx::Error) -> StoreError {
    // All connections are in use: come back shortly.
    if matches!(error, sqlx::Error::PoolTimedOut) {
        return StoreError::Overloaded;
    }
    let answer = match classify(&error) {
        Failure::Contended | Failure::LockTimeout | Failure::StatementTimeout => {
            StoreError::Overloaded
        }
        Failure::DiskFull | Failure::Unavailable => StoreError::Unavailable,
        Failure::Conflict | Failure::Corrupt | Failure::Unexpected => return unexpected(error),
    };
    warn!(
        error = &error as &dyn std::error::Error,
        "the database did not do it"
    );
    answer
}

/// Gives up work that others wait for when no answer comes: the other end of a connection can be gone without a word.
/// Whether the database did it is then unknown.
pub(crate) async fn answered<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    timeout(patience, work).await.unwrap_or_else(|_elapsed| {
        warn!("the database gave no answer");
        Err(StoreError::Unavailable)
    })
}

/// A failure that nobody foresaw.
pub(crate) fn unexpected(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::Unexpected(error.into())
}
