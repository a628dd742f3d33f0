//! What a layer's elements look like: the definition is the layer's form (R63, R64, R66, R105).

mod attribute;
mod change;
mod columns;
mod constraints;
mod examination;
mod name;
mod retention;
mod stored;
mod unique;

use std::{collections::HashSet, time::Duration};

use jmap_domain::{ActorId, AttributeId};
use sha2::{Digest, Sha256};

pub use attribute::{AttributeDefinition, AttributeDraft};
pub use change::{AttributeRules, ChangeError, ChangeFault, DefinitionChange};
pub use columns::{ColumnStep, WidenedColumn, column_of_dropped};
pub use constraints::{
    AllowedValue, AttributeConstraints, ConstraintError, MAX_UNIQUE_LENGTH, ValueFault,
};
pub use examination::{Contradiction, Contradictory, Examination, MAX_EXAMPLES};
pub use name::{AttributeName, NameFault};
pub use retention::{HistoryRetention, RetentionError};
pub use stored::StoredDefinitionError;
pub use unique::UniqueSteps;

use crate::{
    crs::Crs,
    edit::RequestKey,
    geometry::{GeometryRules, InvalidPolygons},
    value::{DateTime, Value},
};

/// Most attributes of a layer, dropped and not yet purged ones included (R64).
pub const MAX_ATTRIBUTES: usize = 250;

/// Most attributes that a layer may have in its whole life, purged ones included: PostgreSQL never gives the place of
/// a column to another, and a table has 1,600.
pub const MAX_ATTRIBUTES_EVER: i64 = 1_500;

/// The geometries that a layer accepts (R66).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GeometryType {
    /// Points.
    Point,
    /// Lines.
    LineString,
    /// Polygons.
    Polygon,
    /// Sets of points.
    MultiPoint,
    /// Sets of lines.
    MultiLineString,
    /// Sets of polygons.
    MultiPolygon,
    /// Any of the above.
    Any,
}

/// Whether positions carry a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ZPolicy {
    /// Positions have x and y.
    Forbidden,
    /// Every position has x, y and z.
    Mandatory,
}

/// The number of a layer's definition: 1 when it is created, one more with each change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DefinitionVersion(pub u32);

/// What a creating call asks for, not yet checked.
#[derive(Clone, Debug)]
pub struct LayerDraft {
    /// The geometries it accepts.
    pub geometry_type: GeometryType,
    /// Whether positions carry a height.
    pub z: ZPolicy,
    /// The EPSG code of the reference system that its elements are stored in.
    pub epsg: i32,
    /// What becomes of polygons that are not valid.
    pub invalid: InvalidPolygons,
    /// How long its history is kept; `None` is for ever.
    pub keep_history: Option<Duration>,
    /// Its attributes, in the order of the form.
    pub attributes: Vec<AttributeDraft>,
}

/// Why a draft is not a definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// The server does not know the reference system.
    #[error("reference system `EPSG:{0}` is not known")]
    UnknownCrs(i32),
    /// A time that history cannot be kept for.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// More attributes than a layer may have (R64).
    #[error("a layer has at most {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// A name that an attribute may not have (R64).
    #[error("attribute {index}: {fault}")]
    Name {
        /// Which attribute of the draft, from 0.
        index: usize,
        /// What is wrong with its name.
        fault: NameFault,
    },
    /// Two names that differ at most in case (R64).
    #[error("attribute {index}: the name `{name}` is taken by another attribute")]
    DuplicateName {
        /// Which attribute of the draft, from 0.
        index: usize,
        /// Its name.
        name: String,
    },
    /// Constraints that contradict the type, each other or the default.
    #[error("attribute `{name}`: {fault}")]
    Constraint {
        /// Which attribute of the draft, from 0.
        index: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        fault: ConstraintError,
    },
}

/// A layer's definition: what its elements must be, and what whoever views the layer may read (R105).
#[derive(Clone, Debug)]
pub struct LayerDefinition {
    version: DefinitionVersion,
    geometry: GeometryRules,
    keep_history: Option<HistoryRetention>,
    attributes: Vec<AttributeDefinition>,
    next_attribute: AttributeId,
    dropped: Vec<DroppedAttribute>,
    made_by: Option<ChangeKey>,
    /// What the first form was like; `None` while this is it, or when it was changed before that was kept.
    origin: Option<Origin>,
}

/// A digest (SHA-256) of the first form of a definition.
pub(crate) type Origin = Box<[u8; 32]>;

/// An attribute that was dropped: nobody sees it or its values, which are kept until it is restored or purged (R114).
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedAttribute {
    /// The attribute as it was.
    pub attribute: AttributeDefinition,
    /// When it was dropped.
    pub dropped: DateTime,
}

