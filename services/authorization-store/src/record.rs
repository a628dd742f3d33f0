//! Rows: what the core's records look like in columns, and in the JSON of history.
//!
//! One shape serves both. Reading back goes through the core's own constructors, so that what the database holds
//! is as valid as what a caller sends.

mod audit;
mod change;
mod change_set;
mod layer;
mod principal;
mod project;
mod session;

pub(crate) use audit::{AuditRow, ConcernRow};
pub(crate) use change::ChangeRecord;
pub(crate) use change_set::ChangeSetRow;
pub(crate) use layer::{LayerGrantRow, LayerRow, TombstoneRow};
pub(crate) use principal::{GlobalRow, GroupRow, MemberRow, ServiceRow, UserRow};
pub(crate) use project::{ProjectGrantRow, ProjectRow};
pub(crate) use session::SessionRow;

use authorization_core::{model::DescriptionError, ports::StoreError};
use jmap_domain::{IdError, NameError, PolicyRevision};

/// A row that no valid record can be read from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// An id out of range.
    #[error("an id cannot be")]
    Id(#[from] IdError),
    /// A name that is none.
    #[error("a name cannot be")]
    Name(#[from] NameError),
    /// A description that is none.
    #[error("a description cannot be")]
    Description(#[from] DescriptionError),
    /// A number out of range.
    #[error("a number is out of range")]
    Number(#[from] std::num::TryFromIntError),
    /// Bits that stand for nothing.
    #[error("a set has unknown bits")]
    Bits,
    /// Bytes of another length.
    #[error("a value has the wrong number of bytes")]
    Length,
    /// Columns that contradict each other.
    #[error("columns contradict each other")]
    Contradiction,
    /// JSON of another shape.
    #[error("a recorded change cannot be")]
    Json(#[from] serde_json::Error),
}

impl From<Unreadable> for StoreError {
    fn from(error: Unreadable) -> Self {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "the database holds an unreadable row"
        );
        Self::Corrupt
    }
}

pub(crate) fn revision_to_row(revision: PolicyRevision) -> i64 {
    // One change a nanosecond reaches the end of the range in 292 years.
    i64::try_from(revision.0).unwrap_or(i64::MAX)
}

pub(crate) fn revision(row: i64) -> Result<PolicyRevision, Unreadable> {
    Ok(PolicyRevision(u64::try_from(row)?))
}

pub(crate) fn bytes<const N: usize>(row: &[u8]) -> Result<[u8; N], Unreadable> {
    <[u8; N]>::try_from(row).map_err(|_length| Unreadable::Length)
}

fn bits<T>(row: i64, from_bits: impl FnOnce(u8) -> Option<T>) -> Result<T, Unreadable> {
    from_bits(u8::try_from(row)?).ok_or(Unreadable::Bits)
}
