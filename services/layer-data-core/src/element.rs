//! Elements: as they are given, as they are stored, and as they are read.
//!
//! What is given has no place for stamps, so a creator that a client sends cannot even be expressed (R54).

use std::fmt;

use jmap_domain::{ActorId, AttributeId, DataRevision, ElementId, Permission};

use crate::{
    definition::{AttributeDefinition, DefinitionVersion, LayerDefinition, ValueFault},
    edit::UpsertError,
    geometry::{Geometry, GeometryError, GeometryRules, SingleToMulti},
    value::{DateTime, Value},
};

/// An attribute, as callers name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AttributeRef {
    /// By id.
    Id(AttributeId),
    /// By name, exactly.
    Name(String),
}

impl AttributeRef {
    /// The attribute that is meant, with its place among an element's values.
    #[must_use]
    pub fn find<'a>(
        &self,
        definition: &'a LayerDefinition,
    ) -> Option<(usize, &'a AttributeDefinition)> {
        let mut attributes = definition.attributes().iter().enumerate();
        attributes.find(|(_, attribute)| match self {
            Self::Id(id) => attribute.id == *id,
            Self::Name(name) => attribute.name.as_str() == name,
        })
    }
}

impl fmt::Display for AttributeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// An element to create, not yet checked against its layer.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementInput {
    /// ISO WKB.
    pub geometry: Vec<u8>,
    /// Values; attributes that are not mentioned get their default.
    pub values: Vec<(AttributeRef, Value)>,
}

/// A change of an element, not yet checked. What is present is changed, and nothing else (R107).
#[derive(Clone, Debug, PartialEq)]
pub struct ChangeInput {
    /// The new geometry as ISO WKB.
    pub geometry: Option<Vec<u8>>,
    /// New values of the attributes mentioned.
    pub values: Vec<(AttributeRef, Value)>,
}

/// Who sets the values: read-only attributes are not everybody's (R105).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueSource {
    /// A client, or an import by somebody who may not change the layer's structure.
    Client,
    /// An administrator's import.
    Administrator,
}

/// Why a given element or change does not fit its layer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The geometry (R66, R115).
    #[error(transparent)]
    Geometry(#[from] GeometryError),
    /// A value for an attribute that the layer does not have (R105).
    #[error("attribute `{name}` does not exist in the layer")]
    UnknownAttribute {
        /// Which of the values, from 0.
        index: usize,
        /// The attribute, as the caller named it.
        name: String,
    },
    /// Two values for one attribute.
    #[error("attribute `{name}` is given twice")]
    DuplicateAttribute {
        /// Which of the values, from 0.
        index: usize,
        /// The attribute.
        name: String,
    },
    /// A value that is not one of the attribute's (R105).
    #[error("attribute `{name}` {fault}")]
    Value {
        /// Which of the values, from 0; `None` for one that is missing.
        index: Option<usize>,
        /// The attribute.
        name: String,
        /// What is wrong.
        fault: ValueFault,
    },
    /// A change that changes nothing.
    #[error("a change names a geometry or at least one attribute")]
    EmptyChange,
    /// An upsert that cannot be one.
    #[error(transparent)]
    Upsert(#[from] UpsertError),
}

/// An element that fits its layer.
#[derive(Clone, Debug, PartialEq)]
pub struct NewElement {
    version: DefinitionVersion,
    geometry: Geometry,
    values: Vec<Value>,
}

/// A change that fits its layer and changes something.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementPatch {
    version: DefinitionVersion,
    geometry: Option<Geometry>,
    values: Vec<(AttributeId, Value)>,
}

