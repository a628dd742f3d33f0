//! The change feed: every change of a layer's elements, once and in order (R106, R113, R114, R119).
//!
//! Nothing is written for it. What was changed or deleted left a version in history that ended at that revision; what was
//! created has an id that no element had before. A place in the feed is therefore a revision and the id that the next
//! element gets, and whoever follows reads what comes after its place when it has dealt with what came before. What was
//! brought back has an old id: from a place before the last of those all elements are searched.

mod draft;

use std::time::Instant;

use jmap_domain::{ActorId, DataRevision, ElementId, LayerId};

pub use draft::{Ending, FeedDraft, FeedSearch};

use crate::{
    catalogue::Tip,
    definition::DefinitionVersion,
    element::{AttributeRef, Element},
    history::AsOf,
    ports::{Authorizer, Call, ChunkLimit, LayerStore, StoreError, StoredLayer},
    query::{BoxInput, CheckedQuery, OutputInput, QueryInput, SelectionInput},
    reads::{Owner, ReadError, ReadPurpose, Terms, Wanted},
    service::LayerData,
    value::DateTime,
};

/// A place in a layer's feed: what was told before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPlace {
    /// Everything before this revision was told.
    pub revision: DataRevision,
    /// Of the revision itself, changes of elements up to this one; `None` means all.
    pub element: Option<ElementId>,
    /// No element with a smaller id is created later than this: from 1 on. A number that is too small costs time alone.
    pub next_element: i64,
}

impl FeedPlace {
    /// The place after all of a revision.
    #[must_use]
    pub const fn after(revision: DataRevision) -> Self {
        Self {
            revision,
            element: None,
            next_element: 1,
        }
    }

    /// The last change that was told: a revision, and an id that may be above all.
    #[must_use]
    pub fn key(self) -> (DataRevision, i64) {
        (self.revision, self.element.map_or(i64::MAX, ElementId::get))
    }
}

/// How far a follower has come: what whoever goes on later begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedProgress {
    /// The place.
    pub place: FeedPlace,
    /// How many changes were told since there was nothing left to tell: going on later does not get around a limit (R38).
    pub behind: u64,
}

impl From<Tip> for FeedPlace {
    /// The place where nothing is left to be told.
    fn from(tip: Tip) -> Self {
        Self {
            next_element: tip.next_element,
            ..Self::after(tip.revision)
        }
    }
}

/// What is known of a layer by one who waits for news of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The newest revision.
    pub revision: DataRevision,
    /// The form of the definition.
    pub definition: DefinitionVersion,
}

/// Some changes.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedPart {
    /// The changes.
    pub events: Vec<ElementEvent>,
    /// The place after them, and after all that lies in no box.
    pub place: FeedPlace,
    /// Whether more may follow at once.
    pub more: bool,
}

/// What an edit did to an element.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementEvent {
    /// The element.
    pub element: ElementId,
    /// The edit's revision.
    pub revision: DataRevision,
    /// Who made it; `None` when nobody is known to have.
    pub by: Option<ActorId>,
    /// When.
    pub time: DateTime,
    /// What it did.
    pub what: EventKind,
}

/// What an edit can do to an element, as it is seen from the boxes.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// It made it, or brought it back.
    Created(Element),
    /// It changed it, perhaps moving it into a box.
    Updated(Element),
    /// It deleted it.
    Deleted,
    /// It moved it out of the boxes.
    Left,
}

/// What one wants to know of a layer's changes.
#[derive(Clone, Debug)]
pub struct FeedInput {
    /// The layer.
    pub layer: LayerId,
    /// Only elements whose bounding box intersects this box, before or after a change; `None` means all.
    pub bbox: Option<BoxInput>,
    /// What of each element; without an order.
    pub output: OutputInput,
}

/// Why changes are not told, or not any more.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// As a read of the layer.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The place has not been yet.
    #[error("the feed has not come that far")]
    Future,
}

/// What there is to tell next.
#[derive(Clone, Debug, PartialEq)]
pub enum FeedNews {
    /// The definition was changed: what follows has its attributes.
    Definition,
    /// Changes, perhaps none of them in a box.
    Events(Vec<ElementEvent>),
}

