//! History: what elements were like, and layers as they were (R106, R113, R114).
//!
//! A version is what an edit made of an element. It ends with the next edit of the element. The versions of an element,
//! one after the other, tell every change with the state before and after; where no version begins when one ends, the
//! element was deleted.

mod deeds;
mod pruning;

use jmap_domain::{ActorId, DataRevision, Decision, ElementId, LayerId, Permission};

use crate::{
    element::{Element, ElementRecord},
    ports::{Authorizer, Call, ChunkLimit, LayerStore, StoredLayer},
    query::{OutputInput, QueryInput, SelectionInput},
    reads::{Owner, ReadError},
    service::{LayerData, elements},
    value::DateTime,
};

pub(crate) use deeds::Inverse;
pub use deeds::{Deeds, Touched};
pub use pruning::{MovingStart, Pruned};

/// A past state of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// When this was the newest revision.
    Revision(DataRevision),
    /// At this time, by the stamps of the edits: what was stamped at the time itself is in.
    Time(DateTime),
}

/// Which of a layer's rows a statement of a store reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The elements as they are.
    Present,
    /// The elements as they were.
    Past(AsOf),
    /// All versions, present ones included.
    Versions,
    /// The versions that were replaced.
    Replaced,
}

impl From<Option<AsOf>> for Rows {
    fn from(as_of: Option<AsOf>) -> Self {
        as_of.map_or(Self::Present, Self::Past)
    }
}

/// From when on all of a layer's history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryStart {
    /// The first revision that can be read.
    pub revision: DataRevision,
    /// The first time that can be.
    pub time: DateTime,
}

impl HistoryStart {
    /// The history of a layer made at this time: nothing was before.
    #[must_use]
    pub fn new(created: DateTime) -> Self {
        Self {
            revision: DataRevision::default(),
            time: created,
        }
    }

    /// Whether a state is kept. Before the layer was made it had no elements, which is known as well.
    #[must_use]
    pub fn covers(self, as_of: AsOf) -> bool {
        let is_whole = self.revision == DataRevision::default();
        match as_of {
            AsOf::Revision(revision) => revision >= self.revision,
            AsOf::Time(time) => is_whole || time >= self.time,
        }
    }
}

/// The end of a version: the edit that changed or deleted the element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionEnd {
    /// Its revision.
    pub revision: DataRevision,
    /// Who made it.
    pub by: ActorId,
    /// When.
    pub time: DateTime,
}

/// What an element was like from one edit to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The element; its revision and last editor are those of the edit that made the version.
    pub element: Element,
    /// How the version ended; `None` for what the element is now.
    pub end: Option<VersionEnd>,
}

impl Version {
    /// Whether the element was like this at some state.
    #[must_use]
    pub fn holds_at(&self, as_of: AsOf) -> bool {
        match as_of {
            AsOf::Revision(at) => {
                self.element.revision <= at && self.end.is_none_or(|end| end.revision > at)
            }
            AsOf::Time(at) => {
                self.element.stamps.update_time <= at && self.end.is_none_or(|end| end.time > at)
            }
        }
    }
}

/// A version that was replaced, with everything that is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRecord {
    /// The element.
    pub element: ElementRecord,
    /// How the version ended.
    pub end: VersionEnd,
}

/// Where a version stands among all of a layer: by its element, then by the revision that made it.
pub type VersionKey = (ElementId, DataRevision);

/// Some versions of an element, in the order of their revisions.
#[derive(Clone, Debug, PartialEq)]
pub struct Versions {
    /// The versions.
    pub versions: Vec<Version>,
    /// Whether there are later ones.
    pub more: bool,
}

/// What an edit did to an element.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The edit's revision.
    pub revision: DataRevision,
    /// Who made it; `None` when nobody is known to have.
    pub by: Option<ActorId>,
    /// When.
    pub time: DateTime,
    /// What it did.
    pub kind: ChangeKind,
    /// The element afterwards; `None` when it was deleted.
    pub after: Option<Element>,
}

/// What an edit can do to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It made it, or brought it back.
    Created,
    /// It changed it.
    Updated,
    /// It deleted it.
    Deleted,
    /// It made or changed it: what was before is not kept any more.
    Oldest,
}

/// How far an element's history was told: to the beginning of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// The revision that made it.
    pub revision: DataRevision,
    /// How it ended.
    pub end: VersionEnd,
}

