//! Conditions on attribute values (R110, R111): a tree, typed against the layer, with one meaning on every engine.
//!
//! Two-valued: every comparison is false for null, so `not` of it is true.

use std::cmp::Ordering;

use jmap_domain::{AttributeId, fold};

use super::QueryError;
use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::AttributeRef,
    value::{AttributeType, Text, Value},
};

/// How deep conditions may nest.
pub const MAX_DEPTH: usize = 32;
/// How many conditions, and values in lists, one filter may have.
pub const MAX_NODES: usize = 1_000;

/// How a value compares with a given one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    LessOrEqual,
    /// Greater.
    Greater,
    /// Greater or equal.
    GreaterOrEqual,
}

impl Comparison {
    const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// The operator that every SQL has for it.
    #[must_use]
    pub const fn operator(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    const fn demand(self) -> Demand {
        match self {
            Self::Equal | Self::NotEqual => Demand::Equality,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => Demand::Order,
        }
    }
}

/// What a condition demands of an attribute's type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Equality,
    Order,
}

/// Whether capital and small letters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// They do.
    Exact,
    /// They are alike, by Unicode simple folding (R115).
    Ignored,
}

/// A condition. `A` is how attributes are named: [`AttributeRef`] as given, [`AttributeId`] once checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition<A> {
    /// All of these hold.
    And(Vec<Self>),
    /// At least one of these holds.
    Or(Vec<Self>),
    /// This does not hold.
    Not(Box<Self>),
    /// A value compares with a given one.
    Compare {
        /// The attribute.
        attribute: A,
        /// How.
        comparison: Comparison,
        /// The given value.
        value: Value,
    },
    /// A value is one of those given.
    In {
        /// The attribute.
        attribute: A,
        /// The given values.
        values: Vec<Value>,
    },
    /// A text contains another.
    Contains {
        /// The attribute.
        attribute: A,
        /// The other; folded in a checked condition that ignores case.
        text: Text,
        /// Whether case matters.
        case: LetterCase,
    },
    /// There is no value.
    IsNull(A),
    /// There is a text or bytes, of no length.
    IsEmpty(A),
    /// A value lies between two, both included; for days and instants a time interval.
    Between {
        /// The attribute.
        attribute: A,
        /// The least.
        least: Value,
        /// The greatest.
        greatest: Value,
    },
}

impl Condition<AttributeRef> {
    /// Checks the condition against the layer's attributes.
    ///
    /// # Errors
    /// [`QueryError`] for an unknown attribute, a value of another type, and more than the limits allow.
    pub fn check(self, definition: &LayerDefinition) -> Result<Condition<AttributeId>, QueryError> {
        let mut checker = Checker {
            definition,
            nodes: 0,
        };
        checker.condition(self, 1)
    }
}

struct Checker<'a> {
    definition: &'a LayerDefinition,
    nodes: usize,
}

