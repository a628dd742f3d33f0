//! Upserts: as they are asked for, and what they become once it is known whether there is such an element.

use jmap_domain::{AttributeId, Permission};

use super::{Edit, ExpectedRevision, Holder};
use crate::{
    definition::{LayerDefinition, ValueFault},
    element::{AttributeRef, ChangeInput, ElementInput, InputError, ValueSource},
    geometry::SingleToMulti,
    value::Value,
};

/// The creation of an element, or the change of the one that has the same value of a unique attribute; not yet checked.
#[derive(Clone, Debug, PartialEq)]
pub struct UpsertInput {
    /// The unique attribute, of which `values` has a value.
    pub key: AttributeRef,
    /// ISO WKB. Without it an element that exists keeps its geometry, and none can be created.
    pub geometry: Option<Vec<u8>>,
    /// Values. Those of other attributes stay, or are the defaults.
    pub values: Vec<(AttributeRef, Value)>,
}

/// Why something cannot be upserted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpsertError {
    /// The layer has no such attribute.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownKey(String),
    /// The attribute may have a value more than once.
    #[error("attribute `{0}` is not unique")]
    KeyNotUnique(String),
    /// No value tells which element is meant.
    #[error("the values have none of the key `{0}`, or null")]
    NoKeyValue(String),
    /// There is no such element, and one cannot be created without a geometry.
    #[error("no element has this key, and a new one needs a geometry")]
    NoGeometry,
    /// Another edit of the same batch is about the same element, or gives an element the same value.
    #[error("`edits[{0}]` is about the same element")]
    Entangled(usize),
}

impl UpsertInput {
    /// The permission that it needs, if there is such an element.
    #[must_use]
    pub const fn change_permission(&self) -> Permission {
        match self.geometry {
            Some(_) => Permission::ModifyElements,
            None => Permission::ModifyAttributes,
        }
    }

    /// The unique attribute, and the value by which the element is looked for.
    ///
    /// # Errors
    /// [`InputError`] when it names no element of the layer.
    pub(crate) fn key<'a>(
        &'a self,
        definition: &LayerDefinition,
    ) -> Result<(AttributeId, &'a Value), InputError> {
        let (_, attribute) = self
            .key
            .find(definition)
            .ok_or_else(|| UpsertError::UnknownKey(self.key.to_string()))?;
        let name = attribute.name.to_string();
        if !attribute.constraints.unique {
            return Err(UpsertError::KeyNotUnique(name).into());
        }
        let is_key = |(of, _): &&(AttributeRef, Value)| {
            of.find(definition)
                .is_some_and(|(_, found)| found.id == attribute.id)
        };
        let value = self.values.iter().enumerate();
        let mut value = value.filter(|(_, given)| is_key(given));
        let Some((index, (_, value))) = value.next().filter(|(_, (_, value))| !value.is_null())
        else {
            return Err(UpsertError::NoKeyValue(name).into());
        };
        let fault = |fault: ValueFault| InputError::Value {
            index: Some(index),
            name: attribute.name.to_string(),
            fault,
        };
        attribute.check(value).map_err(fault)?;
        Ok((attribute.id, value))
    }

    /// The edit that it is, checked: the change of the element that was found, otherwise a creation. An element that is
    /// changed keeps its key, so that is no part of the change, unless nothing else is.
    pub(crate) fn check(
        &self,
        definition: &LayerDefinition,
        key: AttributeId,
        found: Option<&Holder>,
    ) -> Result<Edit, InputError> {
        let values = self.values.clone();
        let Some(found) = found else {
            let geometry = self.geometry.clone().ok_or(UpsertError::NoGeometry)?;
            let element = ElementInput { geometry, values };
            let source = ValueSource::Client;
            let new = element.check(definition, source, SingleToMulti::Refuse)?;
            return Ok(Edit::Create(new));
        };
        let change = ChangeInput {
            geometry: self.geometry.clone(),
            values,
        };
        Ok(Edit::Update {
            element: found.element,
            expected: ExpectedRevision::Revision(found.revision),
            patch: change.check(definition)?.without(key),
        })
    }
}
