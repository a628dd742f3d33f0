//! Reading: by view, within the display limit unless *copy / export* lifts it (R38, R40, R112, R113).

mod count;
mod reader;
mod statistics;

use std::{num::NonZeroU64, time::Instant};

use jmap_domain::{
    ActorId, AttributeId, Decision, DenyReason, ElementId, LayerId, Permission, UserId,
};

use crate::{
    definition::DefinitionVersion,
    element::Element,
    feed::FeedPlace,
    history::{AsOf, HistoryStart, kept},
    ports::{Answer, Authorizer, Call, ChunkLimit, LayerStore, StoreError, StoredLayer, Summary},
    query::{Mark, OutputInput, QueryError, QueryInput, SelectionInput},
    service::{AskError, LayerData, elements},
};

use reader::Position;
pub use reader::Reader;
pub use statistics::StatisticsError;

/// Why a read was not begun, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Authorization's answer does not let the call begin or go on.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// The layer does not exist, or the caller may not know that it does: one answer for both (R40).
    #[error("layer `{0}` does not exist")]
    NoSuchLayer(LayerId),
    /// Whole layers, and exports, need *copy / export* (R38).
    #[error("`{permission}` is not permitted on layer `{layer}`")]
    NotPermitted {
        /// The layer.
        layer: LayerId,
        /// What is missing.
        permission: Permission,
        /// Why.
        reason: DenyReason,
    },
    /// The page token is of another order, or of an attribute that has changed its type since (R114).
    #[error("the page begins nowhere in this query")]
    ForeignMark,
    /// The query makes no sense for the layer.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// There are more elements than the maximum or the display limit (R38, R112).
    #[error("there are more than {maximum} elements")]
    TooManyElements {
        /// The most that were allowed.
        maximum: NonZeroU64,
    },
    /// The layer was not in that state yet.
    #[error("the layer as of a revision or a time that has not been yet")]
    Future,
    /// The layer's history does not reach back that far.
    #[error("history is kept from revision {} on, {} in time", .0.revision.get(), .0.time)]
    HistoryPruned(HistoryStart),
    /// There is no such element, and there was none that history tells of.
    #[error("element `{0}` does not exist")]
    NoSuchElement(ElementId),
    /// An attribute got a wider type since the read began, and what the read goes by, or an element that it found, cannot
    /// be told in the type that it began with (R114).
    #[error("an attribute got another type since the read began")]
    Redefined(DefinitionVersion),
    /// The elements are too large for one answer.
    #[error("the elements are too large for one answer")]
    TooLarge,
    /// The storage did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a read is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPurpose {
    /// To show elements: within the display limit, unless the caller may copy (R38).
    Display,
    /// To give the data out as a file: *copy / export* is needed (R38).
    Export,
}

/// Where a page begins: what a page token says. It carries no right, and belongs to one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageStart {
    /// The last element of the page before; `None` at the beginning.
    pub after: Option<Mark>,
    /// The attributes that the mark's values are of.
    pub keys: Vec<AttributeId>,
    /// How many elements the pages before had: pages do not get around a limit (R38, R112).
    pub seen: u64,
}

/// A page of elements.
#[derive(Clone, Debug)]
pub struct Page {
    /// The layer that they are of.
    pub layer: StoredLayer,
    /// The elements, in the order of the query.
    pub elements: Vec<Element>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<PageStart>,
    /// Whose elements are the caller's own.
    pub owner: Owner,
    /// From where to follow the layer, to miss nothing after this page.
    pub begin: FeedBegin,
}

/// From where whoever has read a layer follows it, to miss nothing.
#[derive(Clone, Debug)]
pub struct FeedBegin {
    /// The place in the layer's feed; `None` when what was read is the past.
    pub place: Option<FeedPlace>,
    /// The policy by which the right to read was judged.
    pub policy_token: String,
}

/// How often the store is asked something while the layer's definition changes.
const ATTEMPTS: u32 = 3;

/// Tells the caller's own elements from others (R55).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner(Option<ActorId>);

impl Owner {
    /// The owner that an actor is: anonymous owns nothing (R55).
    #[must_use]
    pub fn of(actor: ActorId) -> Self {
        Self((actor != ActorId::from(UserId::ANONYMOUS)).then_some(actor))
    }

