//! Whether the elements that a layer has satisfy the rules of a changed definition (R105, R114).

use std::collections::HashMap;

use jmap_domain::{AttributeId, ElementId};

use super::{AttributeDefinition, LayerDefinition};
use crate::{
    geometry::GeometryRules,
    value::{AttributeType, Value},
};

/// Most elements that are named for an attribute whose values contradict a new rule.
pub const MAX_EXAMPLES: usize = 20;

/// Elements that contradict a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// By what.
    pub by: Contradictory,
    /// How many elements.
    pub count: u64,
    /// The first of them, ascending; at most [`MAX_EXAMPLES`].
    pub examples: Vec<ElementId>,
}

/// What of an element contradicts a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contradictory {
    /// A value.
    Value {
        /// The attribute.
        attribute: AttributeId,
        /// Its name.
        name: String,
    },
    /// A value that it had, and that its history keeps.
    Past {
        /// The attribute.
        attribute: AttributeId,
        /// Its name.
        name: String,
    },
    /// A value that another element has as well.
    NotUnique {
        /// The attribute.
        attribute: AttributeId,
        /// Its name.
        name: String,
    },
    /// The geometry, which is not valid.
    Geometry,
}

type Found = (u64, Vec<ElementId>);

/// The rules that elements have to be looked at for, and what was found.
#[derive(Clone, Debug)]
pub struct Examination {
    attributes: Vec<AttributeDefinition>,
    found: HashMap<AttributeId, Found>,
    /// Those whose integers become doubles, which not every integer is: in versions that were replaced as well.
    inexact: Vec<AttributeDefinition>,
    found_inexact: HashMap<AttributeId, Found>,
    /// Those whose values are to be unique, and were not.
    unique: Vec<AttributeDefinition>,
    found_twice: HashMap<AttributeId, Found>,
    /// What geometries must be, where they have to be looked at.
    geometry: Option<GeometryRules>,
    found_invalid: Found,
}

impl Examination {
    /// What has to be looked at when one definition becomes another: attributes whose rules are others now, or that
    /// come back. New ones have their defaults, which satisfy the rules.
    #[must_use]
    pub fn of(old: &LayerDefinition, new: &LayerDefinition) -> Self {
        let is_doubtful = |later: &&AttributeDefinition| {
            let before = old.stored_attributes().find(|one| one.id == later.id);
            // Elements that were created while it was dropped have no value of it.
            let may_be_null = old.attribute(later.id).is_none();
            before.is_some_and(|before| {
                let was_required = before.required && !may_be_null;
                later.required && !was_required
                    || later.constraints != before.constraints
                    || is_inexact(before, later)
            })
        };
        let attributes = new.attributes().iter().filter(is_doubtful);
        let is_stricter =
            new.geometry().invalid.demands_validity() && !old.geometry().invalid.demands_validity();
        Self {
            attributes: attributes.cloned().collect(),
            found: HashMap::new(),
            inexact: inexact(old, new),
            found_inexact: HashMap::new(),
            unique: newly_unique(old, new),
            found_twice: HashMap::new(),
            geometry: is_stricter.then(|| *new.geometry()),
            found_invalid: Found::default(),
        }
    }

    /// Whether no element has to be looked at.
    #[must_use]
    pub const fn is_needless(&self) -> bool {
        !self.needs_elements() && self.unique.is_empty()
    }

    /// Whether elements are looked at one by one.
    #[must_use]
    pub const fn needs_elements(&self) -> bool {
        !self.attributes.is_empty() || self.geometry.is_some()
    }

    /// The attributes of which integers beyond [`MAX_EXACT`](crate::value::MAX_EXACT) are to be looked for, in all versions
    /// that were replaced.
    pub fn inexact(&self) -> impl Iterator<Item = AttributeId> {
        self.inexact.iter().map(|attribute| attribute.id)
    }

    /// Takes note of an element that had such a value of an attribute. Elements come in the order of their ids, each once.
    pub fn look_at_past(&mut self, attribute: AttributeId, element: ElementId) {
        note(self.found_inexact.entry(attribute).or_default(), element);
    }

