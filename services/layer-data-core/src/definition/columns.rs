//! What becomes of a table's columns when a definition changes: alike for every store that has tables.

use std::collections::HashMap;

use jmap_domain::AttributeId;

use super::{AttributeDefinition, LayerDefinition};
use crate::value::AttributeType;

/// One change of a table's columns. Names are as they are stored, not quoted.
#[derive(Clone, Debug, PartialEq)]
pub enum ColumnStep<'a> {
    /// A column goes with its values.
    Remove(String),
    /// A column gets another name.
    Rename {
        /// Its name now.
        from: String,
        /// Its name then.
        to: String,
    },
    /// The values of some columns become values of wider types: of all at once, because each row is written anew for it.
    Widen(Vec<WidenedColumn>),
    /// A column comes. Every row gets the attribute's default.
    Add {
        /// Its name.
        column: String,
        /// What it holds.
        attribute: &'a AttributeDefinition,
    },
}

/// A column whose values become values of a wider type.
#[derive(Clone, Debug, PartialEq)]
pub struct WidenedColumn {
    /// Its name.
    pub column: String,
    /// Whose values it has.
    pub attribute: AttributeId,
    /// The type that they have.
    pub from: AttributeType,
    /// The type that they get.
    pub to: AttributeType,
}

/// The name of the column of a dropped attribute: no attribute can have it (R64).
#[must_use]
pub fn column_of_dropped(attribute: AttributeId) -> String {
    format!("_dropped_{attribute}")
}

impl LayerDefinition {
    /// The columns of the layer's table, by attribute: those of the attributes, then those of the dropped ones.
    pub fn columns(&self) -> impl Iterator<Item = (&AttributeDefinition, String)> {
        let own = |attribute: &AttributeDefinition| attribute.name.to_string();
        let present = self.attributes.iter().map(move |one| (one, own(one)));
        let dropped = self.dropped.iter().map(|dropped| &dropped.attribute);
        present.chain(dropped.map(|one| (one, column_of_dropped(one.id))))
    }

    /// The steps that make this definition's columns into those of a later one. Names go by way of ones that nothing
    /// else has, so that attributes can exchange theirs.
    #[must_use]
    pub fn column_steps<'a>(&self, later: &'a Self) -> Vec<ColumnStep<'a>> {
        let mut before: HashMap<AttributeId, (AttributeType, String)> = self
            .columns()
            .map(|(attribute, column)| (attribute.id, (attribute.kind, column)))
            .collect();
        let (mut aside, mut into_place, mut added) = (Vec::new(), Vec::new(), Vec::new());
        let mut widened = Vec::new();
        for (attribute, column) in later.columns() {
            let Some((from, old)) = before.remove(&attribute.id) else {
                added.push(ColumnStep::Add { column, attribute });
                continue;
            };
            if from != attribute.kind {
                widened.push(WidenedColumn {
                    column: column.clone(),
                    attribute: attribute.id,
                    from,
                    to: attribute.kind,
                });
            }
            if old != column {
                let between = format!("_moving_{}", attribute.id);
                aside.push(ColumnStep::Rename {
                    from: old,
                    to: between.clone(),
                });
                into_place.push(ColumnStep::Rename {
                    from: between,
                    to: column,
                });
            }
        }
        let removed = before.into_values();
        let removed = removed.map(|(_, column)| ColumnStep::Remove(column));
        let moved = removed.chain(aside).chain(into_place);
        let widened = (!widened.is_empty()).then_some(ColumnStep::Widen(widened));
        moved.chain(widened).chain(added).collect()
    }
}
