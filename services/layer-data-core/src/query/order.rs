//! The order of elements: by attribute values, then by id, alike on every engine (R112, R115).
//!
//! Nulls come last in either direction. Texts and bytes are told apart by their first [`SORTED_LENGTH`] characters or
//! bytes: that keeps a place in the order small enough for a page token, and no element is lost or doubled by it.

use std::cmp::Ordering;

use jmap_domain::{AttributeId, ElementId};

use super::QueryError;
use crate::{
    definition::LayerDefinition,
    element::AttributeRef,
    value::{AttributeType, Value},
};

/// Most attributes that one query sorts by.
pub const MAX_SORT_KEYS: usize = 8;
/// How many characters of a text, and bytes of a binary value, decide its place.
pub const SORTED_LENGTH: usize = 200;

/// Which values come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// The least.
    #[default]
    Ascending,
    /// The greatest.
    Descending,
}

/// An attribute to sort by, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKeyInput {
    /// The attribute.
    pub attribute: AttributeRef,
    /// Which values come first.
    pub direction: Direction,
}

/// An attribute that a checked query sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The attribute.
    pub attribute: AttributeId,
    /// The type of its values.
    pub kind: AttributeType,
    /// Which values come first.
    pub direction: Direction,
}

/// The order of a query's elements: the earlier key decides first, the id last. Without keys it is that of the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order(pub(super) Vec<SortKey>);

/// Where an element stands in an order. It stays a place when the element is changed or deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    keys: Vec<Value>,
    id: ElementId,
}

/// What writes an order into a statement, in the words of one engine.
pub trait OrderSink {
    /// Adds words and brackets that every SQL has.
    fn words(&mut self, words: &'static str);
    /// Adds the expression of a key's value: of texts and bytes no more than [`SORTED_LENGTH`].
    fn key(&mut self, key: &SortKey);
    /// Adds a value, other than null, that the key's is compared with.
    fn value(&mut self, key: &SortKey, value: &Value);
    /// Adds the expression of the element's id.
    fn id(&mut self);
    /// Adds an id that it is compared with.
    fn id_value(&mut self, id: ElementId);
}

impl Order {
    /// Checks the keys against the layer's attributes.
    ///
    /// # Errors
    /// [`QueryError`] for too many keys, an unknown attribute, and one that is named twice.
    pub fn check(
        wanted: &[SortKeyInput],
        definition: &LayerDefinition,
    ) -> Result<Self, QueryError> {
        if wanted.len() > MAX_SORT_KEYS {
            return Err(QueryError::TooManySortKeys);
        }
        let mut keys: Vec<SortKey> = Vec::with_capacity(wanted.len());
        for input in wanted {
            let Some((_, attribute)) = input.attribute.find(definition) else {
                return Err(QueryError::UnknownSortKey(input.attribute.to_string()));
            };
            if keys.iter().any(|key| key.attribute == attribute.id) {
                return Err(QueryError::RepeatedSortKey(input.attribute.to_string()));
            }
            keys.push(SortKey {
                attribute: attribute.id,
                kind: attribute.kind,
                direction: input.direction,
            });
        }
        Ok(Self(keys))
    }

    /// The attributes to sort by, the deciding one first.
    #[must_use]
    pub fn keys(&self) -> &[SortKey] {
        &self.0
    }

    /// Whether elements come in the order of their ids.
    #[must_use]
    pub const fn is_by_id(&self) -> bool {
        self.0.is_empty()
    }

    /// Where an element stands whose values `value_of` gives.
    pub fn mark<'a>(&self, id: ElementId, value_of: &impl Fn(AttributeId) -> &'a Value) -> Mark {
        let key = |key: &SortKey| value_of(key.attribute).cut(SORTED_LENGTH);
        Mark {
            keys: self.0.iter().map(key).collect(),
            id,
        }
    }

    /// Whether a mark, whose values are of these attributes, is one of this order. Marks come back from callers, and the
    /// layer's definition may have changed meanwhile (R114).
    #[must_use]
    pub fn fits(&self, attributes: &[AttributeId], mark: &Mark) -> bool {
        let fits = |(key, value): (&SortKey, &Value)| {
            value.kind().is_none_or(|kind| kind == key.kind) && *value == value.cut(SORTED_LENGTH)
        };
        mark.keys.len() == self.0.len()
            && self.0.iter().map(|key| &key.attribute).eq(attributes)
            && self.0.iter().zip(&mark.keys).all(fits)
    }

    /// Which of two marks comes first.
    #[must_use]
    pub fn compare(&self, left: &Mark, right: &Mark) -> Ordering {
        let values = left.keys.iter().zip(&right.keys);
        let by_keys = self.0.iter().zip(values).map(|(key, (left, right))| {
            let order = left.compare_nulls_last(right);
            match key.direction {
                Direction::Descending if !left.is_null() && !right.is_null() => order.reverse(),
                Direction::Ascending | Direction::Descending => order,
            }
        });
        by_keys
            .fold(Ordering::Equal, Ordering::then)
            .then(left.id.cmp(&right.id))
    }

    /// Writes the expressions to sort by.
    pub fn write_to(&self, sink: &mut impl OrderSink) {
        for key in &self.0 {
            sink.key(key);
            sink.words(match key.direction {
                Direction::Ascending => " asc nulls last, ",
                Direction::Descending => " desc nulls last, ",
            });
        }
        sink.id();
    }

    /// Writes a condition that holds for the elements after a mark of this order.
    pub fn write_after(&self, mark: &Mark, sink: &mut impl OrderSink) {
        for (key, value) in self.0.iter().zip(&mark.keys) {
            sink.words("(");
            if !value.is_null() {
                sink.key(key);
                sink.words(match key.direction {
                    Direction::Ascending => " > ",
                    Direction::Descending => " < ",
                });
                sink.value(key, value);
                sink.words(" or ");
            }
            sink.key(key);
            sink.words(" is null");
            if value.is_null() {
                // Nothing but further nulls comes after a null.
                sink.words(" and ");
            } else {
                sink.words(" or ");
                sink.key(key);
                sink.words(" = ");
                sink.value(key, value);
                sink.words(" and ");
            }
        }
        sink.id();
        sink.words(" > ");
        sink.id_value(mark.id);
        for _ in mark.keys.iter().zip(&self.0) {
            sink.words(")");
        }
    }
}

impl Mark {
    /// A mark with the values of an order's keys.
    #[must_use]
    pub const fn new(keys: Vec<Value>, id: ElementId) -> Self {
        Self { keys, id }
    }

    /// The values of the order's keys, cut to [`SORTED_LENGTH`].
    #[must_use]
    pub fn keys(&self) -> &[Value] {
        &self.keys
    }

    /// The element's id.
    #[must_use]
    pub const fn id(&self) -> ElementId {
        self.id
    }
}

/// A place in the order of the ids.
impl From<ElementId> for Mark {
    fn from(id: ElementId) -> Self {
        Self::new(Vec::new(), id)
    }
}