    /// Whether the element is the caller's own.
    #[must_use]
    pub fn owns(self, element: &Element) -> bool {
        self.0.is_some() && element.stamps.created_by == self.0
    }
}

/// What the caller wants beyond the query itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) purpose: ReadPurpose,
    pub(crate) whole_layer: bool,
    pub(crate) maximum: Option<NonZeroU64>,
}

/// What authorization's last answer allows.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    pub(crate) maximum: Option<NonZeroU64>,
    pub(crate) owner: Owner,
    pub(crate) valid_until: Instant,
    pub(crate) policy_token: String,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Begins a read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn read(
        &self,
        call: &Call,
        input: QueryInput,
        purpose: ReadPurpose,
        start: PageStart,
    ) -> Result<Reader<S, A, R>, ReadError> {
        let (whole_layer, as_of) = (!input.selection.is_for_viewers(), input.selection.as_of);
        let wanted = Wanted {
            purpose,
            whole_layer,
            maximum: input.maximum,
        };
        let terms = self.terms(call, input.layer, wanted).await?;
        let layer = self.stored(input.layer).await?;
        kept(&layer, as_of)?;
        // Before anything is read, so that what is made meanwhile comes after it.
        let begin = match as_of {
            None => Some(self.store.newest(input.layer).await?),
            Some(_) => None,
        };
        let query = input.check(&layer.definition)?;
        let fits = |mark| query.order().fits(&start.keys, mark);
        if !start.after.as_ref().is_none_or(fits) {
            return Err(ReadError::ForeignMark);
        }
        let position = Position {
            after: start.after,
            seen: start.seen,
            ended: false,
        };
        Ok(Reader {
            service: self.clone(),
            call: call.clone(),
            layer,
            query,
            widened: None,
            terms,
            wanted,
            position,
            begin,
        })
    }

    /// Reads one page.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn page(
        &self,
        call: &Call,
        input: QueryInput,
        start: PageStart,
        limit: ChunkLimit,
    ) -> Result<Page, ReadError> {
        let mut reader = self.read(call, input, ReadPurpose::Display, start).await?;
        let elements = reader
            .next(limit)
            .await?
            .map(|chunk| chunk.elements)
            .unwrap_or_default();
        let begin = reader.begin();
        let Position { after, seen, ended } = reader.position;
        let keys = reader.query.order().keys().iter();
        let keys = keys.map(|key| key.attribute).collect();
        let next = (!ended).then_some(PageStart { after, keys, seen });
        Ok(Page {
            layer: reader.layer,
            elements,
            next,
            owner: reader.terms.owner,
            begin,
        })
    }

    /// Returns the elements with these ids that exist, in the order of their ids.
    ///
    /// # Errors
    /// [`ReadError`]; [`ReadError::TooLarge`] when they do not fit into one answer of that size.
    pub async fn get(
        &self,
        call: &Call,
        wanted: (LayerId, Vec<ElementId>),
        output: OutputInput,
        limit: ChunkLimit,
    ) -> Result<Page, ReadError> {
        let (layer, ids) = wanted;
        let selection = SelectionInput {
            ids: Some(ids),
            ..SelectionInput::default()
        };
        let input = QueryInput {
            layer,
            selection,
            output,
            maximum: None,
        };
        let page = self.page(call, input, PageStart::default(), limit).await?;
        if page.next.is_some() {
            Err(ReadError::TooLarge)
        } else {
            Ok(page)
        }
    }

    /// Counts elements and measures their extent. *View* is enough, for the whole layer as well (R113), but not for its
    /// past (R38).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn summarize(
        &self,
        call: &Call,
        layer: LayerId,
        selection: SelectionInput,
    ) -> Result<(StoredLayer, Summary), ReadError> {
        let as_of = selection.as_of;
        self.may_sum_up(call, layer, &selection).await?;
        let input = QueryInput {
            layer,
            selection,
            output: OutputInput {
                attributes: Some(Vec::new()),
                ..OutputInput::default()
            },
            maximum: None,
        };
        let check = |stored: &StoredLayer| Ok(input.clone().check(&stored.definition)?);
        let summarize = |query| async move { self.store.summarize(&query, call.deadline).await };
        self.steadily(call, (layer, as_of), check, summarize).await
    }

    /// Asks the store something by the definition of the layer, and anew where that changed before the store looked (R114).
    /// What was pruned meanwhile is no answer.
    pub(crate) async fn steadily<Q, T, E, Asked>(
        &self,
        call: &Call,
        (layer, as_of): (LayerId, Option<AsOf>),
        check: impl Fn(&StoredLayer) -> Result<Q, E>,
        ask: impl Fn(Q) -> Asked,
    ) -> Result<(StoredLayer, T), E>
    where
        E: From<ReadError>,
        Asked: Future<Output = Result<T, StoreError>>,
    {
        let mut attempts = 1;
        loop {
            let stored = self.stored(layer).await?;
            kept(&stored, as_of)?;
            match ask(check(&stored)?).await {
                Ok(answer) => {
                    self.kept_still(layer, as_of).await?;
                    return Ok((stored, answer));
                }
                Err(StoreError::DefinitionChanged(_)) if attempts < ATTEMPTS => attempts += 1,
                Err(error) => return Err(ReadError::unanswered(call, error).into()),
            }
        }
    }

    pub(crate) async fn terms(
        &self,
        call: &Call,
        layer: LayerId,
        wanted: Wanted,
    ) -> Result<Terms, ReadError> {
        let questions = [
            elements(layer, Permission::View),
            elements(layer, Permission::CopyExport),
        ];
        let answer = self.ask(call, &questions).await?;
        viewable(layer, &answer)?;
        let refused = match answer.decisions.get(1) {
            Some(Decision::All) => None,
            // Copying is not narrowed to own elements (R52), so such an answer is none.
            Some(Decision::Own { creator: _ }) | None => Some(DenyReason::NoGrant),
            Some(Decision::Denied(reason)) => Some(*reason),
        };
        let maximum = match refused {
            None => wanted.maximum,
            Some(reason) if wanted.whole_layer || wanted.purpose == ReadPurpose::Export => {
                return Err(ReadError::NotPermitted {
                    layer,
                    permission: Permission::CopyExport,
                    reason,
                });
            }
            Some(_) => Some(
                wanted
                    .maximum
                    .map_or(self.limits.display, |own| own.min(self.limits.display)),
            ),
        };
        Ok(Terms {
            maximum,
            owner: Owner::of(answer.actor),
            valid_until: answer.valid_until,
            policy_token: answer.policy_token,
        })
    }

    /// Lets a caller learn what a selection adds up to: *view* is enough for what is there now, whole layers included
    /// (R113); of the past, what a read needs is needed.
    async fn may_sum_up(
        &self,
        call: &Call,
        layer: LayerId,
        selection: &SelectionInput,
    ) -> Result<(), ReadError> {
        if selection.as_of.is_none() {
            let answer = self.ask(call, &[elements(layer, Permission::View)]).await?;
            return viewable(layer, &answer);
        }
        let wanted = Wanted {
            purpose: ReadPurpose::Display,
            whole_layer: !selection.is_for_viewers(),
            maximum: None,
        };
        self.terms(call, layer, wanted).await.map(drop)
    }

    pub(crate) async fn stored(&self, layer: LayerId) -> Result<StoredLayer, ReadError> {
        // Viewable and not stored: the registry knows a layer that this storage has lost.
        self.store
            .layer(layer)
            .await?
            .ok_or(ReadError::Store(StoreError::LayerMissing(layer)))
    }
}

/// R40: whatever the reason, a layer that may not be viewed does not exist.
fn viewable(layer: LayerId, answer: &Answer) -> Result<(), ReadError> {
    match answer.decisions.first() {
        Some(Decision::All) => Ok(()),
        Some(Decision::Own { creator: _ } | Decision::Denied(_)) | None => {
            Err(ReadError::NoSuchLayer(layer))
        }
    }
}

impl ReadError {
    /// A storage that did not answer by the deadline was not given the time to.
    pub(crate) fn unanswered(call: &Call, error: StoreError) -> Self {
        if Instant::now() < call.deadline {
            error.into()
        } else {
            AskError::DeadlineExceeded.into()
        }
    }
}
