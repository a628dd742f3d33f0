//! The definition as JSON, the form in which every store keeps it.

use std::{collections::HashSet, time::Duration};

use jmap_domain::{ActorId, AttributeId};
use serde::{Deserialize, Serialize};

use super::{
    AllowedValue, AttributeConstraints, AttributeDefinition, AttributeDraft, ChangeKey,
    DefinitionVersion, DroppedAttribute, GeometryType, HistoryRetention, LayerDefinition, Origin,
    ZPolicy,
};
use crate::{
    crs::Crs,
    edit::RequestKey,
    geometry::{GeometryRules, InvalidPolygons},
    value::{AttributeType, Date, DateTime, Value},
};

/// Stored text is not a definition: the storage was damaged, or written by something else.
#[derive(Debug, thiserror::Error)]
#[error("the stored definition cannot be read: {0}")]
pub struct StoredDefinitionError(String);

#[derive(Serialize, Deserialize)]
struct StoredLayer {
    version: u32,
    geometry_type: String,
    z: bool,
    epsg: i32,
    /// Absent where the layer was made before there was a choice: such layers have always taken what came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    invalid_polygons: Option<String>,
    /// In seconds; absent where history is kept for ever, as it was before there was a choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keep_history: Option<u64>,
    next_attribute: i64,
    attributes: Vec<StoredAttribute>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<StoredDropped>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_by: Option<StoredKey>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Origin>,
}

#[derive(Serialize, Deserialize)]
struct StoredDropped {
    attribute: StoredAttribute,
    time: i64,
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    actor: i64,
    id: [u8; 16],
    content: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct StoredAttribute {
    id: i64,
    name: String,
    label: String,
    description: String,
    #[serde(rename = "type")]
    kind: String,
    default: StoredValue,
    required: bool,
    read_only: bool,
    constraints: StoredConstraints,
    input_hint: String,
}

#[derive(Serialize, Deserialize)]
struct StoredConstraints {
    min_length: Option<u32>,
    max_length: Option<u32>,
    min_value: Option<StoredValue>,
    max_value: Option<StoredValue>,
    allowed: Vec<(StoredValue, String)>,
    /// Not written where it is not, as before there was a choice.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unique: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StoredValue {
    Null,
    String(String),
    Integer(i64),
    Double(f64),
    Boolean(bool),
    Date(i32),
    DateTime(i64),
    Binary(Vec<u8>),
}

impl LayerDefinition {
    /// The definition as JSON.
    ///
    /// # Errors
    /// [`StoredDefinitionError`], which would be a mistake of ours: all of it can be written.
    pub fn to_json(&self) -> Result<String, StoredDefinitionError> {
        let stored = StoredLayer {
            version: self.version.0,
            geometry_type: self.geometry.geometry_type.name().to_owned(),
            z: self.geometry.z == ZPolicy::Mandatory,
            epsg: self.geometry.crs.epsg(),
            invalid_polygons: Some(self.geometry.invalid.name().to_owned()),
            keep_history: self.keep_history.map(|keep| keep.duration().as_secs()),
            next_attribute: self.next_attribute.get(),
            attributes: self.attributes.iter().map(StoredAttribute::from).collect(),
            dropped: self.dropped.iter().map(StoredDropped::from).collect(),
            made_by: self.made_by.map(StoredKey::from),
            origin: self.origin.clone(),
        };
        serde_json::to_string(&stored).map_err(|error| broken(&error))
    }

