//! Edits that are looked at together, and what would undo them.

use jmap_domain::{ActorId, DataRevision, ElementId};

use super::{AsOf, Version, VersionEnd};
use crate::value::DateTime;

/// Elements whose versions are asked for together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// These, with all their versions.
    Elements(Vec<ElementId>),
    /// Those that these edits touched, with the versions that they found and all later ones.
    By(Deeds),
}

/// Edits of a layer that are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deeds {
    /// Those of one revision.
    Of(DataRevision),
    /// Those of one actor after a state of the layer.
    By(ActorId, AsOf),
}

/// What would undo edits of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inverse {
    /// Nothing is left of them.
    Nothing,
    /// Something else was done to it since, last at this revision.
    Conflict(DataRevision),
    /// It was made by them: deleting it, which is of this revision.
    Delete(DataRevision),
    /// It was deleted by them: bringing it back as the version `to` of it was.
    Restore {
        /// The revision that made the version.
        to: DataRevision,
        /// The revision of the deletion.
        deleted: DataRevision,
    },
    /// It was changed by them: making of it what the version `to` of it was.
    Return {
        /// The revision that made the version.
        to: DataRevision,
        /// The revision that the element has now.
        from: DataRevision,
    },
}

/// Something that was done to an element.
#[derive(Clone, Copy, Debug)]
struct Deed {
    revision: DataRevision,
    by: Option<ActorId>,
    time: DateTime,
}

impl Version {
    fn beginning(&self) -> Deed {
        Deed {
            revision: self.element.revision,
            by: self.element.stamps.updated_by,
            time: self.element.stamps.update_time,
        }
    }
}

impl From<VersionEnd> for Deed {
    fn from(end: VersionEnd) -> Self {
        Self {
            revision: end.revision,
            by: Some(end.by),
            time: end.time,
        }
    }
}

impl Deeds {
    /// Whether one of them began or ended the version.
    #[must_use]
    pub fn touch(self, version: &Version) -> bool {
        self.include(version.beginning()) || version.end.is_some_and(|end| self.include(end.into()))
    }

    /// Whether a version that ended so was gone before the first of them.
    #[must_use]
    pub fn are_after(self, end: VersionEnd) -> bool {
        match self {
            Self::Of(revision) => end.revision < revision,
            Self::By(_, AsOf::Revision(revision)) => end.revision <= revision,
            Self::By(_, AsOf::Time(time)) => end.time <= time,
        }
    }

    fn include(self, deed: Deed) -> bool {
        match self {
            Self::Of(revision) => deed.revision == revision,
            Self::By(actor, AsOf::Revision(since)) => {
                deed.by == Some(actor) && deed.revision > since
            }
            Self::By(actor, AsOf::Time(since)) => deed.by == Some(actor) && deed.time > since,
        }
    }

    /// What would undo these edits of an element, of which these are the versions that they found and all later ones.
    pub(crate) fn inverse(self, versions: &[Version]) -> Inverse {
        let deeds = deeds(versions);
        let Some(first) = deeds.iter().position(|deed| self.include(*deed)) else {
            return Inverse::Nothing;
        };
        let (Some(first), Some(last)) = (deeds.get(first..), deeds.last()) else {
            return Inverse::Nothing;
        };
        if !first.iter().all(|deed| self.include(*deed)) {
            return Inverse::Conflict(last.revision);
        }
        let begun = first.first().map(|deed| deed.revision);
        let is_before = |version: &&Version| version.end.map(|end| end.revision) == begun;
        let before = versions.iter().find(is_before);
        let before = before.map(|version| version.element.revision);
        let is_there = versions.last().is_some_and(|version| version.end.is_none());
        match (before, is_there) {
            (None, false) => Inverse::Nothing,
            (None, true) => Inverse::Delete(last.revision),
            (Some(to), false) => Inverse::Restore {
                to,
                deleted: last.revision,
            },
            (Some(to), true) => Inverse::Return {
                to,
                from: last.revision,
            },
        }
    }
}

/// Everything that was done to an element, in order: what began its versions, and deletions.
fn deeds(versions: &[Version]) -> Vec<Deed> {
    let mut deeds = Vec::with_capacity(versions.len() + 1);
    let mut following = versions.iter().skip(1);
    for version in versions {
        deeds.push(version.beginning());
        let next = following.next().map(|next| next.element.revision);
        let deletion = version.end.filter(|end| Some(end.revision) != next);
        deeds.extend(deletion.map(Deed::from));
    }
    deeds
}
