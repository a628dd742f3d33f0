//! A query that goes on after attributes got wider types (R114): it is asked of the values as they are by now, and its
//! answers are told as values of the types that they had when it began.

use std::collections::HashMap;

use jmap_domain::AttributeId;

use super::{CheckedQuery, Comparison, Condition, Mark, Order, SortKey};
use crate::{
    definition::{DefinitionVersion, LayerDefinition},
    element::Element,
    value::{AttributeType, Value},
};

/// The attributes that a query says something of, with the types by which it does so.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    /// The form of the definition that has them.
    version: DefinitionVersion,
    kinds: Vec<(AttributeId, AttributeType)>,
}

/// A query as it is asked of wider types, and how its answers are told.
#[derive(Clone, Debug)]
pub(crate) struct Widened {
    query: CheckedQuery,
    /// The places among an element's values whose types the query did not begin with.
    narrow: Vec<(usize, AttributeType)>,
}

impl Kinds {
    pub(super) fn of(
        attributes: impl IntoIterator<Item = AttributeId>,
        definition: &LayerDefinition,
    ) -> Self {
        let known = kinds(definition);
        let kind = |id: AttributeId| known.get(&id).map(|kind| (id, *kind));
        Self {
            version: definition.version(),
            kinds: attributes.into_iter().filter_map(kind).collect(),
        }
    }
}

fn kinds(definition: &LayerDefinition) -> HashMap<AttributeId, AttributeType> {
    let stored = definition.stored_attributes();
    stored
        .map(|attribute| (attribute.id, attribute.kind))
        .collect()
}

impl CheckedQuery {
    /// Whether the attributes of the query have the types in a definition that the query was checked by. What was purged
    /// since has any.
    #[must_use]
    pub fn is_of(&self, definition: &LayerDefinition) -> bool {
        let Kinds {
            version,
            kinds: own,
        } = &self.kinds;
        if *version == definition.version() {
            return true;
        }
        let known = kinds(definition);
        own.iter()
            .all(|(id, kind)| known.get(id).is_none_or(|known| known == kind))
    }

    /// The query as it is asked under a later definition; `None` where what it compares or sorts by has another order
    /// there, or it compares with an integer that no double is.
    pub(crate) fn widened(&self, later: &LayerDefinition) -> Option<Widened> {
        let known = kinds(later);
        let kind_of = |id: AttributeId| known.get(&id).copied();
        let condition = self.condition.as_ref();
        let condition = condition.map(|condition| condition.widened(&kind_of));
        let began_with: HashMap<AttributeId, AttributeType> =
            self.kinds.kinds.iter().copied().collect();
        let narrow = self
            .attributes
            .iter()
            .enumerate()
            .filter_map(|(place, id)| {
                let kind = began_with.get(id)?;
                (kind_of(*id)? != *kind).then_some((place, *kind))
            });
        let all = began_with.keys().copied();
        Some(Widened {
            narrow: narrow.collect(),
            query: Self {
                condition: condition.map_or(Some(None), |widened| widened.map(Some))?,
                order: self.order.widened(&kind_of)?,
                kinds: Kinds::of(all, later),
                ..self.clone()
            },
        })
    }
}

impl Widened {
    /// The query to ask.
    pub(crate) const fn query(&self) -> &CheckedQuery {
        &self.query
    }

    /// Tells elements as the query began; `None` where one has a value by now that its type did not have then.
    pub(crate) fn narrowed(&self, mut elements: Vec<Element>) -> Option<Vec<Element>> {
        for element in &mut elements {
            for (place, kind) in &self.narrow {
                let value = element.values.get_mut(*place)?;
                *value = value.narrowed(*kind)?;
            }
        }
        Some(elements)
    }
}

impl Condition<AttributeId> {
    /// The condition on values of wider types; `None` where it goes by an order that they do not keep.
    fn widened(&self, kind_of: &impl Fn(AttributeId) -> Option<AttributeType>) -> Option<Self> {
        let all = |conditions: &[Self]| {
            let widened = conditions
                .iter()
                .map(|condition| condition.widened(kind_of));
            widened.collect::<Option<_>>()
        };
        match self {
            Self::And(inner) => all(inner).map(Self::And),
            Self::Or(inner) => all(inner).map(Self::Or),
            Self::Not(inner) => inner.widened(kind_of).map(Box::new).map(Self::Not),
            Self::Compare {
                attribute,
                comparison,
                value,
            } => {
                let value = match comparison {
                    Comparison::Equal | Comparison::NotEqual => same(value, kind_of(*attribute)),
                    Comparison::Less
                    | Comparison::LessOrEqual
                    | Comparison::Greater
                    | Comparison::GreaterOrEqual => in_order(value, kind_of(*attribute)),
                };
                Some(Self::Compare {
                    attribute: *attribute,
                    comparison: *comparison,
                    value: value?,
                })
            }
            Self::In { attribute, values } => {
                let values = values.iter().map(|value| same(value, kind_of(*attribute)));
                Some(Self::In {
                    attribute: *attribute,
                    values: values.collect::<Option<_>>()?,
                })
            }
            Self::Between {
                attribute,
                least,
                greatest,
            } => Some(Self::Between {
                attribute: *attribute,
                least: in_order(least, kind_of(*attribute))?,
                greatest: in_order(greatest, kind_of(*attribute))?,
            }),
            // Of texts and bytes, which have no wider type, or of no value at all.
            Self::Contains { .. } | Self::Like { .. } | Self::IsNull(_) | Self::IsEmpty(_) => {
                Some(self.clone())
            }
        }
    }
}

/// A value that another is equal to; any will do for an attribute that is gone.
fn same(value: &Value, kind: Option<AttributeType>) -> Option<Value> {
    value.widened(kind.or(value.kind())?)
}

/// A value that another comes before or after.
fn in_order(value: &Value, kind: Option<AttributeType>) -> Option<Value> {
    let (from, to) = (value.kind()?, kind.or(value.kind())?);
    if from == to || from.keeps_order_as(to) {
        value.widened(to)
    } else {
        None
    }
}

impl Order {
    fn widened(&self, kind_of: &impl Fn(AttributeId) -> Option<AttributeType>) -> Option<Self> {
        let key = |key: &SortKey| {
            let kind = kind_of(key.attribute).unwrap_or(key.kind);
            let is_kept = kind == key.kind || key.kind.keeps_order_as(kind);
            is_kept.then_some(SortKey { kind, ..*key })
        };
        self.keys().iter().map(key).collect::<Option<_>>().map(Self)
    }

    /// A mark of this order, whose values may be of narrower types, as one of it.
    pub(crate) fn widened_mark(&self, mark: &Mark) -> Option<Mark> {
        let keys = self.keys().iter().zip(mark.keys());
        let keys = keys.map(|(key, value)| value.widened(key.kind));
        Some(Mark::new(keys.collect::<Option<_>>()?, mark.id()))
    }
}
