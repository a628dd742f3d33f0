//! Values of unique attributes: who has them, and who gets them (R105).

use std::collections::HashSet;

use jmap_domain::{AttributeId, DataRevision, ElementId};

use super::{Edit, EditRefusal, EditResult};
use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::NewElement,
    value::Value,
};

/// The element that has a value of a unique attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// The value.
    pub value: Value,
    /// The element.
    pub element: ElementId,
    /// Its revision.
    pub revision: DataRevision,
}

/// Values of the unique attributes of a layer that elements have.
#[derive(Debug, Default)]
pub struct Taken(HashSet<(AttributeId, Key)>);

/// What tells values of one unique attribute apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Text(String),
    Number(i64),
}

impl Key {
    /// `None` of null, which any number of elements may have, and of types that cannot be unique.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        match value {
            Value::String(text) => Some(Self::Text(text.as_str().to_owned())),
            Value::Integer(number) => Some(Self::Number(*number)),
            Value::Date(day) => Some(Self::Number(day.days().into())),
            Value::DateTime(instant) => Some(Self::Number(instant.millis())),
            Value::Null | Value::Double(_) | Value::Boolean(_) | Value::Binary(_) => None,
        }
    }
}

impl Taken {
    /// Takes note of a value that an element has.
    pub fn note(&mut self, attribute: AttributeId, value: &Value) {
        self.0.extend(Key::of(value).map(|key| (attribute, key)));
    }

    /// Gives a new element the values that it asks for, if it can have all of them.
    ///
    /// # Errors
    /// [`EditRefusal::NotUnique`] of the first attribute whose value is taken; the element then gets none.
    pub fn give(
        &mut self,
        definition: &LayerDefinition,
        new: &NewElement,
    ) -> Result<(), EditRefusal> {
        let asked = definition
            .given_unique(new)
            .filter_map(|(attribute, value)| {
                let key = Key::of(value)?;
                Some((attribute, (attribute.id, key)))
            });
        let asked: Vec<_> = asked.collect();
        if let Some((attribute, _)) = asked.iter().find(|(_, key)| self.0.contains(key)) {
            return Err(EditRefusal::not_unique(attribute));
        }
        self.0.extend(asked.into_iter().map(|(_, key)| key));
        Ok(())
    }
}

impl LayerDefinition {
    /// The unique attributes with the values that a new element asks for.
    pub fn given_unique<'a>(
        &'a self,
        new: &'a NewElement,
    ) -> impl Iterator<Item = (&'a AttributeDefinition, &'a Value)> {
        let unique = self.unique();
        unique.filter_map(|(place, attribute)| Some((attribute, new.values().get(place)?)))
    }

    /// The unique attributes with the values that new elements ask for, without nulls.
    #[must_use]
    pub fn asked_for<'a>(
        &'a self,
        new: &[&'a NewElement],
    ) -> Vec<(&'a AttributeDefinition, Vec<&'a Value>)> {
        let of = |(place, attribute): (usize, &'a AttributeDefinition)| {
            let values = new.iter().filter_map(|new| new.values().get(place));
            let values: Vec<&Value> = values.filter(|value: &&Value| !value.is_null()).collect();
            (!values.is_empty()).then_some((attribute, values))
        };
        self.unique().filter_map(of).collect()
    }

    /// The unique attributes whose values an edit of an element changes, with those that are not null.
    #[must_use]
    pub fn changed_unique<'a>(
        &'a self,
        edit: &'a Edit,
    ) -> Vec<(&'a AttributeDefinition, &'a Value)> {
        let Edit::Update { patch, .. } = edit else {
            return Vec::new();
        };
        let values = patch.values().iter();
        let changed = values.filter_map(|(id, value)| {
            let (_, attribute) = self.attribute(*id)?;
            (attribute.constraints.unique && !value.is_null()).then_some((attribute, value))
        });
        changed.collect()
    }

    /// Whether an edit has to be a statement of its own, because it may give an element a value that the edit before it
    /// takes from another.
    #[must_use]
    pub fn stands_alone(&self, edit: &Edit) -> bool {
        match edit {
            Edit::Update { patch, .. } => {
                let mut values = patch.values().iter();
                values.any(|(id, _)| self.is_unique(*id))
            }
            Edit::Restore(_) => self.unique().next().is_some(),
            Edit::Create(_) | Edit::Delete { .. } => false,
        }
    }
}

impl EditRefusal {
    /// The refusal of a value that another element has.
    #[must_use]
    pub fn not_unique(attribute: &AttributeDefinition) -> Self {
        Self::NotUnique {
            attribute: attribute.id,
            name: attribute.name.to_string(),
            index: None,
        }
    }
}

impl EditResult {
    /// Whether what was found by a unique attribute was not so any more: the element was changed, is gone, or is there.
    #[must_use]
    pub(crate) fn is_outrun(&self, key: AttributeId) -> bool {
        match self {
            Self::Refused(EditRefusal::Stale { .. } | EditRefusal::NoSuchElement(_)) => true,
            Self::Refused(EditRefusal::NotUnique { attribute, .. }) => *attribute == key,
            Self::Refused(
                EditRefusal::NoSuchLayer(_)
                | EditRefusal::NotPermitted { .. }
                | EditRefusal::Input(_)
                | EditRefusal::NotOwn(_),
            )
            | Self::Done(_)
            | Self::NotAttempted => false,
        }
    }
}
