//! A part of a feed as stores make it: first what happened, by two searches, then the elements.

use std::collections::{HashMap, HashSet};

use jmap_domain::{ActorId, DataRevision, ElementId};

use super::{ElementEvent, EventKind, FeedPart, FeedPlace};
use crate::{
    catalogue::Tip,
    element::Element,
    history::{Version, VersionKey, Versions},
    ports::ChunkLimit,
    value::DateTime,
};

/// That a version ended, as a store finds it.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// The revision of the edit that ended it.
    pub revision: DataRevision,
    /// The element.
    pub element: ElementId,
    /// Who ended it.
    pub by: ActorId,
    /// When.
    pub time: DateTime,
    /// Whether no version began then.
    pub is_deletion: bool,
}

/// That something happened to an element.
#[derive(Clone, Copy, Debug)]
enum Happened {
    Created(DataRevision, ElementId),
    Ended(Ending),
}

/// What happened next, in order, without the elements.
#[derive(Debug)]
pub struct FeedDraft {
    happened: Vec<Happened>,
    /// The place after all of it.
    place: FeedPlace,
    after: FeedPlace,
    more: bool,
}

/// What a store searches for at once.
#[derive(Clone, Copy, Debug)]
pub struct FeedSearch {
    /// The place to go on from.
    pub after: FeedPlace,
    /// The place where nothing is left to be told.
    pub newest: FeedPlace,
    /// Whether elements came back since, so that the order of ids is not that in which they came.
    pub any_id: bool,
    /// Most of either kind.
    pub limit: ChunkLimit,
}

impl FeedSearch {
    /// A search from a place to the tip of a layer.
    #[must_use]
    pub fn new(after: FeedPlace, tip: Tip, limit: ChunkLimit) -> Self {
        let any_id = after.key() < (tip.restored, i64::MAX);
        Self {
            after: FeedPlace {
                next_element: if any_id { 1 } else { after.next_element },
                ..after
            },
            newest: tip.into(),
            any_id,
            limit,
        }
    }
}

impl Happened {
    const fn revision(&self) -> DataRevision {
        match self {
            Self::Created(revision, _) => *revision,
            Self::Ended(ending) => ending.revision,
        }
    }

    const fn element(&self) -> ElementId {
        match self {
            Self::Created(_, element) => *element,
            Self::Ended(ending) => ending.element,
        }
    }

    /// The version that began with it; `None` of a deletion.
    fn version(&self) -> Option<VersionKey> {
        match self {
            Self::Ended(ending) if ending.is_deletion => None,
            Self::Created(..) | Self::Ended(_) => Some((self.element(), self.revision())),
        }
    }
}

impl FeedDraft {
    /// Puts the two searches together: elements that were created, and versions that ended, each in the order of
    /// revisions, then of ids, and complete unless it is as long as the limit.
    #[must_use]
    pub fn new(search: FeedSearch, created: &[VersionKey], ended: &[Ending]) -> Self {
        let FeedSearch {
            after,
            newest,
            any_id,
            limit,
        } = search;
        let rows = limit.rows.get() as usize;
        let (all_created, all_ended) = (created.len() < rows, ended.len() < rows);
        let new = created.iter();
        let new = new.map(|(element, revision)| Happened::Created(*revision, *element));
        let mut happened: Vec<Happened> = new.collect();
        happened.extend(ended.iter().copied().map(Happened::Ended));
        happened.sort_unstable_by_key(|one| (one.revision(), one.element()));
        let more = happened.len() > rows || !all_created || !all_ended;
        happened.truncate(rows);
        let mut draft = Self {
            happened,
            place: newest,
            after,
            more,
        };
        if more {
            draft.place = draft.end();
            if all_created && !any_id {
                // What is not among these is created later than all of the search.
                let left = created
                    .iter()
                    .find(|(element, revision)| (*revision, element.get()) > draft.place.key());
                let next = left.map_or(newest.next_element, |(element, _)| element.get());
                draft.place.next_element = next.max(after.next_element);
            }
        }
        draft
    }

    /// The place after the last that is left.
    fn end(&self) -> FeedPlace {
        let Some(last) = self.happened.last() else {
            return self.after;
        };
        let created = self.happened.iter().rev().find_map(|one| match one {
            Happened::Created(_, element) => Some(element.get() + 1),
            Happened::Ended(_) => None,
        });
        FeedPlace {
            revision: last.revision(),
            element: Some(last.element()),
            next_element: created.unwrap_or(1).max(self.after.next_element),
        }
    }

    /// The versions that began, in order.
    #[must_use]
    pub fn begun(&self) -> Vec<VersionKey> {
        self.happened.iter().filter_map(Happened::version).collect()
    }

