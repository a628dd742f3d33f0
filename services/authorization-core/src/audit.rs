//! The audit record: who did what, when, with which outcome, by which path, and for whom (R122).
//!
//! Changes and sessions are recorded in their own transactions. Refusals and sampled checks are gathered in memory
//! within bounds, equal ones as one record with a count, and written every now and then: no call waits for them.

mod concerns;
mod entry;
mod filter;
mod list;
mod notes;
mod sample;
mod sessions;

pub use entry::{
    AuditEntry, AuditKind, AuditRecord, CallInfo, ChangeNote, Concern, Outcome, SHOWN_CONCERNS, Who,
};
pub use filter::{AuditFilter, KindSet, Order, RecordsWanted, Span};
pub use list::{AuditAsked, AuditPart, AuditPortion, ShownRecord};
pub use notes::{Refused, RefusedBy, RefusedElsewhere};
pub use sample::{BadSampleRate, SampleRate};

pub(crate) use concerns::change_note;
pub(crate) use entry::Closing;
pub(crate) use notes::Notes;
