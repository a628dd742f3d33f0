//! One process per database file: a lock on a file beside it, which the system releases when the process ends.

use std::{
    ffi::OsString,
    fs::{File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Held as long as it lives.
#[derive(Debug)]
pub(crate) struct FileLease {
    _file: File,
}

/// Why the lock was not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LeaseError {
    /// Another process has it.
    #[error("another process holds the lock")]
    Held,
    /// The lock file cannot be used.
    #[error("the lock file cannot be used")]
    Io(#[from] io::Error),
}

impl FileLease {
    pub(crate) fn take(database: &Path) -> Result<Self, LeaseError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(lock_file(database))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LeaseError::Held),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

fn lock_file(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".lock");
    name.into()
}
