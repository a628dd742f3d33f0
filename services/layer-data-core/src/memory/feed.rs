//! What happened to the elements of a layer in memory.

use std::collections::BTreeMap;

use jmap_domain::{DataRevision, ElementId, LayerId};

use super::{Layer, MemoryStore, Row};
use crate::{
    feed::{ElementEvent, EventKind, FeedPart, FeedPlace, Seen},
    history::VersionEnd,
    ports::ChunkLimit,
    query::CheckedQuery,
};

/// What an element was before an edit, with how that ended, and what it was afterwards.
#[derive(Default)]
struct Happening<'a> {
    before: Option<(&'a Row, VersionEnd)>,
    after: Option<&'a Row>,
}

impl MemoryStore {
    /// Completes when a layer is not any more what was seen of it.
    pub(super) async fn wait_for_news(&self, layer: LayerId, seen: Seen) {
        loop {
            let news = self.1.listen();
            let known = self.state().layers.get(&layer).map(|layer| Seen {
                revision: layer.revision,
                definition: layer.definition.version(),
            });
            if known != Some(seen) {
                return;
            }
            news.await;
        }
    }
}

impl Layer {
    /// The place in the feed where nothing is left to be told.
    pub(super) fn newest(&self) -> FeedPlace {
        FeedPlace {
            next_element: self.next,
            ..FeedPlace::after(self.revision)
        }
    }

    /// The next changes after a place.
    pub(super) fn feed(
        &self,
        query: &CheckedQuery,
        after: FeedPlace,
        limit: ChunkLimit,
    ) -> FeedPart {
        let happened = self.happened().into_iter();
        let mut later = happened.filter(|((revision, id), _)| (*revision, id.get()) > after.key());
        let mut part = FeedPart {
            events: Vec::new(),
            place: self.newest(),
            more: false,
        };
        let mut last = after;
        for (key, happening) in later.by_ref() {
            if part.events.len() >= limit.rows.get() as usize {
                return FeedPart {
                    place: last,
                    more: true,
                    ..part
                };
            }
            (last.revision, last.element) = (key.0, Some(key.1));
            part.events.extend(self.event(query, key, &happening));
        }
        part
    }

    /// Everything that ever happened, by revision and element.
    fn happened(&self) -> BTreeMap<(DataRevision, ElementId), Happening<'_>> {
        let mut happened: BTreeMap<_, Happening<'_>> = BTreeMap::new();
        let replaced = self.replaced.values();
        let versions = replaced.map(|(row, end)| (row, Some(*end)));
        for (row, end) in versions.chain(self.rows.values().map(|row| (row, None))) {
            let (id, revision) = (row.element.id, row.element.revision);
            happened.entry((revision, id)).or_default().after = Some(row);
            if let Some(end) = end {
                happened.entry((end.revision, id)).or_default().before = Some((row, end));
            }
        }
        happened
    }

    /// What is told of it, if anything of it was in the boxes.
    fn event(
        &self,
        query: &CheckedQuery,
        (revision, element): (DataRevision, ElementId),
        happening: &Happening<'_>,
    ) -> Option<ElementEvent> {
        let is_in = |row: &&Row| query.meets_boxes(&row.geometry.bounds());
        let before = happening.before.map(|(row, _)| row);
        let what = match happening.after.filter(is_in) {
            Some(row) if before.is_none() => EventKind::Created(self.output(query, row)),
            Some(row) => EventKind::Updated(self.output(query, row)),
            None if !before.as_ref().is_some_and(is_in) => return None,
            None if happening.after.is_none() => EventKind::Deleted,
            None => EventKind::Left,
        };
        let made = happening.after.map(|row| row.element.stamps);
        let ended = happening.before.map(|(_, end)| end);
        Some(ElementEvent {
            element,
            revision,
            by: ended
                .map(|end| end.by)
                .or(made.and_then(|stamps| stamps.updated_by)),
            time: ended
                .map(|end| end.time)
                .or(made.map(|stamps| stamps.update_time))?,
            what,
        })
    }
}