/// The request that made a form of a definition, so that a retry of it is recognised (R109).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChangeKey {
    /// Who asked.
    pub actor: ActorId,
    /// What recognises a retry.
    pub request: RequestKey,
}

impl LayerDraft {
    /// Checks the draft and gives its attributes their ids.
    ///
    /// # Errors
    /// [`DefinitionError`], for the first thing that is wrong.
    pub fn define(self) -> Result<LayerDefinition, DefinitionError> {
        let crs = Crs::known(self.epsg).ok_or(DefinitionError::UnknownCrs(self.epsg))?;
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(DefinitionError::TooManyAttributes);
        }
        let keep_history = self.keep_history.map(HistoryRetention::of).transpose()?;
        let mut keys = HashSet::new();
        let mut ids = (1..).map_while(|id| AttributeId::new(id).ok());
        let mut attributes = Vec::with_capacity(self.attributes.len());
        for ((index, draft), id) in self.attributes.into_iter().enumerate().zip(&mut ids) {
            attributes.push(draft.define(id, index, &mut keys)?);
        }
        Ok(LayerDefinition {
            version: DefinitionVersion(1),
            geometry: GeometryRules {
                invalid: self.invalid,
                ..GeometryRules::new(self.geometry_type, self.z, crs)
            },
            keep_history,
            attributes,
            next_attribute: ids.next().ok_or(DefinitionError::TooManyAttributes)?,
            dropped: Vec::new(),
            made_by: None,
            origin: None,
        })
    }
}

impl LayerDefinition {
    /// The number of this form of the definition.
    #[must_use]
    pub const fn version(&self) -> DefinitionVersion {
        self.version
    }

    /// What its geometries must be.
    #[must_use]
    pub const fn geometry(&self) -> &GeometryRules {
        &self.geometry
    }

    /// How long its history is kept; `None` is for ever.
    #[must_use]
    pub const fn keep_history(&self) -> Option<HistoryRetention> {
        self.keep_history
    }

    /// The attributes in the order of the form, which is the order of an element's values.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeDefinition] {
        &self.attributes
    }

    /// The id that the next attribute gets. Ids are never reused, whatever is dropped (R114).
    #[must_use]
    pub const fn next_attribute(&self) -> AttributeId {
        self.next_attribute
    }

    /// An attribute and its place among an element's values.
    #[must_use]
    pub fn attribute(&self, id: AttributeId) -> Option<(usize, &AttributeDefinition)> {
        self.attributes
            .iter()
            .enumerate()
            .find(|(_, attribute)| attribute.id == id)
    }

    /// The attribute of that name, whatever the case (R64).
    #[must_use]
    pub fn attribute_named(&self, name: &str) -> Option<&AttributeDefinition> {
        let key = AttributeName::key_of(name);
        self.attributes
            .iter()
            .find(|attribute| attribute.name.key() == key)
    }

    /// The attributes that were dropped and can be restored, in the order in which they were dropped.
    #[must_use]
    pub fn dropped(&self) -> &[DroppedAttribute] {
        &self.dropped
    }

    /// The request that made this form; `None` for one that was created, or changed without a request id.
    #[must_use]
    pub const fn made_by(&self) -> Option<ChangeKey> {
        self.made_by
    }

    /// Whether this is what the given first form of a definition is, or became (R109).
    #[must_use]
    pub fn began_as(&self, first: &Self) -> bool {
        let is_first = self.version == first.version;
        if is_first {
            self.digest() == first.digest()
        } else {
            self.origin.is_none() || self.origin == first.digest()
        }
    }

    /// A digest of everything in it.
    fn digest(&self) -> Option<Origin> {
        let json = self.to_json().ok()?;
        Some(Box::new(Sha256::digest(json).into()))
    }

    /// The place of an attribute among everything that is stored of an element: the values of the attributes, then
    /// those of the dropped ones.
    #[must_use]
    pub fn place(&self, id: AttributeId) -> Option<usize> {
        self.stored_attributes()
            .position(|attribute| attribute.id == id)
    }

    /// The attributes, then the dropped ones.
    pub fn stored_attributes(&self) -> impl Iterator<Item = &AttributeDefinition> {
        let dropped = self.dropped.iter().map(|dropped| &dropped.attribute);
        self.attributes.iter().chain(dropped)
    }

    /// The values of an element that is created without any.
    pub fn defaults(&self) -> impl Iterator<Item = Value> + '_ {
        self.attributes
            .iter()
            .map(|attribute| attribute.default.clone())
    }
}

#[cfg(test)]
mod tests;