    /// The definition from JSON, checked like a new one.
    ///
    /// # Errors
    /// [`StoredDefinitionError`] when the text is not a definition.
    pub fn from_json(json: &str) -> Result<Self, StoredDefinitionError> {
        let stored: StoredLayer = serde_json::from_str(json).map_err(|error| broken(&error))?;
        let geometry_type = GeometryType::from_name(&stored.geometry_type)
            .ok_or_else(|| broken("geometry type"))?;
        let z = if stored.z {
            ZPolicy::Mandatory
        } else {
            ZPolicy::Forbidden
        };
        let crs = Crs::known(stored.epsg).ok_or_else(|| broken("reference system"))?;
        let invalid = match stored.invalid_polygons.as_deref() {
            None => InvalidPolygons::Accept,
            Some(name) => {
                InvalidPolygons::from_name(name).ok_or_else(|| broken("invalid polygons"))?
            }
        };
        let keep_history = stored.keep_history.map(Duration::from_secs);
        let keep_history = keep_history.map(HistoryRetention::of).transpose();
        let mut keys = HashSet::new();
        let attributes = stored
            .attributes
            .into_iter()
            .map(|attribute| attribute.read(&mut keys));
        Ok(Self {
            version: DefinitionVersion(stored.version),
            geometry: GeometryRules {
                invalid,
                ..GeometryRules::new(geometry_type, z, crs)
            },
            keep_history: keep_history.map_err(|error| broken(&error))?,
            attributes: attributes.collect::<Result<_, _>>()?,
            next_attribute: AttributeId::new(stored.next_attribute)
                .map_err(|error| broken(&error))?,
            dropped: stored
                .dropped
                .into_iter()
                .map(StoredDropped::read)
                .collect::<Result<_, _>>()?,
            made_by: stored.made_by.map(StoredKey::read).transpose()?,
            origin: stored.origin,
        })
    }
}

impl From<&DroppedAttribute> for StoredDropped {
    fn from(dropped: &DroppedAttribute) -> Self {
        Self {
            attribute: StoredAttribute::from(&dropped.attribute),
            time: dropped.dropped.millis(),
        }
    }
}

impl StoredDropped {
    fn read(self) -> Result<DroppedAttribute, StoredDefinitionError> {
        Ok(DroppedAttribute {
            // Another attribute may have taken the name since.
            attribute: self.attribute.read(&mut HashSet::new())?,
            dropped: DateTime::from_millis(self.time).map_err(|error| broken(&error))?,
        })
    }
}

impl From<ChangeKey> for StoredKey {
    fn from(key: ChangeKey) -> Self {
        let RequestKey { id, content } = key.request;
        Self {
            actor: key.actor.get(),
            id,
            content,
        }
    }
}

impl StoredKey {
    fn read(self) -> Result<ChangeKey, StoredDefinitionError> {
        let Self { actor, id, content } = self;
        Ok(ChangeKey {
            actor: ActorId::new(actor).map_err(|error| broken(&error))?,
            request: RequestKey { id, content },
        })
    }
}

fn broken<E: ToString + ?Sized>(error: &E) -> StoredDefinitionError {
    StoredDefinitionError(error.to_string())
}

impl From<&AttributeDefinition> for StoredAttribute {
    fn from(attribute: &AttributeDefinition) -> Self {
        Self {
            id: attribute.id.get(),
            name: attribute.name.to_string(),
            label: attribute.label.clone(),
            description: attribute.description.clone(),
            kind: attribute.kind.name().to_owned(),
            default: StoredValue::from(&attribute.default),
            required: attribute.required,
            read_only: attribute.read_only,
            constraints: StoredConstraints::from(&attribute.constraints),
            input_hint: attribute.input_hint.clone(),
        }
    }
}

impl StoredAttribute {
    fn read(
        self,
        keys: &mut HashSet<String>,
    ) -> Result<AttributeDefinition, StoredDefinitionError> {
        let id = AttributeId::new(self.id).map_err(|error| broken(&error))?;
        let draft = AttributeDraft {
            name: self.name,
            label: self.label,
            description: self.description,
            kind: AttributeType::from_name(&self.kind).ok_or_else(|| broken("attribute type"))?,
            default: self.default.read()?,
            required: self.required,
            read_only: self.read_only,
            constraints: self.constraints.read()?,
            input_hint: self.input_hint,
        };
        draft.define(id, 0, keys).map_err(|error| broken(&error))
    }
}

impl From<&AttributeConstraints> for StoredConstraints {
    fn from(constraints: &AttributeConstraints) -> Self {
        let allowed = constraints.allowed.iter();
        Self {
            min_length: constraints.min_length,
            max_length: constraints.max_length,
            min_value: constraints.min_value.as_ref().map(StoredValue::from),
            max_value: constraints.max_value.as_ref().map(StoredValue::from),
            allowed: allowed
                .map(|allowed| (StoredValue::from(&allowed.value), allowed.label.clone()))
                .collect(),
            unique: constraints.unique,
        }
    }
}

impl StoredConstraints {
    fn read(self) -> Result<AttributeConstraints, StoredDefinitionError> {
        let allowed = self.allowed.into_iter();
        Ok(AttributeConstraints {
            min_length: self.min_length,
            max_length: self.max_length,
            min_value: self.min_value.map(StoredValue::read).transpose()?,
            max_value: self.max_value.map(StoredValue::read).transpose()?,
            allowed: allowed
                .map(|(value, label)| {
                    Ok(AllowedValue {
                        value: value.read()?,
                        label,
                    })
                })
                .collect::<Result<_, StoredDefinitionError>>()?,
            unique: self.unique,
        })
    }
}

impl From<&Value> for StoredValue {
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::String(text) => Self::String(text.as_str().to_owned()),
            Value::Integer(number) => Self::Integer(*number),
            Value::Double(number) => Self::Double(number.get()),
            Value::Boolean(flag) => Self::Boolean(*flag),
            Value::Date(day) => Self::Date(day.days()),
            Value::DateTime(instant) => Self::DateTime(instant.millis()),
            Value::Binary(bytes) => Self::Binary(bytes.clone()),
        }
    }
}

impl StoredValue {
    fn read(self) -> Result<Value, StoredDefinitionError> {
        match self {
            Self::Null => Ok(Value::Null),
            Self::String(text) => Value::text(text).map_err(|error| broken(&error)),
            Self::Integer(number) => Ok(Value::Integer(number)),
            Self::Double(number) => Value::double(number).map_err(|error| broken(&error)),
            Self::Boolean(flag) => Ok(Value::Boolean(flag)),
            Self::Date(days) => Date::from_days(days)
                .map(Value::Date)
                .map_err(|error| broken(&error)),
            Self::DateTime(millis) => DateTime::from_millis(millis)
                .map(Value::DateTime)
                .map_err(|error| broken(&error)),
            Self::Binary(bytes) => Ok(Value::Binary(bytes)),
        }
    }
}
