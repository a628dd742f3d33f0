//! A read that goes on chunk by chunk, by the definition that it began with.

use std::time::Instant;

use super::{FeedBegin, Owner, ReadError, Terms, Wanted};
use crate::{
    definition::LayerDefinition,
    feed::FeedPlace,
    ports::{Authorizer, Call, Chunk, ChunkLimit, LayerStore, Rest, StoreError, StoredLayer},
    query::{CheckedQuery, Mark, Widened},
    service::LayerData,
};

/// How often one chunk is asked for while types of attributes change.
const WIDENINGS: usize = 3;

/// A read that goes on chunk by chunk, in constant memory. It asks again whenever the last answer has run out, so a
/// right that is taken away ends it.
#[derive(Debug)]
pub struct Reader<S, A, R> {
    pub(super) service: LayerData<S, A, R>,
    pub(super) call: Call,
    pub(super) layer: StoredLayer,
    pub(super) query: CheckedQuery,
    /// The query as it is asked since attributes of it got wider types.
    pub(super) widened: Option<Widened>,
    pub(super) terms: Terms,
    pub(super) wanted: Wanted,
    pub(super) position: Position,
    pub(super) begin: Option<FeedPlace>,
}

/// How far a read has come.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) after: Option<Mark>,
    pub(super) seen: u64,
    pub(super) ended: bool,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Reader<S, A, R> {
    /// The layer that is read.
    #[must_use]
    pub const fn layer(&self) -> &StoredLayer {
        &self.layer
    }

    /// The layer's definition.
    #[must_use]
    pub fn definition(&self) -> &LayerDefinition {
        &self.layer.definition
    }

    /// The query as it was understood.
    #[must_use]
    pub const fn query(&self) -> &CheckedQuery {
        &self.query
    }

    /// Whose elements are the caller's own.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        self.terms.owner
    }

    /// From where to follow the layer, to miss nothing after what is read.
    #[must_use]
    pub fn begin(&self) -> FeedBegin {
        FeedBegin {
            place: self.begin,
            policy_token: self.terms.policy_token.clone(),
        }
    }

    /// How many elements were read, those of earlier pages included.
    #[must_use]
    pub const fn seen(&self) -> u64 {
        self.position.seen
    }

    /// Asks again once the answer has run out.
    async fn keep_right(&mut self) -> Result<(), ReadError> {
        if Instant::now() >= self.terms.valid_until {
            let (service, layer) = (&self.service, self.layer.layer);
            self.terms = service.terms(&self.call, layer, self.wanted).await?;
        }
        Ok(())
    }

    /// Reads the next elements; `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`], after which the read is over. [`ReadError::TooManyElements`] instead of a silent cut (R112).
    pub async fn next(&mut self, limit: ChunkLimit) -> Result<Option<Chunk>, ReadError> {
        if self.position.ended {
            return Ok(None);
        }
        self.keep_right().await?;
        let chunk = self.chunk(limit).await?;
        // Looking for them may have taken longer than the right was given for (R119).
        self.keep_right().await?;
        let as_of = self.query.as_of();
        self.service.kept_still(self.layer.layer, as_of).await?;
        self.position.seen += chunk.elements.len() as u64;
        if let Some(maximum) = self.terms.maximum
            && self.position.seen > maximum.get()
        {
            self.position.ended = true;
            return Err(ReadError::TooManyElements { maximum });
        }
        match &chunk.rest {
            Rest::End => self.position.ended = true,
            Rest::After(last) => self.position.after = Some(last.clone()),
        }
        Ok(Some(chunk))
    }

    /// Reads the next elements, told by the definition that the read began with.
    async fn chunk(&mut self, limit: ChunkLimit) -> Result<Chunk, ReadError> {
        for _ in 0..WIDENINGS {
            let query = self.widened.as_ref().map_or(&self.query, Widened::query);
            let (after, deadline) = (self.position.after.as_ref(), self.call.deadline);
            match self.service.store.read(query, after, limit, deadline).await {
                Err(StoreError::DefinitionChanged(_)) => self.widen().await?,
                Err(error) => return Err(ReadError::unanswered(&self.call, error)),
                Ok(chunk) => return self.told(chunk).await,
            }
        }
        Err(StoreError::DefinitionChanged(self.layer.layer).into())
    }

    /// Takes the types that the attributes have by now.
    async fn widen(&mut self) -> Result<(), ReadError> {
        let now = self.service.stored(self.layer.layer).await?.definition;
        let redefined = ReadError::Redefined(now.version());
        // The change may have been waited for longer than the right was given for (R119).
        self.keep_right().await?;
        let Some(widened) = self.query.widened(&now) else {
            return Err(redefined);
        };
        if let Some(after) = &mut self.position.after {
            let order = widened.query().order();
            *after = order.widened_mark(after).ok_or(redefined)?;
        }
        self.widened = Some(widened);
        Ok(())
    }

    async fn told(&self, chunk: Chunk) -> Result<Chunk, ReadError> {
        let Some(widened) = &self.widened else {
            return Ok(chunk);
        };
        if let Some(elements) = widened.narrowed(chunk.elements) {
            return Ok(Chunk { elements, ..chunk });
        }
        let now = self.service.stored(self.layer.layer).await?;
        Err(ReadError::Redefined(now.definition.version()))
    }
}
