//! Counting and summing up, element by element, in bounded memory.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, btree_map::Entry},
    num::NonZeroU64,
    ops::ControlFlow,
};

use jmap_domain::DataRevision;

use super::{
    AttributeStatistics, Distinct, Group, Layout, MAX_GROUPS, Statistics, Summed, moments::Running,
};
use crate::{
    geometry::Bounds,
    value::{AttributeType, Value},
};

/// About how many bytes of values an answer holds, so that it fits into one message.
pub const MAX_BYTES: usize = 2 << 20;
/// About what a value takes besides its own bytes.
const VALUE_BYTES: usize = 32;
/// About what an attribute of a group takes besides its values.
const ATTRIBUTE_BYTES: usize = 96;

/// Why there are no statistics of these elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TallyError {
    /// More groups than an answer has.
    #[error("there are more than {MAX_GROUPS} groups")]
    TooManyGroups,
    /// More values, or longer ones, than an answer holds.
    #[error("the values are too many or too long for one answer")]
    TooLarge,
    /// More elements than the caller may read at once (R38).
    #[error("there are more than {maximum} elements")]
    TooManyElements {
        /// The most that were allowed.
        maximum: NonZeroU64,
    },
}

/// Statistics on their way. Stores add the elements that they find, in any order.
#[derive(Clone, Debug)]
pub struct Tally {
    layout: Layout,
    maximum: Option<NonZeroU64>,
    count: u64,
    groups: BTreeMap<Vec<Ordered>, GroupTally>,
    bytes: usize,
    error: Option<TallyError>,
}

/// A value in the order of its type, null last.
#[derive(Clone, Debug, PartialEq)]
struct Ordered(Value);

#[derive(Clone, Debug)]
struct GroupTally {
    count: u64,
    extent: Option<Bounds>,
    attributes: Vec<AttributeTally>,
}

#[derive(Clone, Debug)]
struct AttributeTally {
    count: u64,
    least: Option<Value>,
    greatest: Option<Value>,
    moments: Running,
    distinct: Option<Seen>,
}

#[derive(Clone, Debug)]
enum Seen {
    Values(BTreeMap<Ordered, u64>),
    TooMany,
}

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.compare_nulls_last(&other.0)
    }
}

impl Tally {
    pub(super) fn new(layout: Layout, maximum: Option<NonZeroU64>) -> Self {
        let mut groups = BTreeMap::new();
        if layout.keys.is_empty() {
            // Without groups there is one of all, even of none.
            groups.insert(Vec::new(), GroupTally::new(&layout));
        }
        Self {
            layout,
            maximum,
            count: 0,
            groups,
            bytes: 0,
            error: None,
        }
    }

    /// Adds an element: the values that the query asks for, in its order, and the box around its geometry. Breaks when
    /// no more are wanted, because [`Self::finish`] will fail.
    pub fn add(&mut self, values: &[Value], bounds: Option<Bounds>) -> ControlFlow<()> {
        match self.try_add(values, bounds) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.error = Some(error);
                ControlFlow::Break(())
            }
        }
    }

    /// The statistics of what was added, at a revision.
    ///
    /// # Errors
    /// [`TallyError`] when there was too much: never a part of the answer for the whole (R112).
    pub fn finish(self, revision: DataRevision) -> Result<Statistics, TallyError> {
        let Layout { keys, summed, .. } = self.layout;
        let groups = self.groups.into_iter();
        let groups = groups.map(|(keys, group)| group.end(keys, &summed));
        match self.error {
            Some(error) => Err(error),
            None => Ok(Statistics {
                groups: groups.collect(),
                group_by: keys,
                attributes: summed.iter().map(|summed| summed.attribute).collect(),
                revision,
            }),
        }
    }

    fn try_add(&mut self, values: &[Value], bounds: Option<Bounds>) -> Result<(), TallyError> {
        self.count += 1;
        if let Some(maximum) = self.maximum
            && self.count > maximum.get()
        {
            return Err(TallyError::TooManyElements { maximum });
        }
        let keys = values
            .iter()
            .take(self.layout.keys.len())
            .cloned()
            .map(Ordered);
        let (groups, layout) = (self.groups.len(), &self.layout);
        let group = match self.groups.entry(keys.collect()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(_) if groups >= MAX_GROUPS => return Err(TallyError::TooManyGroups),
            Entry::Vacant(new) => {
                let keys = new
                    .key()
                    .iter()
                    .map(|Ordered(key)| cost(key))
                    .sum::<usize>();
                self.bytes += keys + layout.summed.len() * ATTRIBUTE_BYTES;
                new.insert(GroupTally::new(layout))
            }
        };
        group.add(values, bounds, layout, &mut self.bytes);
        if self.bytes > MAX_BYTES {
            return Err(TallyError::TooLarge);
        }
        Ok(())
    }
}

