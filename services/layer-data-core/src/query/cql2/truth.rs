//! Three-valued logic in two-valued conditions: what is true, and what is false, of a value that is there.

use crate::{
    element::AttributeRef,
    query::{Comparison, Condition},
    value::Value,
};

/// A condition as it is given, with attributes by name.
pub(super) type Bare = Condition<AttributeRef>;

/// What a condition is to find: elements for which something is true, or those for which it is false. Where a value is
/// missing it is neither.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Truth {
    True,
    False,
}

impl Truth {
    pub(super) const fn turned(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
        }
    }

    /// A condition that null decides as well.
    pub(super) fn of_all(self, condition: Bare) -> Bare {
        match self {
            Self::True => condition,
            Self::False => Condition::Not(Box::new(condition)),
        }
    }

    /// A condition that null leaves open: it is false of a value that is there.
    pub(super) fn of(self, condition: Bare, attribute: AttributeRef) -> Bare {
        match self {
            Self::True => condition,
            Self::False => Condition::And(vec![
                Condition::Not(Box::new(condition)),
                Condition::Not(Box::new(Condition::IsNull(attribute))),
            ]),
        }
    }

    /// Several comparisons that must all hold; none holds for every value that is there.
    pub(super) fn of_bounds(
        self,
        attribute: &AttributeRef,
        bounds: Vec<(Comparison, Value)>,
    ) -> Bare {
        if bounds.is_empty() {
            let present = Condition::Not(Box::new(Condition::IsNull(attribute.clone())));
            return match self {
                Self::True => present,
                Self::False => Condition::And(vec![Condition::IsNull(attribute.clone()), present]),
            };
        }
        let compare = |(comparison, value)| Condition::Compare {
            attribute: attribute.clone(),
            comparison: self.comparison(comparison),
            value,
        };
        let parts = bounds.into_iter().map(compare).collect();
        match self {
            Self::True => joined(Condition::And, parts),
            Self::False => joined(Condition::Or, parts),
        }
    }

    pub(super) const fn comparison(self, comparison: Comparison) -> Comparison {
        match self {
            Self::True => comparison,
            Self::False => match comparison {
                Comparison::Equal => Comparison::NotEqual,
                Comparison::NotEqual => Comparison::Equal,
                Comparison::Less => Comparison::GreaterOrEqual,
                Comparison::LessOrEqual => Comparison::Greater,
                Comparison::Greater => Comparison::LessOrEqual,
                Comparison::GreaterOrEqual => Comparison::Less,
            },
        }
    }
}

/// Several conditions as one; one alone stays as it is.
pub(super) fn joined(junction: fn(Vec<Bare>) -> Bare, mut parts: Vec<Bare>) -> Bare {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, last) => {
            parts.extend(last);
            junction(parts)
        }
    }
}