impl Checker<'_> {
    fn condition(
        &mut self,
        condition: Condition<AttributeRef>,
        depth: usize,
    ) -> Result<Condition<AttributeId>, QueryError> {
        if depth > MAX_DEPTH {
            return Err(QueryError::TooDeep);
        }
        self.spend(1)?;
        Ok(match condition {
            Condition::And(all) => Condition::And(self.conditions(all, depth)?),
            Condition::Or(any) => Condition::Or(self.conditions(any, depth)?),
            Condition::Not(inner) => Condition::Not(Box::new(self.condition(*inner, depth + 1)?)),
            Condition::Compare {
                attribute,
                comparison,
                value,
            } => {
                let attribute = self.typed(&attribute, [&value], comparison.demand())?;
                Condition::Compare {
                    attribute,
                    comparison,
                    value,
                }
            }
            Condition::In { attribute, values } => {
                self.spend(values.len())?;
                let attribute = self.typed(&attribute, &values, Demand::Equality)?;
                Condition::In { attribute, values }
            }
            Condition::Contains {
                attribute,
                text,
                case,
            } => {
                let attribute = self.of_kind(&attribute, &[AttributeType::String])?;
                // Folded once here, not again for every row.
                let text = match case {
                    LetterCase::Exact => text,
                    LetterCase::Ignored => text.folded(),
                };
                Condition::Contains {
                    attribute,
                    text,
                    case,
                }
            }
            Condition::IsNull(attribute) => Condition::IsNull(self.find(&attribute)?.id),
            Condition::IsEmpty(attribute) => {
                let kinds = [AttributeType::String, AttributeType::Binary];
                Condition::IsEmpty(self.of_kind(&attribute, &kinds)?)
            }
            Condition::Between {
                attribute,
                least,
                greatest,
            } => {
                let attribute = self.typed(&attribute, [&least, &greatest], Demand::Order)?;
                Condition::Between {
                    attribute,
                    least,
                    greatest,
                }
            }
        })
    }

    fn conditions(
        &mut self,
        conditions: Vec<Condition<AttributeRef>>,
        depth: usize,
    ) -> Result<Vec<Condition<AttributeId>>, QueryError> {
        if conditions.is_empty() {
            return Err(QueryError::EmptyJunction);
        }
        conditions
            .into_iter()
            .map(|condition| self.condition(condition, depth + 1))
            .collect()
    }

    fn find(&self, attribute: &AttributeRef) -> Result<&AttributeDefinition, QueryError> {
        let unknown = || QueryError::UnknownAttribute(attribute.to_string());
        attribute
            .find(self.definition)
            .map(|(_, found)| found)
            .ok_or_else(unknown)
    }

    /// The attribute, if values of these types compare with it in the way that is asked for.
    fn typed<'v>(
        &self,
        attribute: &AttributeRef,
        values: impl IntoIterator<Item = &'v Value>,
        demand: Demand,
    ) -> Result<AttributeId, QueryError> {
        let AttributeDefinition { id, name, kind, .. } = self.find(attribute)?;
        if values.into_iter().any(|value| value.kind() != Some(*kind)) {
            return Err(QueryError::WrongType {
                attribute: name.to_string(),
                expected: *kind,
            });
        }
        if demand == Demand::Order && !kind.is_ordered() {
            return Err(QueryError::NotApplicable {
                attribute: name.to_string(),
                kind: *kind,
            });
        }
        Ok(*id)
    }

    fn of_kind(
        &self,
        attribute: &AttributeRef,
        kinds: &[AttributeType],
    ) -> Result<AttributeId, QueryError> {
        let AttributeDefinition { id, name, kind, .. } = self.find(attribute)?;
        if kinds.contains(kind) {
            return Ok(*id);
        }
        Err(QueryError::NotApplicable {
            attribute: name.to_string(),
            kind: *kind,
        })
    }

    fn spend(&mut self, nodes: usize) -> Result<(), QueryError> {
        self.nodes += nodes;
        if self.nodes > MAX_NODES {
            Err(QueryError::TooManyConditions)
        } else {
            Ok(())
        }
    }
}

impl Condition<AttributeId> {
    /// Whether the condition holds for an element whose values `value_of` gives: the meaning that every store keeps.
    #[must_use]
    pub fn holds<'a>(&self, value_of: &impl Fn(AttributeId) -> &'a Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|condition| condition.holds(value_of)),
            Self::Or(any) => any.iter().any(|condition| condition.holds(value_of)),
            Self::Not(inner) => !inner.holds(value_of),
            Self::Compare {
                attribute,
                comparison,
                value,
            } => {
                let ordering = value_of(*attribute).compare(value);
                ordering.is_some_and(|ordering| comparison.holds(ordering))
            }
            Self::In { attribute, values } => {
                let found = value_of(*attribute);
                values
                    .iter()
                    .any(|value| found.compare(value) == Some(Ordering::Equal))
            }
            Self::Contains {
                attribute,
                text,
                case,
            } => contains(value_of(*attribute), text, *case),
            Self::IsNull(attribute) => value_of(*attribute).is_null(),
            Self::IsEmpty(attribute) => is_empty(value_of(*attribute)),
            Self::Between {
                attribute,
                least,
                greatest,
            } => {
                let found = value_of(*attribute);
                found.compare(least).is_some_and(Ordering::is_ge)
                    && found.compare(greatest).is_some_and(Ordering::is_le)
            }
        }
    }

    /// The attributes that the condition looks at.
    #[must_use]
    pub fn attributes(&self) -> Vec<AttributeId> {
        match self {
            Self::And(inner) | Self::Or(inner) => inner.iter().flat_map(Self::attributes).collect(),
            Self::Not(inner) => inner.attributes(),
            Self::Compare {
                attribute,
                comparison: _,
                value: _,
            }
            | Self::In {
                attribute,
                values: _,
            }
            | Self::Contains {
                attribute,
                text: _,
                case: _,
            }
            | Self::IsNull(attribute)
            | Self::IsEmpty(attribute)
            | Self::Between {
                attribute,
                least: _,
                greatest: _,
            } => vec![*attribute],
        }
    }
}

fn contains(value: &Value, text: &Text, case: LetterCase) -> bool {
    let Value::String(found) = value else {
        return false;
    };
    match case {
        LetterCase::Exact => found.as_str().contains(text.as_str()),
        LetterCase::Ignored => fold(found.as_str()).contains(text.as_str()),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.as_str().is_empty(),
        Value::Binary(bytes) => bytes.is_empty(),
        Value::Null
        | Value::Integer(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::Date(_)
        | Value::DateTime(_) => false,
    }
}

#[cfg(test)]
mod tests;
