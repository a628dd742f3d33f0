//! Unique attributes in memory.

use jmap_domain::{AttributeId, ElementId};

use super::Layer;
use crate::{
    definition::AttributeDefinition,
    edit::{EditRefusal, Holder},
    value::Value,
};

impl Layer {
    /// Whether no other element has one of these values.
    pub(super) fn is_free<'a>(
        &self,
        element: ElementId,
        values: impl IntoIterator<Item = (&'a AttributeDefinition, &'a Value)>,
    ) -> Result<(), EditRefusal> {
        for (attribute, value) in values {
            let mut others = self.rows.values().filter(|row| row.element.id != element);
            if !value.is_null()
                && others.any(|row| row.value(&self.definition, attribute.id) == value)
            {
                return Err(EditRefusal::not_unique(attribute));
            }
        }
        Ok(())
    }

    pub(super) fn holders(&self, key: AttributeId, values: &[Value]) -> Vec<Holder> {
        if !self.definition.is_unique(key) {
            return Vec::new();
        }
        let rows = self.rows.values().filter_map(|row| {
            let value = row.value(&self.definition, key);
            (!value.is_null() && values.contains(value)).then(|| Holder {
                value: value.clone(),
                element: row.element.id,
                revision: row.element.revision,
            })
        });
        rows.collect()
    }

    /// The elements whose value of an attribute another has as well.
    pub(super) fn sharing(&self, id: AttributeId) -> Vec<ElementId> {
        let value = |row: &super::Row| row.value(&self.definition, id).clone();
        let shares = |row: &&super::Row| {
            let (own, of) = (value(row), row.element.id);
            let mut others = self.rows.values().filter(|other| other.element.id != of);
            !own.is_null() && others.any(|other| value(other) == own)
        };
        let rows = self.rows.values().filter(shares);
        rows.map(|row| row.element.id).collect()
    }
}
