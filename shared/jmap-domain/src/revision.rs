//! Revisions: of the policy, and of a layer's data.

/// The gap-free number of a change of the policy; 0 before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRevision(pub u64);

impl PolicyRevision {
    /// The number of the following change.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The life of a policy database: a restore from backup starts another one, so that old tokens are recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u32);

/// A point of the policy's history that answers name and questions may ask for. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyToken {
    /// The life of the database.
    pub epoch: Epoch,
    /// The number in it.
    pub revision: PolicyRevision,
}

/// The number of an edit call in its layer (increasing, gaps allowed), or 0 for a layer that was never edited.
/// Every element, history and feed row that the call touched carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataRevision(i64);

impl DataRevision {
    /// Takes a number from 0 on; `None` for a negative one.
    #[must_use]
    pub const fn new(value: i64) -> Option<Self> {
        if value >= 0 { Some(Self(value)) } else { None }
    }

    /// The number, for the wire and for storage.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The number of the following edit call.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}