impl ElementInput {
    /// Checks the element against its layer and fills in defaults (R66, R105).
    ///
    /// # Errors
    /// [`InputError`], for the first thing that is wrong.
    pub fn check(
        &self,
        definition: &LayerDefinition,
        source: ValueSource,
        single: SingleToMulti,
    ) -> Result<NewElement, InputError> {
        let geometry = definition.geometry().parse(&self.geometry, single)?;
        let mut given: Vec<Option<Value>> = vec![None; definition.attributes().len()];
        for (place, _, value) in placed(&self.values, definition, source)? {
            if let Some(slot) = given.get_mut(place) {
                *slot = Some(value);
            }
        }
        let attributes = definition.attributes().iter().zip(given);
        let values = attributes
            .map(|(attribute, value)| filled(attribute, value))
            .collect::<Result<_, _>>()?;
        Ok(NewElement {
            version: definition.version(),
            geometry,
            values,
        })
    }
}

fn filled(attribute: &AttributeDefinition, value: Option<Value>) -> Result<Value, InputError> {
    if let Some(value) = value {
        return Ok(value);
    }
    let missing = |fault| InputError::Value {
        index: None,
        name: attribute.name.to_string(),
        fault,
    };
    attribute.check(&attribute.default).map_err(missing)?;
    Ok(attribute.default.clone())
}

impl ChangeInput {
    /// The permission that the change needs: decided by what it names, never by what differs (R34, R35, R36).
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self.geometry {
            Some(_) => Permission::ModifyElements,
            None => Permission::ModifyAttributes,
        }
    }

    /// Checks the change against the layer (R66, R105).
    ///
    /// # Errors
    /// [`InputError`], for the first thing that is wrong.
    pub fn check(&self, definition: &LayerDefinition) -> Result<ElementPatch, InputError> {
        if self.geometry.is_none() && self.values.is_empty() {
            return Err(InputError::EmptyChange);
        }
        let parse = |wkb: &Vec<u8>| definition.geometry().parse(wkb, SingleToMulti::Refuse);
        let geometry = self.geometry.as_ref().map(parse).transpose()?;
        let values = placed(&self.values, definition, ValueSource::Client)?;
        let values = values
            .into_iter()
            .map(|(_, attribute, value)| (attribute, value))
            .collect();
        Ok(ElementPatch {
            version: definition.version(),
            geometry,
            values,
        })
    }
}

/// Checks values that an element had before against its layer, as it is now (R105): one for each attribute.
pub(crate) fn fit(values: &[Value], definition: &LayerDefinition) -> Result<(), InputError> {
    for (attribute, value) in definition.attributes().iter().zip(values) {
        attribute.check(value).map_err(|fault| InputError::Value {
            index: None,
            name: attribute.name.to_string(),
            fault,
        })?;
    }
    Ok(())
}

/// The values that were given, each checked, with the place and the id of its attribute.
fn placed(
    values: &[(AttributeRef, Value)],
    definition: &LayerDefinition,
    source: ValueSource,
) -> Result<Vec<(usize, AttributeId, Value)>, InputError> {
    let mut seen = vec![false; definition.attributes().len()];
    let mut placed = Vec::with_capacity(values.len().min(seen.len()));
    for (index, (attribute, value)) in values.iter().enumerate() {
        let Some((place, attribute)) = attribute.find(definition) else {
            return Err(InputError::UnknownAttribute {
                index,
                name: attribute.to_string(),
            });
        };
        let name = || attribute.name.to_string();
        if seen
            .get_mut(place)
            .is_some_and(|seen| std::mem::replace(seen, true))
        {
            return Err(InputError::DuplicateAttribute {
                index,
                name: name(),
            });
        }
        let refuse = |fault| InputError::Value {
            index: Some(index),
            name: name(),
            fault,
        };
        if attribute.read_only && source == ValueSource::Client {
            return Err(refuse(ValueFault::ReadOnly));
        }
        attribute.check(value).map_err(refuse)?;
        placed.push((place, attribute.id, value.clone()));
    }
    Ok(placed)
}

impl NewElement {
    /// The form of the layer's definition that it was checked against.
    #[must_use]
    pub const fn version(&self) -> DefinitionVersion {
        self.version
    }

    /// The geometry.
    #[must_use]
    pub const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// One value per attribute, in the order of the definition.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }
}

impl ElementPatch {
    /// The form of the layer's definition that it was checked against.
    #[must_use]
    pub const fn version(&self) -> DefinitionVersion {
        self.version
    }

