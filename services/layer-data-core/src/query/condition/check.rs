//! Conditions checked against the attributes of a layer.

use jmap_domain::AttributeId;

use super::{Comparison, Condition, LetterCase, MAX_DEPTH, MAX_NODES, MAX_SEARCHES};
use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::AttributeRef,
    query::{Pattern, QueryError},
    value::{AttributeType, Text, Value},
};

/// What a condition demands of an attribute's type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Demand {
    Equality,
    Order,
}

impl Comparison {
    const fn demand(self) -> Demand {
        match self {
            Self::Equal | Self::NotEqual => Demand::Equality,
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => Demand::Order,
        }
    }
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
        let condition = checker.condition(self, 1)?;
        // Each of them reads the whole text of every element.
        if condition.left_open() > MAX_SEARCHES {
            Err(QueryError::TooManySearches)
        } else {
            Ok(condition)
        }
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
            } => Condition::Compare {
                attribute: self.typed(&attribute, [&value], comparison.demand())?,
                comparison,
                value,
            },
            Condition::In { attribute, values } => {
                self.spend(values.len())?;
                let attribute = self.typed(&attribute, &values, Demand::Equality)?;
                Condition::In { attribute, values }
            }
            Condition::Contains {
                attribute,
                text,
                case,
            } => Condition::Contains {
                attribute: self.of_kind(&attribute, &[AttributeType::String])?,
                // Folded once here, not again for every row.
                text: of_case(case, text, Text::folded),
                case,
            },
            Condition::Like {
                attribute,
                pattern,
                case,
            } => Condition::Like {
                attribute: self.of_kind(&attribute, &[AttributeType::String])?,
                pattern: of_case(case, pattern, Pattern::folded),
                case,
            },
            Condition::IsNull(attribute) => Condition::IsNull(self.find(&attribute)?.id),
            Condition::IsEmpty(attribute) => {
                let kinds = [AttributeType::String, AttributeType::Binary];
                Condition::IsEmpty(self.of_kind(&attribute, &kinds)?)
            }
            Condition::Between {
                attribute,
                least,
                greatest,
            } => Condition::Between {
                attribute: self.typed(&attribute, [&least, &greatest], Demand::Order)?,
                least,
                greatest,
            },
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

/// What is compared, folded where case is ignored.
fn of_case<T>(case: LetterCase, exact: T, folded: impl FnOnce(&T) -> T) -> T {
    match case {
        LetterCase::Exact => exact,
        LetterCase::Ignored => folded(&exact),
    }
}
