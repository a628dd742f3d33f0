//! Definitions that change.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jmap_domain::{AttributeId, DataRevision};

use super::{Layer, Row};
use crate::{
    definition::{AttributeDefinition, ColumnStep, Examination, LayerDefinition},
    value::{AttributeType, Value},
};

impl Layer {
    pub(super) fn examine(&self, examination: &mut Examination, since: DataRevision) {
        let attributes: Vec<AttributeId> = examination.attributes().collect();
        for row in self.rows.values() {
            if row.element.revision > since {
                let values = attributes
                    .iter()
                    .map(|id| row.value(&self.definition, *id).clone());
                examination.look(row.element.id, &values.collect::<Vec<_>>());
                examination.look_at_geometry(row.element.id, row.geometry.wkb());
            }
        }
        let inexact: Vec<AttributeId> = examination.inexact().collect();
        for id in inexact {
            let is_inexact = |row: &&Row| {
                let value = row.value(&self.definition, id);
                value.widened(AttributeType::Double).is_none()
            };
            let replaced = self.replaced.values();
            let replaced = replaced.filter(|(_, end)| end.revision > since);
            let found = replaced
                .map(|(row, _)| row)
                .filter(is_inexact)
                .map(|row| row.element.id);
            for element in found.collect::<BTreeSet<_>>() {
                examination.look_at_past(id, element);
            }
        }
        let unique: Vec<AttributeId> = examination.unique().collect();
        for id in unique {
            for element in self.sharing(id) {
                examination.look_at_shared(id, element);
            }
        }
    }

    pub(super) fn redefine(&mut self, new: LayerDefinition) {
        let added = self.definition.column_steps(&new);
        let added: HashMap<AttributeId, Value> = added
            .into_iter()
            .filter_map(|step| match step {
                ColumnStep::Add { attribute, .. } => {
                    Some((attribute.id, attribute.default.clone()))
                }
                ColumnStep::Remove(_) | ColumnStep::Rename { .. } | ColumnStep::Widen(_) => None,
            })
            .collect();
        let replaced = self.replaced.values_mut().map(|(row, _)| row);
        for row in self.rows.values_mut().chain(replaced) {
            let value = |one: &AttributeDefinition| {
                let default = added.get(&one.id);
                let value = default.unwrap_or_else(|| row.value(&self.definition, one.id));
                // All of them were looked at.
                value.widened(one.kind).unwrap_or(Value::Null)
            };
            let values: Vec<Value> = new.stored_attributes().map(value).collect();
            row.element.values = values;
        }
        self.definition = Arc::new(new);
    }
}
