//! What becomes of a table's columns when a definition changes: alike for every store that has tables.

use std::collections::HashMap;

use jmap_domain::AttributeId;

use super::{AttributeDefinition, LayerDefinition};

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
    /// A column comes. Every row gets the attribute's default.
    Add {
        /// Its name.
        column: String,
        /// What it holds.
        attribute: &'a AttributeDefinition,
    },
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
        let mut before: HashMap<AttributeId, String> = self
            .columns()
            .map(|(attribute, column)| (attribute.id, column))
            .collect();
        let (mut aside, mut into_place, mut added) = (Vec::new(), Vec::new(), Vec::new());
        for (attribute, column) in later.columns() {
            match before.remove(&attribute.id) {
                None => added.push(ColumnStep::Add { column, attribute }),
                Some(old) if old == column => {}
                Some(from) => {
                    let between = format!("_moving_{}", attribute.id);
                    aside.push(ColumnStep::Rename {
                        from,
                        to: between.clone(),
                    });
                    into_place.push(ColumnStep::Rename {
                        from: between,
                        to: column,
                    });
                }
            }
        }
        let removed = before.into_values().map(ColumnStep::Remove);
        let moved = removed.chain(aside).chain(into_place);
        moved.chain(added).collect()
    }
}
