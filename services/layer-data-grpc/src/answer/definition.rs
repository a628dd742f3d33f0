//! Definitions of layers, as forms and clients read them (R105).

use jmap_proto::{
    layerdata::{
        DroppedAttribute as WireDropped, LayerDefinition as WireDefinition,
        ListDroppedAttributesResponse,
    },
    types::{self as pb, AttributeConstraints as WireConstraints},
};
use jmap_wire::{duration_to_proto, timestamp};
use layer_data_core::{
    definition::{
        AllowedValue, AttributeConstraints, AttributeDefinition, DroppedAttribute, GeometryType,
        ZPolicy,
    },
    geometry::InvalidPolygons,
    ports::StoredLayer,
    value::AttributeType,
};

use super::value;

/// A layer's definition.
pub(crate) fn definition(layer: &StoredLayer) -> WireDefinition {
    let definition = &layer.definition;
    let rules = definition.geometry();
    WireDefinition {
        version: version(layer),
        geometry_type: geometry_type(rules.geometry_type).into(),
        z_policy: z_policy(rules.z).into(),
        epsg: rules.crs.epsg(),
        attributes: definition.attributes().iter().map(attribute).collect(),
        create_time: Some(timestamp(layer.created.millis())),
        invalid_polygons: invalid_polygons(rules.invalid).into(),
        keep_history_for: definition
            .keep_history()
            .map(|keep| duration_to_proto(keep.duration())),
    }
}

/// The attributes of a layer that were dropped.
pub(crate) fn dropped(layer: &StoredLayer) -> ListDroppedAttributesResponse {
    let wire = |dropped: &DroppedAttribute| WireDropped {
        attribute: Some(attribute(&dropped.attribute)),
        drop_time: Some(timestamp(dropped.dropped.millis())),
    };
    ListDroppedAttributesResponse {
        version: version(layer),
        attributes: layer.definition.dropped().iter().map(wire).collect(),
    }
}

/// The version of a layer's definition.
pub(super) fn version(layer: &StoredLayer) -> i32 {
    i32::try_from(layer.definition.version().0).unwrap_or(i32::MAX)
}

pub(crate) const fn geometry_type(geometry_type: GeometryType) -> pb::GeometryType {
    match geometry_type {
        GeometryType::Point => pb::GeometryType::Point,
        GeometryType::LineString => pb::GeometryType::LineString,
        GeometryType::Polygon => pb::GeometryType::Polygon,
        GeometryType::MultiPoint => pb::GeometryType::MultiPoint,
        GeometryType::MultiLineString => pb::GeometryType::MultiLineString,
        GeometryType::MultiPolygon => pb::GeometryType::MultiPolygon,
        GeometryType::Any => pb::GeometryType::Any,
    }
}

const fn z_policy(policy: ZPolicy) -> pb::ZPolicy {
    match policy {
        ZPolicy::Forbidden => pb::ZPolicy::Forbidden,
        ZPolicy::Mandatory => pb::ZPolicy::Mandatory,
    }
}

const fn invalid_polygons(policy: InvalidPolygons) -> pb::InvalidPolygonPolicy {
    match policy {
        InvalidPolygons::Reject => pb::InvalidPolygonPolicy::Reject,
        InvalidPolygons::Repair => pb::InvalidPolygonPolicy::Repair,
        InvalidPolygons::Accept => pb::InvalidPolygonPolicy::Accept,
    }
}

/// An attribute of a layer.
pub(super) fn attribute(attribute: &AttributeDefinition) -> pb::AttributeDefinition {
    let AttributeDefinition {
        id,
        name,
        label,
        description,
        kind,
        default,
        required,
        read_only,
        constraints: limits,
        input_hint,
    } = attribute;
    pb::AttributeDefinition {
        attribute_id: id.get(),
        name: name.to_string(),
        label: label.clone(),
        description: description.clone(),
        r#type: attribute_type(*kind).into(),
        default_value: (!default.is_null()).then(|| value(default)),
        required: *required,
        read_only: *read_only,
        constraints: (*limits != AttributeConstraints::default()).then(|| constraints(limits)),
        input_hint: input_hint.clone(),
    }
}

const fn attribute_type(kind: AttributeType) -> pb::AttributeType {
    match kind {
        AttributeType::String => pb::AttributeType::String,
        AttributeType::Integer => pb::AttributeType::Integer,
        AttributeType::Double => pb::AttributeType::Double,
        AttributeType::Boolean => pb::AttributeType::Boolean,
        AttributeType::Date => pb::AttributeType::Date,
        AttributeType::DateTime => pb::AttributeType::DateTime,
        AttributeType::Binary => pb::AttributeType::Binary,
    }
}

fn constraints(limits: &AttributeConstraints) -> WireConstraints {
    let AttributeConstraints {
        min_length,
        max_length,
        min_value,
        max_value,
        allowed,
        unique,
    } = limits;
    let length =
        |length: &Option<u32>| length.map(|length| i32::try_from(length).unwrap_or(i32::MAX));
    let allowed_value = |allowed: &AllowedValue| pb::AllowedValue {
        value: Some(value(&allowed.value)),
        label: allowed.label.clone(),
    };
    WireConstraints {
        min_length: length(min_length),
        max_length: length(max_length),
        min_value: min_value.as_ref().map(value),
        max_value: max_value.as_ref().map(value),
        allowed_values: allowed.iter().map(allowed_value).collect(),
        unique: *unique,
    }
}