    /// The new geometry, if it changes.
    #[must_use]
    pub const fn geometry(&self) -> Option<&Geometry> {
        self.geometry.as_ref()
    }

    /// The values that change.
    #[must_use]
    pub fn values(&self) -> &[(AttributeId, Value)] {
        &self.values
    }

    /// The permission that the change needs (R34, R35).
    #[must_use]
    pub const fn permission(&self) -> Permission {
        match self.geometry {
            Some(_) => Permission::ModifyElements,
            None => Permission::ModifyAttributes,
        }
    }

    /// The change without the value of one attribute, unless nothing else is changed.
    #[must_use]
    pub(crate) fn without(mut self, attribute: AttributeId) -> Self {
        if self.geometry.is_some() || self.values.len() > 1 {
            self.values.retain(|(id, _)| *id != attribute);
        }
        self
    }
}

/// Who made and last changed an element, and when; stamped by the server (R54, R106).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamps {
    /// Who created it; `None` when nobody is known to have (R55). Never changes.
    pub created_by: Option<ActorId>,
    /// Who last changed it.
    pub updated_by: Option<ActorId>,
    /// When it was created.
    pub create_time: DateTime,
    /// When it was last changed.
    pub update_time: DateTime,
}

/// An element as it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    /// Its id (R103).
    pub id: ElementId,
    /// The revision of the edit that last changed it.
    pub revision: DataRevision,
    /// Little-endian ISO WKB in the layer's reference system; `None` when not asked for.
    pub geometry: Option<Vec<u8>>,
    /// The values that were asked for, in the order that they were asked for.
    pub values: Vec<Value>,
    /// Who made it and when.
    pub stamps: Stamps,
}

/// An element with everything that is kept of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ElementRecord {
    /// Its id (R103).
    pub id: ElementId,
    /// The revision of the edit that last changed it.
    pub revision: DataRevision,
    /// Its geometry.
    pub geometry: Geometry,
    /// One value per attribute, in the order of the definition; then those of the dropped attributes.
    pub values: Vec<Value>,
    /// Who made it and when.
    pub stamps: Stamps,
}

/// The same, borrowed: a row as stores write it.
#[derive(Clone, Copy, Debug)]
pub struct ElementRow<'a> {
    /// Its id (R103).
    pub id: ElementId,
    /// The revision of the edit that last changed it.
    pub revision: DataRevision,
    /// Its geometry.
    pub geometry: &'a Geometry,
    /// One value per attribute, in the order of the definition; then, of an element that is moved, those of the dropped
    /// attributes.
    pub values: &'a [Value],
    /// Who made it and when.
    pub stamps: Stamps,
}

impl ElementRecord {
    /// Takes an element that was read with its geometry and all its values.
    ///
    /// # Errors
    /// [`GeometryError`] when its geometry is missing, or not one of the layer's: the storage was damaged.
    pub fn read(element: Element, rules: &GeometryRules) -> Result<Self, GeometryError> {
        let Element {
            id,
            revision,
            geometry,
            values,
            stamps,
        } = element;
        let geometry = rules.parse_stored(&geometry.unwrap_or_default())?;
        Ok(Self {
            id,
            revision,
            geometry,
            values,
            stamps,
        })
    }

    /// The row to write.
    #[must_use]
    pub fn row(&self) -> ElementRow<'_> {
        ElementRow {
            id: self.id,
            revision: self.revision,
            geometry: &self.geometry,
            values: &self.values,
            stamps: self.stamps,
        }
    }
}

impl<'a> ElementRow<'a> {
    /// The row of an element that is created: whoever creates it is its last editor as well (R54, R106).
    #[must_use]
    pub const fn created(
        id: ElementId,
        revision: DataRevision,
        new: &'a NewElement,
        (actor, now): (ActorId, DateTime),
    ) -> Self {
        Self {
            id,
            revision,
            geometry: &new.geometry,
            values: new.values.as_slice(),
            stamps: Stamps {
                created_by: Some(actor),
                updated_by: Some(actor),
                create_time: now,
                update_time: now,
            },
        }
    }
}
