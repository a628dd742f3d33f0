//! Definitions that change.

use std::{collections::HashMap, sync::Arc};

use jmap_domain::{AttributeId, DataRevision};

use super::Layer;
use crate::{
    definition::{ColumnStep, Examination, LayerDefinition},
    value::Value,
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
                ColumnStep::Remove(_) | ColumnStep::Rename { .. } => None,
            })
            .collect();
        let replaced = self.replaced.values_mut().map(|(row, _)| row);
        for row in self.rows.values_mut().chain(replaced) {
            let value = |id: AttributeId| {
                let default = added.get(&id);
                default.unwrap_or_else(|| row.value(&self.definition, id))
            };
            let values = new.stored_attributes();
            let values: Vec<Value> = values.map(|one| value(one.id).clone()).collect();
            row.element.values = values;
        }
        self.definition = Arc::new(new);
    }
}
