//! Conditions on attribute values (R110, R111): a tree, typed against the layer, with one meaning on every engine.
//!
//! Two-valued: every comparison is false for null, so `not` of it is true. Filters in the form of CQL2 are three-valued
//! and are written as such conditions ([`Cql2`](super::Cql2)).

mod check;

use std::cmp::Ordering;

use jmap_domain::{AttributeId, fold};

use super::Pattern;
use crate::value::{Text, Value};

/// How deep conditions may nest.
pub const MAX_DEPTH: usize = 32;
/// How many conditions, and values in lists, one filter may have.
pub const MAX_NODES: usize = 1_000;
/// How many of these may be patterns, and searches that ignore case: no database decides them, so elements are looked at.
pub const MAX_SEARCHES: usize = 100;

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
}

/// Whether capital and small letters differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// They do.
    Exact,
    /// They are alike, by Unicode simple folding (R115).
    Ignored,
}

/// A condition. `A` is how attributes are named: [`AttributeRef`](crate::element::AttributeRef) as given, [`AttributeId`] once checked.
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
    /// A text is like a pattern.
    Like {
        /// The attribute.
        attribute: A,
        /// The pattern; folded in a checked condition that ignores case.
        pattern: Pattern,
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
            Self::Like {
                attribute,
                pattern,
                case,
            } => like(value_of(*attribute), pattern, *case),
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
            | Self::Like {
                attribute,
                pattern: _,
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

fn like(value: &Value, pattern: &Pattern, case: LetterCase) -> bool {
    let Value::String(found) = value else {
        return false;
    };
    match case {
        LetterCase::Exact => pattern.matches(found.as_str()),
        LetterCase::Ignored => pattern.matches(&fold(found.as_str())),
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
