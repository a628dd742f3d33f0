//! Attributes of a new layer, as `name:type[:required][:read-only][:unique]` or as a file shows them.

use std::str::FromStr;

use jmap_proto::types::{AttributeConstraints, AttributeDefinition, AttributeType};
use layer_data_core::{
    definition::{
        AttributeDraft, GeometryType as CoreGeometry, LayerDraft, MAX_UNIQUE_LENGTH,
        ZPolicy as CoreZ,
    },
    value::AttributeType as CoreType,
};

use crate::words::GeometryWord;

/// An attribute as the command line states it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct AttributeSpec(pub(crate) AttributeDefinition);

impl FromStr for AttributeSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let name = parts.next().unwrap_or_default().trim();
        let kind = parts.next().map(str::trim);
        let Some(kind) = kind.filter(|_| !name.is_empty()) else {
            return Err(format!("`{text}` is not written as name:type"));
        };
        let mut attribute = AttributeDefinition {
            name: name.to_owned(),
            ..Default::default()
        };
        attribute.set_type(parse_type(kind)?);
        for flag in parts {
            match flag.trim() {
                "required" => attribute.required = true,
                "read-only" => attribute.read_only = true,
                "unique" => {
                    let kind = attribute.r#type();
                    make_unique(kind, attribute.constraints.get_or_insert_default());
                }
                other => {
                    let flags = "`required`, `read-only` or `unique`";
                    return Err(format!("`{other}` is none of {flags}"));
                }
            }
        }
        Ok(Self(attribute))
    }
}

/// Lets no two elements have the same value. A unique string has a limited length.
pub(crate) fn make_unique(kind: AttributeType, constraints: &mut AttributeConstraints) {
    constraints.unique = true;
    if kind == AttributeType::String && constraints.max_length.is_none() {
        constraints.max_length = i32::try_from(MAX_UNIQUE_LENGTH).ok();
    }
}

/// A type by its word.
pub(crate) fn parse_type(word: &str) -> Result<AttributeType, String> {
    CoreType::from_name(word).map(contract_type).ok_or_else(|| {
        let words = CoreType::ALL.map(CoreType::name).join(", ");
        format!("`{word}` is no type; the types are {words}")
    })
}

const fn contract_type(kind: CoreType) -> AttributeType {
    match kind {
        CoreType::String => AttributeType::String,
        CoreType::Integer => AttributeType::Integer,
        CoreType::Double => AttributeType::Double,
        CoreType::Boolean => AttributeType::Boolean,
        CoreType::Date => AttributeType::Date,
        CoreType::DateTime => AttributeType::DateTime,
        CoreType::Binary => AttributeType::Binary,
    }
}

/// What a file shows of the layer that takes it.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    /// The geometries.
    pub(crate) geometry: GeometryWord,
    /// Whether positions carry a height.
    pub(crate) z: bool,
    /// The reference system.
    pub(crate) epsg: i32,
    /// The attributes.
    pub(crate) attributes: Vec<AttributeDefinition>,
}

impl From<LayerDraft> for Shown {
    fn from(draft: LayerDraft) -> Self {
        let LayerDraft {
            geometry_type,
            z,
            epsg,
            attributes,
            invalid: _,
            keep_history: _,
        } = draft;
        Self {
            geometry: geometry_of(geometry_type),
            z: z == CoreZ::Mandatory,
            epsg,
            attributes: attributes.into_iter().map(proposed).collect(),
        }
    }
}

/// A file shows an attribute's name and type; the rest is for people to decide.
fn proposed(draft: AttributeDraft) -> AttributeDefinition {
    let mut attribute = AttributeDefinition {
        name: draft.name,
        ..Default::default()
    };
    attribute.set_type(contract_type(draft.kind));
    attribute
}

const fn geometry_of(kind: CoreGeometry) -> GeometryWord {
    match kind {
        CoreGeometry::Point => GeometryWord::Point,
        CoreGeometry::LineString => GeometryWord::Line,
        CoreGeometry::Polygon => GeometryWord::Polygon,
        CoreGeometry::MultiPoint => GeometryWord::MultiPoint,
        CoreGeometry::MultiLineString => GeometryWord::MultiLine,
        CoreGeometry::MultiPolygon => GeometryWord::MultiPolygon,
        CoreGeometry::Any => GeometryWord::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<AttributeDefinition, String> {
        text.parse().map(|AttributeSpec(attribute)| attribute)
    }

    #[test]
    fn a_name_and_a_type_are_enough() {
        let attribute = parse("built on:date").unwrap();
        assert_eq!(attribute.name, "built on");
        assert_eq!(attribute.r#type(), AttributeType::Date);
        assert!(!attribute.required && !attribute.read_only);
    }

    #[test]
    fn flags_follow_the_type() {
        let attribute = parse("name:string:required:read-only").unwrap();
        assert!(attribute.required && attribute.read_only);
        let constraints = parse("code:string:unique").unwrap().constraints.unwrap();
        assert_eq!(
            (constraints.unique, constraints.max_length),
            (true, Some(500))
        );
        let constraints = parse("code:integer:unique").unwrap().constraints.unwrap();
        assert_eq!((constraints.unique, constraints.max_length), (true, None));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert!(parse("name").unwrap_err().contains("name:type"));
        assert!(parse(":string").unwrap_err().contains("name:type"));
        assert!(parse("name:text").unwrap_err().contains("datetime"));
        assert!(parse("name:string:maybe").unwrap_err().contains("maybe"));
    }
}
