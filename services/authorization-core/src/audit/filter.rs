//! Which records are wanted.

use jmap_domain::{ProjectId, Resource, ServiceId, UserId};

use super::{AuditEntry, AuditKind, AuditRecord, Outcome};
use crate::Timestamp;

/// Kinds of records; the empty set stands for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct KindSet(u8);

impl KindSet {
    /// This set and one more.
    #[must_use]
    pub const fn with(self, kind: AuditKind) -> Self {
        Self(self.0 | kind.bit())
    }

    /// The bits of the kinds that are wanted.
    #[must_use]
    pub const fn mask(self) -> u8 {
        if self.0 == 0 { u8::MAX } else { self.0 }
    }
}

impl FromIterator<AuditKind> for KindSet {
    fn from_iter<I: IntoIterator<Item = AuditKind>>(iter: I) -> Self {
        iter.into_iter().fold(Self::default(), Self::with)
    }
}

/// Which records are wanted; what is unset selects all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not before that moment.
    pub from: Option<Timestamp>,
    /// Before that moment.
    pub until: Option<Timestamp>,
    /// By that user.
    pub user: Option<UserId>,
    /// By that service, or passed on by it.
    pub service: Option<ServiceId>,
    /// About that thing.
    pub about: Option<Resource>,
    /// Of these kinds.
    pub kinds: KindSet,
    /// That ended so.
    pub outcome: Option<Outcome>,
}

impl AuditFilter {
    /// Whether an entry is wanted.
    #[must_use]
    pub fn wants(&self, entry: &AuditEntry) -> bool {
        let Self {
            from,
            until,
            user,
            service,
            about,
            kinds,
            outcome,
        } = self;
        from.is_none_or(|from| entry.last_at >= from)
            && until.is_none_or(|until| entry.first_at < until)
            && user.is_none_or(|user| entry.who.user() == Some(user))
            && service.is_none_or(|service| entry.who.service() == Some(service))
            && about.is_none_or(|about| entry.concerns.iter().any(|one| one.resource == about))
            && kinds.mask() & entry.kind.bit() != 0
            && outcome.is_none_or(|outcome| entry.outcome == outcome)
    }
}

/// In which order records come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were recorded.
    OldestFirst,
    /// The last recorded first.
    NewestFirst,
}

/// A stretch of record numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The number before the first one.
    pub after: i64,
    /// The last one.
    pub until: i64,
}

/// A part of the record that is read.
#[derive(Clone, Debug)]
pub struct RecordsWanted<'f> {
    /// Which records.
    pub filter: &'f AuditFilter,
    /// Only what concerns that project; `None` for everything.
    pub project: Option<ProjectId>,
    /// Where to look.
    pub span: Span,
    /// In which order.
    pub order: Order,
    /// Most records.
    pub limit: usize,
}

impl RecordsWanted<'_> {
    /// Whether a record is wanted.
    #[must_use]
    pub fn wants(&self, record: &AuditRecord) -> bool {
        // What else a change of the project concerned is not to be found out by asking for it.
        let concerns = |project| {
            let mut concerns = record.entry.concerns.iter();
            let is_about = |resource| self.filter.about.is_none_or(|about| about == resource);
            concerns.any(|one| one.project == Some(project) && is_about(one.resource))
        };
        record.id > self.span.after
            && record.id <= self.span.until
            && self.project.is_none_or(concerns)
            && self.filter.wants(&record.entry)
    }
}
