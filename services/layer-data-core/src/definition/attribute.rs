//! One attribute of a layer, as it is asked for and as it is (R64, R105).

use std::collections::HashSet;

use jmap_domain::AttributeId;

use super::{
    AttributeConstraints, AttributeName, ConstraintError, DefinitionError, NameFault, ValueFault,
    constraints::MAX_TEXT_BYTES,
};
use crate::value::{AttributeType, Value};

/// What a call asks an attribute to be, not yet checked.
#[derive(Clone, Debug)]
pub struct AttributeDraft {
    /// The name (R64).
    pub name: String,
    /// What people read instead of the name; empty means the name.
    pub label: String,
    /// What the attribute means.
    pub description: String,
    /// The type of its values.
    pub kind: AttributeType,
    /// The value of elements that are created without one.
    pub default: Value,
    /// Whether null is refused.
    pub required: bool,
    /// Whether clients may not set it.
    pub read_only: bool,
    /// What values must satisfy.
    pub constraints: AttributeConstraints,
    /// How a form should ask for it; not enforced.
    pub input_hint: String,
}

/// An attribute of a layer. Its position is its place in [`super::LayerDefinition::attributes`].
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDefinition {
    /// Its id, never reused; renames keep it (R114).
    pub id: AttributeId,
    /// Its name, and the column's.
    pub name: AttributeName,
    /// What people read instead of the name; empty means the name.
    pub label: String,
    /// What the attribute means.
    pub description: String,
    /// The type of its values.
    pub kind: AttributeType,
    /// The value of elements that are created without one; it satisfies the constraints.
    pub default: Value,
    /// Whether null is refused.
    pub required: bool,
    /// Whether clients may not set it. Defaults and administrators' imports may (R105).
    pub read_only: bool,
    /// What values must satisfy.
    pub constraints: AttributeConstraints,
    /// How a form should ask for it; not enforced.
    pub input_hint: String,
}

impl AttributeDefinition {
    /// Whether a value is one of this attribute's (R105). Read-only is the caller's business, because defaults
    /// and administrators' imports may set such attributes.
    ///
    /// # Errors
    /// [`ValueFault`].
    pub fn check(&self, value: &Value) -> Result<(), ValueFault> {
        let Some(found) = value.kind() else {
            return if self.required {
                Err(ValueFault::Required)
            } else {
                Ok(())
            };
        };
        if found != self.kind {
            return Err(ValueFault::WrongType {
                expected: self.kind,
                found,
            });
        }
        self.constraints.check(value)
    }
}

impl AttributeDraft {
    /// Checks the draft; `keys` holds the names that other attributes of the layer have taken.
    pub(super) fn define(
        self,
        id: AttributeId,
        index: usize,
        keys: &mut HashSet<String>,
    ) -> Result<AttributeDefinition, DefinitionError> {
        let definition = self
            .named(id)
            .map_err(|fault| DefinitionError::Name { index, fault })?;
        if !keys.insert(definition.name.key()) {
            return Err(DefinitionError::DuplicateName {
                index,
                name: definition.name.to_string(),
            });
        }
        match definition.consistent() {
            Ok(()) => Ok(definition),
            Err(fault) => Err(DefinitionError::Constraint {
                index,
                name: definition.name.to_string(),
                fault,
            }),
        }
    }

    /// The attribute as the draft says, its name checked and nothing else.
    pub(super) fn named(self, id: AttributeId) -> Result<AttributeDefinition, NameFault> {
        Ok(AttributeDefinition {
            id,
            name: AttributeName::parse(&self.name)?,
            label: self.label,
            description: self.description,
            kind: self.kind,
            default: self.default,
            required: self.required,
            read_only: self.read_only,
            constraints: self.constraints,
            input_hint: self.input_hint,
        })
    }
}

impl AttributeDefinition {
    /// Whether type, constraints, default and flags go together.
    pub(super) fn consistent(&self) -> Result<(), ConstraintError> {
        let labels = self
            .constraints
            .allowed
            .iter()
            .map(|allowed| &allowed.label);
        let mut texts = [&self.label, &self.description, &self.input_hint]
            .into_iter()
            .chain(labels);
        if texts.any(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(ConstraintError::TextTooLong);
        }
        self.constraints.fit(self.kind)?;
        if self.constraints.unique && !self.default.is_null() {
            return Err(ConstraintError::UniqueDefault);
        }
        if !self.default.is_null() {
            return self.check(&self.default).map_err(ConstraintError::Default);
        }
        // A required attribute without default is filled in by whoever creates the element, if it can be.
        if self.required && self.read_only {
            Err(ConstraintError::NeverSet)
        } else {
            Ok(())
        }
    }
}
