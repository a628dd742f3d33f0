//! Unique attributes: which a layer has, and what becomes of their indexes when its definition changes (R105, R114).

use jmap_domain::AttributeId;

use super::{AttributeDefinition, LayerDefinition};
use crate::value::Value;

/// What becomes of the indexes of a table when a definition changes. Those that go do so before the columns change, those
/// that come after that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UniqueSteps {
    /// The attributes whose values need not be unique any more, or that are hidden.
    pub gone: Vec<AttributeId>,
    /// The attributes whose values are unique from now on.
    pub come: Vec<AttributeId>,
}

impl LayerDefinition {
    /// The unique attributes, each with its place among an element's values. Hidden values bind nobody.
    pub fn unique(&self) -> impl Iterator<Item = (usize, &AttributeDefinition)> {
        let attributes = self.attributes.iter().enumerate();
        attributes.filter(|(_, attribute)| attribute.constraints.unique)
    }

    /// Whether an attribute is one of the layer's and unique.
    #[must_use]
    pub fn is_unique(&self, id: AttributeId) -> bool {
        self.unique().any(|(_, attribute)| attribute.id == id)
    }

    /// Whether values that are looked for are of the type that an attribute has; of one that is gone, any are.
    #[must_use]
    pub fn fits(&self, id: AttributeId, values: &[Value]) -> bool {
        let Some((_, attribute)) = self.attribute(id) else {
            return true;
        };
        let mut kinds = values.iter().filter_map(Value::kind);
        kinds.all(|kind| kind == attribute.kind)
    }

    /// The steps from this definition's indexes to those of a later one. An index goes and comes where its column gets
    /// another type.
    #[must_use]
    pub fn unique_steps(&self, later: &Self) -> UniqueSteps {
        let only_of = |one: &Self, other: &Self| {
            let unique = one.unique().map(|(_, attribute)| attribute);
            let has_it = |attribute: &AttributeDefinition| {
                let found = other.attribute(attribute.id);
                found.is_some_and(|(_, found)| {
                    found.constraints.unique && found.kind == attribute.kind
                })
            };
            let only = unique.filter(|attribute| !has_it(attribute));
            only.map(|attribute| attribute.id).collect()
        };
        UniqueSteps {
            gone: only_of(self, later),
            come: only_of(later, self),
        }
    }
}