    /// The attributes of which elements with the same value are to be looked for, among all of the layer: also those that
    /// were looked at before.
    pub fn unique(&self) -> impl Iterator<Item = AttributeId> {
        self.unique.iter().map(|attribute| attribute.id)
    }

    /// Takes note of an element whose value of an attribute another has as well. Elements come in the order of their ids.
    pub fn look_at_shared(&mut self, attribute: AttributeId, element: ElementId) {
        note(self.found_twice.entry(attribute).or_default(), element);
    }

    /// Whether geometries are looked at as well.
    #[must_use]
    pub const fn needs_geometry(&self) -> bool {
        self.geometry.is_some()
    }

    /// The attributes whose values are looked at.
    pub fn attributes(&self) -> impl Iterator<Item = AttributeId> {
        self.attributes.iter().map(|attribute| attribute.id)
    }

    /// Looks at the values of an element, in the order of [`Self::attributes`]. Elements come in the order of their ids.
    pub fn look(&mut self, element: ElementId, values: &[Value]) {
        for (attribute, value) in self.attributes.iter().zip(values) {
            // What does not become a value of a wider type is none that the attribute may have.
            let value = value.widened(attribute.kind);
            if value.is_some_and(|value| attribute.check(&value).is_ok()) {
                continue;
            }
            note(self.found.entry(attribute.id).or_default(), element);
        }
    }

    /// Looks at the geometry (WKB) of an element. Elements come in the order of their ids.
    pub fn look_at_geometry(&mut self, element: ElementId, wkb: &[u8]) {
        if self.geometry.is_some_and(|rules| !rules.admits(wkb)) {
            note(&mut self.found_invalid, element);
        }
    }

    /// What was found, in the order of the attributes; geometries last.
    #[must_use]
    pub fn contradictions(mut self) -> Vec<Contradiction> {
        let found = self.attributes.iter().filter_map(|attribute| {
            let found = self.found.remove(&attribute.id)?;
            let by = Contradictory::Value {
                attribute: attribute.id,
                name: attribute.name.to_string(),
            };
            Some(contradiction(by, found))
        });
        let past = self.inexact.iter().filter_map(|attribute| {
            let found = self.found_inexact.remove(&attribute.id)?;
            let by = Contradictory::Past {
                attribute: attribute.id,
                name: attribute.name.to_string(),
            };
            Some(contradiction(by, found))
        });
        let shared = self.unique.iter().filter_map(|attribute| {
            let found = self.found_twice.remove(&attribute.id)?;
            let by = Contradictory::NotUnique {
                attribute: attribute.id,
                name: attribute.name.to_string(),
            };
            Some(contradiction(by, found))
        });
        let invalid = (self.found_invalid.0 > 0)
            .then(|| contradiction(Contradictory::Geometry, self.found_invalid));
        found.chain(past).chain(shared).chain(invalid).collect()
    }
}

fn is_inexact(before: &AttributeDefinition, later: &AttributeDefinition) -> bool {
    (before.kind, later.kind) == (AttributeType::Integer, AttributeType::Double)
}

fn inexact(old: &LayerDefinition, new: &LayerDefinition) -> Vec<AttributeDefinition> {
    let of_old = |id| old.stored_attributes().find(|before| before.id == id);
    let attributes = new.attributes().iter();
    let inexact =
        attributes.filter(|later| of_old(later.id).is_some_and(|before| is_inexact(before, later)));
    inexact.cloned().collect()
}

/// The attributes whose values have to be unique from now on: new ones have no value yet.
fn newly_unique(old: &LayerDefinition, new: &LayerDefinition) -> Vec<AttributeDefinition> {
    let unique = new.unique().map(|(_, attribute)| attribute);
    let newly = unique.filter(|one| old.place(one.id).is_some() && !old.is_unique(one.id));
    newly.cloned().collect()
}

fn contradiction(by: Contradictory, (count, examples): Found) -> Contradiction {
    Contradiction {
        by,
        count,
        examples,
    }
}

fn note((count, examples): &mut Found, element: ElementId) {
    *count += 1;
    if examples.len() < MAX_EXAMPLES {
        examples.push(element);
    }
}
