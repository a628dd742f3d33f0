//! Definitions of layers to be created.

use std::time::Duration;

use jmap_proto::{
    layerdata::LayerDefinition,
    types::{self as pb, AttributeConstraints as WireConstraints},
};
use jmap_wire::{FieldPath, FieldViolation, duration_from_proto, enumeration};
use layer_data_core::{
    definition::{
        AllowedValue, AttributeConstraints, AttributeDraft, GeometryType, LayerDraft, ZPolicy,
    },
    geometry::InvalidPolygons,
    value::{AttributeType, Value},
};
use prost_types::Duration as WireDuration;

use super::value;

/// The reference system of a layer that names none: longitude and latitude.
const DEFAULT_EPSG: i32 = 4326;

/// Parses a layer's definition. Fields that only answers have are passed over.
pub(crate) fn draft(
    path: &FieldPath,
    definition: LayerDefinition,
) -> Result<LayerDraft, FieldViolation> {
    let LayerDefinition {
        version: _,
        geometry_type: type_number,
        z_policy: z_number,
        epsg,
        attributes,
        create_time: _,
        invalid_polygons: invalid_number,
        keep_history_for,
    } = definition;
    let path_of_attributes = path.field("attributes");
    let parse = |(index, wire)| attribute(&path_of_attributes.item(index), wire);
    Ok(LayerDraft {
        geometry_type: enumeration(path.field("geometry_type"), type_number, geometry_type)?,
        z: enumeration(path.field("z_policy"), z_number, |policy| {
            Some(z_policy(policy))
        })?,
        invalid: enumeration(path.field("invalid_polygons"), invalid_number, |policy| {
            Some(invalid_polygons(policy).unwrap_or(InvalidPolygons::Reject))
        })?,
        keep_history: keep_history(keep_history_for),
        epsg: if epsg == 0 { DEFAULT_EPSG } else { epsg },
        attributes: attributes
            .into_iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()?,
    })
}

/// How long history is kept; unset is for ever. A duration that makes no sense is none, which is too short.
pub(super) fn keep_history(wire: Option<WireDuration>) -> Option<Duration> {
    wire.map(|duration| duration_from_proto(Some(duration)))
}

const fn geometry_type(wire: pb::GeometryType) -> Option<GeometryType> {
    match wire {
        pb::GeometryType::Unspecified => None,
        pb::GeometryType::Point => Some(GeometryType::Point),
        pb::GeometryType::LineString => Some(GeometryType::LineString),
        pb::GeometryType::Polygon => Some(GeometryType::Polygon),
        pb::GeometryType::MultiPoint => Some(GeometryType::MultiPoint),
        pb::GeometryType::MultiLineString => Some(GeometryType::MultiLineString),
        pb::GeometryType::MultiPolygon => Some(GeometryType::MultiPolygon),
        pb::GeometryType::Any => Some(GeometryType::Any),
    }
}

const fn z_policy(wire: pb::ZPolicy) -> ZPolicy {
    match wire {
        pb::ZPolicy::Unspecified | pb::ZPolicy::Forbidden => ZPolicy::Forbidden,
        pb::ZPolicy::Mandatory => ZPolicy::Mandatory,
    }
}

/// `None` when none was given.
pub(super) const fn invalid_polygons(wire: pb::InvalidPolygonPolicy) -> Option<InvalidPolygons> {
    match wire {
        pb::InvalidPolygonPolicy::Unspecified => None,
        pb::InvalidPolygonPolicy::Reject => Some(InvalidPolygons::Reject),
        pb::InvalidPolygonPolicy::Repair => Some(InvalidPolygons::Repair),
        pb::InvalidPolygonPolicy::Accept => Some(InvalidPolygons::Accept),
    }
}

pub(super) fn attribute(
    path: &FieldPath,
    wire: pb::AttributeDefinition,
) -> Result<AttributeDraft, FieldViolation> {
    let pb::AttributeDefinition {
        attribute_id: _,
        name,
        label,
        description,
        r#type,
        default_value,
        required,
        read_only,
        constraints: given,
        input_hint,
    } = wire;
    Ok(AttributeDraft {
        name,
        label,
        description,
        kind: enumeration(path.field("type"), r#type, attribute_type)?,
        default: optional(path.field("default_value"), default_value)?.unwrap_or(Value::Null),
        required,
        read_only,
        constraints: constraints(&path.field("constraints"), given.unwrap_or_default())?,
        input_hint,
    })
}

pub(super) const fn attribute_type(wire: pb::AttributeType) -> Option<AttributeType> {
    match wire {
        pb::AttributeType::Unspecified => None,
        pb::AttributeType::String => Some(AttributeType::String),
        pb::AttributeType::Integer => Some(AttributeType::Integer),
        pb::AttributeType::Double => Some(AttributeType::Double),
        pb::AttributeType::Boolean => Some(AttributeType::Boolean),
        pb::AttributeType::Date => Some(AttributeType::Date),
        pb::AttributeType::DateTime => Some(AttributeType::DateTime),
        pb::AttributeType::Binary => Some(AttributeType::Binary),
    }
}

pub(super) fn optional(
    path: FieldPath,
    given: Option<pb::Value>,
) -> Result<Option<Value>, FieldViolation> {
    given.map(|given| value(path, Some(given))).transpose()
}

pub(super) fn constraints(
    path: &FieldPath,
    wire: WireConstraints,
) -> Result<AttributeConstraints, FieldViolation> {
    let WireConstraints {
        min_length,
        max_length,
        min_value,
        max_value,
        allowed_values,
        unique,
    } = wire;
    let path_of_allowed = path.field("allowed_values");
    let allowed = |(index, wire): (usize, pb::AllowedValue)| {
        let pb::AllowedValue {
            value: given,
            label,
        } = wire;
        let value = value(path_of_allowed.item(index).field("value"), given)?;
        Ok(AllowedValue { value, label })
    };
    Ok(AttributeConstraints {
        min_length: length(path.field("min_length"), min_length)?,
        max_length: length(path.field("max_length"), max_length)?,
        min_value: optional(path.field("min_value"), min_value)?,
        max_value: optional(path.field("max_value"), max_value)?,
        allowed: allowed_values
            .into_iter()
            .enumerate()
            .map(allowed)
            .collect::<Result<_, _>>()?,
        unique,
    })
}

fn length(path: FieldPath, length: Option<i32>) -> Result<Option<u32>, FieldViolation> {
    let parse = |length| u32::try_from(length).map_err(|_negative| path.invalid("is negative"));
    length.map(parse).transpose()
}