fn cost(value: &Value) -> usize {
    value.size() + VALUE_BYTES
}

impl GroupTally {
    fn new(layout: &Layout) -> Self {
        let attribute = |_: &Summed| AttributeTally {
            count: 0,
            least: None,
            greatest: None,
            moments: Running::default(),
            distinct: layout.distinct.map(|_| Seen::Values(BTreeMap::new())),
        };
        Self {
            count: 0,
            extent: None,
            attributes: layout.summed.iter().map(attribute).collect(),
        }
    }

    fn add(
        &mut self,
        values: &[Value],
        bounds: Option<Bounds>,
        layout: &Layout,
        bytes: &mut usize,
    ) {
        self.count += 1;
        if let Some(bounds) = bounds {
            self.extent = Some(self.extent.map_or(bounds, |extent| extent.union(bounds)));
        }
        for (attribute, summed) in self.attributes.iter_mut().zip(&layout.summed) {
            if let Some(value) = values.get(summed.place).filter(|value| !value.is_null()) {
                attribute.count += 1;
                attribute.moments.add(value);
                if summed.kind.is_ordered() {
                    attribute.stretch(value, bytes);
                }
                attribute.see(value, layout, bytes);
            }
        }
    }

    fn end(self, keys: Vec<Ordered>, summed: &[Summed]) -> Group {
        let attributes = self.attributes.into_iter().zip(summed);
        Group {
            keys: keys.into_iter().map(|Ordered(key)| key).collect(),
            count: self.count,
            extent: self.extent,
            attributes: attributes
                .map(|(attribute, summed)| attribute.end(summed.kind))
                .collect(),
        }
    }
}

impl AttributeTally {
    /// Keeps the least and the greatest.
    fn stretch(&mut self, value: &Value, bytes: &mut usize) {
        let bounds = [
            (&mut self.least, Ordering::Less),
            (&mut self.greatest, Ordering::Greater),
        ];
        for (bound, wanted) in bounds {
            let known = bound.as_ref();
            if known.is_none_or(|known| value.compare(known) == Some(wanted)) {
                *bytes = bytes.saturating_sub(known.map_or(0, cost)) + cost(value);
                *bound = Some(value.clone());
            }
        }
    }

    /// Keeps distinct values, as long as there are not too many.
    fn see(&mut self, value: &Value, layout: &Layout, bytes: &mut usize) {
        let Some(Seen::Values(seen)) = &mut self.distinct else {
            return;
        };
        let limit = layout.distinct.map_or(0, |limit| limit.get() as usize);
        let count = seen.len();
        match seen.entry(Ordered(value.clone())) {
            Entry::Occupied(mut known) => *known.get_mut() += 1,
            Entry::Vacant(new) if count < limit => {
                new.insert(1);
                *bytes += cost(value);
            }
            Entry::Vacant(_) => {
                let released: usize = seen.keys().map(|Ordered(value)| cost(value)).sum();
                *bytes = bytes.saturating_sub(released);
                self.distinct = Some(Seen::TooMany);
            }
        }
    }

    fn end(self, kind: AttributeType) -> AttributeStatistics {
        AttributeStatistics {
            count: self.count,
            least: self.least,
            greatest: self.greatest,
            moments: self.moments.moments(kind),
            distinct: self.distinct.map(|seen| match seen {
                Seen::TooMany => Distinct::TooMany,
                Seen::Values(seen) => {
                    let values = seen.into_iter();
                    Distinct::Values(
                        values
                            .map(|(Ordered(value), count)| (value, count))
                            .collect(),
                    )
                }
            }),
        }
    }
}