/// Somebody who follows a layer. Asks again like a read, so a right that is taken away ends it.
#[derive(Debug)]
pub struct Follower<S, A, R> {
    service: LayerData<S, A, R>,
    call: Call,
    layer: StoredLayer,
    input: FeedInput,
    query: CheckedQuery,
    /// The form of the definition that the query is of.
    version: DefinitionVersion,
    wanted: Wanted,
    terms: Terms,
    progress: FeedProgress,
    more: bool,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Begins to follow a layer from now on. Without a box *copy / export* is needed (R38).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn follow(
        &self,
        call: &Call,
        input: FeedInput,
    ) -> Result<Follower<S, A, R>, ReadError> {
        let wanted = Wanted {
            purpose: ReadPurpose::Display,
            whole_layer: input.bbox.is_none(),
            maximum: None,
        };
        let terms = self.terms(call, input.layer, wanted).await?;
        let place = self.store.newest(input.layer).await?;
        let layer = self.stored(input.layer).await?;
        let query = query(&input).check(&layer.definition)?;
        Ok(Follower {
            service: self.clone(),
            call: call.clone(),
            input: named_by_id(input, &layer),
            version: layer.definition.version(),
            layer,
            query,
            wanted,
            terms,
            progress: FeedProgress { place, behind: 0 },
            more: true,
        })
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Follower<S, A, R> {
    /// Goes back to where a follower of the layer had come, to go on from there.
    ///
    /// # Errors
    /// [`FeedError::Future`]; [`ReadError::HistoryPruned`] when what came after it is not kept any more.
    pub fn go_back(&mut self, progress: FeedProgress) -> Result<(), FeedError> {
        let (to, now) = (progress.place, self.progress.place);
        if to.revision > now.revision || to.next_element > now.next_element {
            return Err(FeedError::Future);
        }
        self.progress = progress;
        self.more = true;
        Ok(self.is_kept()?)
    }

    /// Goes back to a revision of the caller's choice: the past of many elements, which needs *copy / export* (R38) from
    /// now on.
    ///
    /// # Errors
    /// [`ReadError::NotPermitted`]; as [`Self::go_back`].
    pub async fn go_back_to(&mut self, revision: DataRevision) -> Result<(), FeedError> {
        self.wanted.whole_layer = true;
        self.ask().await?;
        self.go_back(FeedProgress {
            place: FeedPlace::after(revision),
            behind: 0,
        })
    }

    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> &StoredLayer {
        &self.layer
    }

    /// Whose elements are the caller's own.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        self.terms.owner
    }

    /// The policy by which the right was judged last.
    #[must_use]
    pub fn policy_token(&self) -> &str {
        &self.terms.policy_token
    }

    /// How far the feed was told.
    #[must_use]
    pub const fn progress(&self) -> FeedProgress {
        self.progress
    }

    /// The attributes that are told, in their order, by id.
    #[must_use]
    pub fn attributes(&self) -> Vec<AttributeRef> {
        let ids = self.query.attributes().iter();
        ids.map(|id| AttributeRef::Id(*id)).collect()
    }

    /// What there is to tell now; `None` when there is nothing. The right is judged before.
    ///
    /// # Errors
    /// [`ReadError`], after which there is nothing to follow any more.
    pub async fn next(&mut self, limit: ChunkLimit) -> Result<Option<FeedNews>, ReadError> {
        self.judge().await?;
        if self.is_redefined().await? {
            return Ok(Some(FeedNews::Definition));
        }
        if !self.more && self.progress.place.revision == self.layer.revision {
            return Ok(None);
        }
        let reading =
            self.service
                .store
                .feed(&self.query, self.progress.place, limit, self.call.deadline);
        let part = match reading.await {
            Ok(part) => part,
            // An attribute got a wider type just now, which is told first.
            Err(StoreError::DefinitionChanged(_)) if self.is_redefined().await? => {
                return Ok(Some(FeedNews::Definition));
            }
            Err(error) => return Err(ReadError::unanswered(&self.call, error)),
        };
        // Looking for them may have taken longer than the right was given for (R119), and than they were kept.
        self.judge().await?;
        self.layer = self.service.stored(self.layer.layer).await?;
        self.is_kept()?;
        self.count(&part)?;
        self.progress.place = part.place;
        self.more = part.more;
        Ok(Some(FeedNews::Events(part.events)))
    }

    /// Completes when there may be something to tell.
    pub async fn news(&self) {
        let seen = Seen {
            revision: self.progress.place.revision,
            definition: self.version,
        };
        self.service.store.news(self.layer.layer, seen).await;
    }

    /// Judges the right anew where the last answer has run out.
    ///
    /// # Errors
    /// [`ReadError`] when it is gone.
    pub async fn judge(&mut self) -> Result<(), ReadError> {
        if Instant::now() >= self.terms.valid_until {
            self.ask().await?;
        }
        Ok(())
    }

    async fn ask(&mut self) -> Result<(), ReadError> {
        let (service, layer) = (&self.service, self.layer.layer);
        self.terms = service.terms(&self.call, layer, self.wanted).await?;
        Ok(())
    }

    /// Takes the layer as it is now; whether its definition is another one.
    async fn is_redefined(&mut self) -> Result<bool, ReadError> {
        self.layer = self.service.stored(self.layer.layer).await?;
        if self.layer.definition.version() == self.version {
            return Ok(false);
        }
        self.input = named_by_id(self.input.clone(), &self.layer);
        self.query = query(&self.input).check(&self.layer.definition)?;
        self.version = self.layer.definition.version();
        Ok(true)
    }

    fn is_kept(&self) -> Result<(), ReadError> {
        let (start, place) = (self.layer.history, self.progress.place);
        // What ended by the first revision that is kept is gone, also where only a part of it was told.
        let is_whole = place.element.is_none() || place.revision > start.revision;
        if is_whole && start.covers(AsOf::Revision(place.revision)) {
            Ok(())
        } else {
            Err(ReadError::HistoryPruned(start))
        }
    }

    /// R38: whoever may not copy catches up with no more than the display limit.
    fn count(&mut self, part: &FeedPart) -> Result<(), ReadError> {
        self.progress.behind += part.events.len() as u64;
        if let Some(maximum) = self.terms.maximum
            && self.progress.behind > maximum.get()
        {
            return Err(ReadError::TooManyElements { maximum });
        }
        if !part.more {
            self.progress.behind = 0;
        }
        Ok(())
    }
}

fn query(input: &FeedInput) -> QueryInput {
    QueryInput {
        layer: input.layer,
        selection: SelectionInput {
            bbox: input.bbox,
            ..SelectionInput::default()
        },
        output: input.output.clone(),
        maximum: None,
    }
}

/// The same, with attributes by id, so that a rename confuses nothing (R114); those that are gone are left out.
fn named_by_id(mut input: FeedInput, layer: &StoredLayer) -> FeedInput {
    if let Some(attributes) = &mut input.output.attributes {
        let found = attributes
            .iter()
            .filter_map(|wanted| wanted.find(&layer.definition));
        *attributes = found.map(|(_, found)| AttributeRef::Id(found.id)).collect();
    }
    input
}
