//! What lies between two states of a layer: elements that were added, changed or removed.

use std::{cmp::Ordering, collections::VecDeque};

use jmap_domain::{ElementId, LayerId};

use crate::{
    element::Element,
    history::AsOf,
    ports::{Authorizer, Call, ChunkLimit, LayerStore, StoredLayer},
    query::{OutputInput, QueryInput, SelectionInput},
    reads::{Owner, PageStart, ReadError, ReadPurpose, Reader},
    service::LayerData,
};

/// Two states of a layer to compare.
#[derive(Clone, Debug)]
pub struct ComparisonInput {
    /// The layer.
    pub layer: LayerId,
    /// The one state.
    pub from: AsOf,
    /// The other one; `None` means the present one.
    pub to: Option<AsOf>,
    /// Which elements, in each of the states: one that leaves a box is removed from it. Its own state is not looked at.
    pub selection: SelectionInput,
    /// What of each element is wanted.
    pub output: OutputInput,
}

/// What became of an element between two states.
#[derive(Clone, Debug, PartialEq)]
pub enum Difference {
    /// Only the later state has it.
    Added(Element),
    /// Both have it, in different versions.
    Changed {
        /// As it was.
        before: Element,
        /// As it is then.
        after: Element,
    },
    /// Only the earlier state has it.
    Removed(Element),
}

/// A comparison that goes on part by part, in constant memory. It asks again like a read, so a right that is taken away
/// ends it.
#[derive(Debug)]
pub struct Comparison<S, A, R> {
    older: Side<S, A, R>,
    newer: Side<S, A, R>,
}

/// The elements of one state, in the order of their ids.
#[derive(Debug)]
struct Side<S, A, R> {
    reader: Reader<S, A, R>,
    ready: VecDeque<Element>,
    is_over: bool,
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> LayerData<S, A, R> {
    /// Begins a comparison. The past of more than one element needs *copy / export* (R38).
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn compare(
        &self,
        call: &Call,
        input: ComparisonInput,
    ) -> Result<Comparison<S, A, R>, ReadError> {
        loop {
            let older = self.side(call, &input, input.from).await?;
            // The present is pinned, so that edits made meanwhile are not half in.
            let present = AsOf::Revision(older.reader.layer().revision);
            let to = input.to.unwrap_or(present);
            let newer = self.side(call, &input, to).await?;
            let version = |side: &Side<S, A, R>| side.reader.definition().version();
            // Values come by their places in one definition; another one in between is seldom.
            if version(&older) == version(&newer) {
                return Ok(Comparison { older, newer });
            }
        }
    }

    async fn side(
        &self,
        call: &Call,
        input: &ComparisonInput,
        at: AsOf,
    ) -> Result<Side<S, A, R>, ReadError> {
        let query = QueryInput {
            layer: input.layer,
            selection: SelectionInput {
                as_of: Some(at),
                ..input.selection.clone()
            },
            output: input.output.clone(),
            maximum: None,
        };
        let start = PageStart::default();
        let reader = self.read(call, query, ReadPurpose::Display, start).await?;
        Ok(Side {
            reader,
            ready: VecDeque::new(),
            is_over: false,
        })
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Side<S, A, R> {
    async fn fill(&mut self, limit: ChunkLimit) -> Result<(), ReadError> {
        if self.ready.is_empty() && !self.is_over {
            match self.reader.next(limit).await? {
                Some(chunk) => self.ready.extend(chunk.elements),
                None => self.is_over = true,
            }
        }
        Ok(())
    }

    /// Whether nothing can be said of the next element yet.
    fn is_behind(&self) -> bool {
        self.ready.is_empty() && !self.is_over
    }

    fn first(&self) -> Option<ElementId> {
        self.ready.front().map(|element| element.id)
    }
}

impl<S: LayerStore, A: Authorizer, R: Send + Sync + 'static> Comparison<S, A, R> {
    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> &StoredLayer {
        self.newer.reader.layer()
    }

    /// Whose elements are the caller's own.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        self.newer.reader.owner()
    }

    /// The next differences, in the order of the elements' ids; perhaps none where much is alike. `None` at the end.
    ///
    /// # Errors
    /// [`ReadError`], after which the comparison is over.
    pub async fn next(&mut self, limit: ChunkLimit) -> Result<Option<Vec<Difference>>, ReadError> {
        self.older.fill(limit).await?;
        self.newer.fill(limit).await?;
        if self.older.is_over && self.newer.is_over && self.first().is_none() {
            return Ok(None);
        }
        let mut differences = Vec::new();
        while !self.older.is_behind() && !self.newer.is_behind() && self.first().is_some() {
            differences.extend(self.step());
        }
        Ok(Some(differences))
    }

    fn first(&self) -> Option<ElementId> {
        self.older.first().or(self.newer.first())
    }

    /// Takes the next element from either side or from both.
    fn step(&mut self) -> Option<Difference> {
        let order = match (self.older.first(), self.newer.first()) {
            (Some(old), Some(new)) => old.cmp(&new),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => self.older.ready.pop_front().map(Difference::Removed),
            Ordering::Greater => self.newer.ready.pop_front().map(Difference::Added),
            Ordering::Equal => {
                let before = self.older.ready.pop_front()?;
                let after = self.newer.ready.pop_front()?;
                let is_changed = before.revision != after.revision;
                is_changed.then_some(Difference::Changed { before, after })
            }
        }
    }
}