/// A part of an element's history.
#[derive(Clone, Debug)]
pub struct ChangePage {
    /// The layer.
    pub layer: StoredLayer,
    /// The changes, the oldest first.
    pub changes: Vec<Change>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<Told>,
    /// Whose elements are the caller's own.
    pub owner: Owner,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Lists what happened to one element, the oldest change first. *View* is enough, as for reading the element (R38);
    /// an element that was deleted has its history still.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::NoSuchElement`] when nothing is known of the element.
    pub async fn changes(
        &self,
        call: &Call,
        (layer, element): (LayerId, ElementId),
        output: OutputInput,
        (told, limit): (Option<Told>, ChunkLimit),
    ) -> Result<ChangePage, ReadError> {
        let answer = self.ask(call, &[elements(layer, Permission::View)]).await?;
        if answer.decisions.first() != Some(&Decision::All) {
            return Err(ReadError::NoSuchLayer(layer));
        }
        let selection = SelectionInput {
            ids: Some(vec![element]),
            ..SelectionInput::default()
        };
        let input = QueryInput {
            layer,
            selection,
            output,
            maximum: None,
        };
        let after = told.map(|told| told.revision);
        let check = |stored: &StoredLayer| Ok(input.clone().check(&stored.definition)?);
        let look = |query| async move {
            let versions = self.store.versions(&query, after, limit, call.deadline);
            versions.await
        };
        let (stored, read) = self
            .steadily::<_, _, ReadError, _>(call, (layer, None), check, look)
            .await?;
        if read.versions.is_empty() && told.is_none() {
            return Err(ReadError::NoSuchElement(element));
        }
        // What the versions begin with is said by where history begins after they were read.
        let start = self.stored(layer).await?.history;
        if told.is_some_and(|told| told.end.revision < start.revision) {
            // Those that followed the ones told of may be gone.
            return Err(ReadError::HistoryPruned(start));
        }
        Ok(ChangePage {
            next: read.told(),
            changes: changes(read, told, start),
            layer: stored,
            owner: Owner::of(answer.actor),
        })
    }
}

/// Whether the state is one that the layer was in, and is kept.
pub(crate) fn kept(layer: &StoredLayer, as_of: Option<AsOf>) -> Result<(), ReadError> {
    let Some(as_of) = as_of else { return Ok(()) };
    let is_past = match as_of {
        AsOf::Revision(revision) => revision <= layer.revision,
        AsOf::Time(time) => time < DateTime::now(),
    };
    if !is_past {
        return Err(ReadError::Future);
    }
    covered(layer.history, as_of)
}

fn covered(start: HistoryStart, as_of: AsOf) -> Result<(), ReadError> {
    if start.covers(as_of) {
        Ok(())
    } else {
        Err(ReadError::HistoryPruned(start))
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Whether a state that was read is kept still: what was pruned meanwhile may be missing from what was read.
    pub(crate) async fn kept_still(
        &self,
        layer: LayerId,
        as_of: Option<AsOf>,
    ) -> Result<(), ReadError> {
        let Some(as_of) = as_of else { return Ok(()) };
        covered(self.stored(layer).await?.history, as_of)
    }
}

impl Versions {
    /// How far these tell; `None` when there is nothing after them.
    fn told(&self) -> Option<Told> {
        let last = self.versions.last().filter(|_| self.more)?;
        let revision = last.element.revision;
        last.end.map(|end| Told { revision, end })
    }
}

/// What made the versions, and what ended them, where no other one begins.
fn changes(read: Versions, told: Option<Told>, start: HistoryStart) -> Vec<Change> {
    let Versions { versions, more } = read;
    let mut changes = Vec::with_capacity(versions.len());
    let mut before = told.map(|told| told.end);
    for Version { element, end } in versions {
        let revision = element.revision;
        let kind = match before {
            Some(end) if end.revision == revision => ChangeKind::Updated,
            Some(end) => {
                changes.push(deletion(end));
                ChangeKind::Created
            }
            None if DataRevision::default() < start.revision && revision <= start.revision => {
                ChangeKind::Oldest
            }
            None => ChangeKind::Created,
        };
        changes.push(Change {
            revision,
            by: element.stamps.updated_by,
            time: element.stamps.update_time,
            kind,
            after: Some(element),
        });
        before = end;
    }
    // What follows the last version is known only when no other one can.
    changes.extend(before.filter(|_| !more).map(deletion));
    changes
}

const fn deletion(end: VersionEnd) -> Change {
    Change {
        revision: end.revision,
        by: Some(end.by),
        time: end.time,
        kind: ChangeKind::Deleted,
        after: None,
    }
}