    /// The versions that ended, by the element and the revision that ended it.
    #[must_use]
    pub fn ended(&self) -> Vec<VersionKey> {
        let ended = self.happened.iter().filter_map(|one| match one {
            Happened::Created(..) => None,
            Happened::Ended(ending) => Some((ending.element, ending.revision)),
        });
        ended.collect()
    }

    /// Leaves out what comes after the versions that were read.
    fn cut(&mut self, read: &Versions) {
        if let Some(last) = read.versions.last().filter(|_| read.more) {
            let last = (last.element.revision, last.element.id);
            self.happened
                .retain(|one| (one.revision(), one.element()) <= last);
            self.place = self.end();
            self.more = true;
        }
    }

    /// The part, with the versions that were read of those that began: of a feed of boxes those within, together with what
    /// was within before (`left`, as [`Self::ended`] names it).
    #[must_use]
    pub fn finish(mut self, read: Versions, left: Option<&HashSet<VersionKey>>) -> FeedPart {
        self.cut(&read);
        let versions = read.versions.into_iter();
        let mut begun: HashMap<VersionKey, Element> = versions
            .map(|Version { element, end: _ }| ((element.id, element.revision), element))
            .collect();
        let told = self.happened.iter().filter_map(|one| {
            let key = (one.element(), one.revision());
            event(
                one,
                begun.remove(&key),
                left.map(|left| left.contains(&key)),
            )
        });
        FeedPart {
            events: told.collect(),
            place: self.place,
            more: self.more,
        }
    }
}

/// What is told of a happening; `was_in` says whether the element was in a box before, where there is one.
fn event(one: &Happened, after: Option<Element>, was_in: Option<bool>) -> Option<ElementEvent> {
    let made = after.as_ref().map(|element| element.stamps);
    let (by, time, what) = match (one, after) {
        (Happened::Created(..), after) => {
            let stamps = made?;
            (
                stamps.updated_by,
                stamps.update_time,
                EventKind::Created(after?),
            )
        }
        (Happened::Ended(ending), Some(after)) => {
            (Some(ending.by), ending.time, EventKind::Updated(after))
        }
        (Happened::Ended(ending), None) => {
            let what = match (ending.is_deletion, was_in) {
                (true, None | Some(true)) => EventKind::Deleted,
                (false, Some(true)) => EventKind::Left,
                // In no box, before or after.
                (true | false, Some(false)) => return None,
                // Pruned meanwhile, which the use case finds out.
                (false, None) => return None,
            };
            (Some(ending.by), ending.time, what)
        }
    };
    Some(ElementEvent {
        element: one.element(),
        revision: one.revision(),
        by,
        time,
        what,
    })
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn key(element: i64, revision: i64) -> VersionKey {
        let revision = DataRevision::new(revision).unwrap();
        (ElementId::new(element).unwrap(), revision)
    }

    fn ending((element, revision): VersionKey) -> Ending {
        Ending {
            revision,
            element,
            by: ActorId::new(1).unwrap(),
            time: DateTime::EPOCH,
            is_deletion: true,
        }
    }

    fn search(rows: u32) -> FeedSearch {
        let newest = FeedPlace {
            next_element: 90,
            ..FeedPlace::after(DataRevision::new(80).unwrap())
        };
        FeedSearch {
            any_id: false,
            after: FeedPlace {
                next_element: 3,
                ..FeedPlace::after(DataRevision::new(1).unwrap())
            },
            newest,
            limit: ChunkLimit {
                rows: NonZeroU32::new(rows).unwrap(),
                bytes: usize::MAX,
            },
        }
    }

    #[test]
    fn a_complete_search_ends_at_the_newest_place() {
        let draft = FeedDraft::new(search(3), &[key(5, 7)], &[ending(key(2, 6))]);
        let part = draft.finish(
            Versions {
                versions: Vec::new(),
                more: false,
            },
            None,
        );
        assert_eq!((part.place, part.more), (search(3).newest, false));
        assert_eq!(part.events[0].what, EventKind::Deleted);
    }

    #[test]
    fn a_place_remembers_which_elements_were_created() {
        // Element 5 is created later than where the part ends, so it is looked for again; none before it is.
        let ended = [ending(key(1, 2)), ending(key(2, 3))];
        let draft = FeedDraft::new(search(2), &[key(5, 7)], &ended);
        assert_eq!(draft.place.key(), (DataRevision::new(3).unwrap(), 2));
        assert_eq!(draft.place.next_element, 5);
        // All that were created are told of.
        let draft = FeedDraft::new(search(2), &[key(5, 2)], &ended);
        assert_eq!(draft.place.next_element, 90);
        // More may have been created than were looked for.
        let draft = FeedDraft::new(search(2), &[key(5, 2), key(6, 2)], &ended);
        assert_eq!(draft.place.key(), (DataRevision::new(2).unwrap(), 5));
        assert_eq!(draft.place.next_element, 6);
    }
}
