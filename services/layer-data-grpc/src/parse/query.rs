//! Selections, masks and limits of reads.

use std::num::NonZeroU64;

use jmap_domain::ElementId;
use jmap_proto::{
    layerdata::{
        Circle, ElementMask, Selection, SpatialCondition, SpatialRelation,
        spatial_condition::Operand,
    },
    types::Box as WireBox,
};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration, id, required};
use layer_data_core::{
    crs::Crs,
    query::{
        BoxInput, CircleInput, GeometryOutput, MAX_IDS, OutputInput, Relation, SelectionInput,
        ShapeInput, SpatialInput,
    },
};

use super::{
    as_of::as_of,
    attribute_refs,
    filter::{Parsed, filter},
};

/// What of each element is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mask {
    /// Geometry and attributes.
    pub(crate) output: OutputInput,
    /// The stamps.
    pub(crate) stamps: Stamps,
}

/// Whether stamps are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stamps {
    /// They are not.
    #[default]
    Omit,
    /// They are.
    Include,
}

/// Parses what of each element is wanted; unset means the geometry and all attributes.
pub(crate) fn mask(path: &FieldPath, mask: Option<ElementMask>) -> Result<Mask, FieldViolation> {
    let Some(ElementMask {
        geometry,
        attributes,
        stamps,
    }) = mask
    else {
        return Ok(Mask::default());
    };
    let attributes = attribute_refs(&path.field("attributes"), attributes)?;
    let geometry = if geometry {
        GeometryOutput::Include
    } else {
        GeometryOutput::Omit
    };
    Ok(Mask {
        output: OutputInput {
            geometry,
            attributes: Some(attributes),
            ..OutputInput::default()
        },
        stamps: if stamps {
            Stamps::Include
        } else {
            Stamps::Omit
        },
    })
}

/// Parses which elements are meant; unset means all.
pub(crate) fn selection(
    path: &FieldPath,
    selection: Option<Selection>,
) -> Result<SelectionInput, FieldViolation> {
    let Selection {
        element_ids: ids,
        r#box: bbox,
        spatial: condition,
        filter: given,
        as_of: moment,
    } = selection.unwrap_or_default();
    let given = given.map(|given| filter(&path.field("filter"), given));
    let (condition_tree, cql2) = match given.transpose()? {
        None => (None, None),
        Some(Parsed::Tree(tree)) => (Some(tree), None),
        Some(Parsed::Cql2(cql2)) => (None, Some(cql2)),
    };
    Ok(SelectionInput {
        ids: if ids.is_empty() {
            None
        } else {
            Some(element_ids(&path.field("element_ids"), &ids, MAX_IDS)?)
        },
        bbox: bbox
            .map(|bbox| box_input(&path.field("box"), bbox))
            .transpose()?,
        spatial: condition
            .map(|condition| spatial(&path.field("spatial"), condition))
            .transpose()?,
        condition: condition_tree,
        cql2,
        as_of: moment
            .map(|moment| as_of(&path.field("as_of"), moment))
            .transpose()?,
    })
}

/// Parses element ids, at most so many.
pub(crate) fn element_ids(
    path: &FieldPath,
    ids: &[i64],
    maximum: usize,
) -> Result<Vec<ElementId>, FieldViolation> {
    if ids.len() > maximum {
        return Err(path.clone().violates(Violation::TooMany { maximum }));
    }
    let parse = |(index, number): (usize, &i64)| id(path.item(index), *number);
    ids.iter().enumerate().map(parse).collect()
}

pub(super) fn box_input(path: &FieldPath, wire: WireBox) -> Result<BoxInput, FieldViolation> {
    let WireBox {
        min_x,
        min_y,
        max_x,
        max_y,
        epsg,
    } = wire;
    Ok(BoxInput {
        min_x,
        min_y,
        max_x,
        max_y,
        epsg: known_crs(path.field("epsg"), epsg)?.map(Crs::epsg),
    })
}

fn spatial(path: &FieldPath, wire: SpatialCondition) -> Result<SpatialInput, FieldViolation> {
    let SpatialCondition {
        relation: number,
        epsg,
        operand,
    } = wire;
    Ok(SpatialInput {
        relation: enumeration(path.field("relation"), number, relation)?,
        shape: match required(path.field("operand"), operand)? {
            Operand::Geometry(wkb) => ShapeInput::Geometry(wkb.into()),
            Operand::Circle(Circle { x, y, radius }) => {
                ShapeInput::Circle(CircleInput { x, y, radius })
            }
        },
        epsg: known_crs(path.field("epsg"), epsg)?.map(Crs::epsg),
    })
}

const fn relation(relation: SpatialRelation) -> Option<Relation> {
    match relation {
        SpatialRelation::Unspecified => None,
        SpatialRelation::Intersects => Some(Relation::Intersects),
        SpatialRelation::Within => Some(Relation::Within),
        SpatialRelation::Contains => Some(Relation::Contains),
        SpatialRelation::Disjoint => Some(Relation::Disjoint),
    }
}

/// Parses the most elements that the caller can take; 0 means that it does not say.
pub(crate) fn limited_maximum(
    path: FieldPath,
    maximum: i64,
) -> Result<Option<NonZeroU64>, FieldViolation> {
    match u64::try_from(maximum) {
        Ok(maximum) => Ok(NonZeroU64::new(maximum)),
        Err(_negative) => Err(path.invalid("is negative")),
    }
}

/// Parses a reference system that the server knows; 0 means that none is said.
pub(crate) fn known_crs(
    path: FieldPath,
    epsg: i32,
) -> Result<Option<&'static Crs>, FieldViolation> {
    if epsg == 0 {
        return Ok(None);
    }
    let unknown = || path.invalid(format!("reference system `EPSG:{epsg}` is not known"));
    Crs::known(epsg).map(Some).ok_or_else(unknown)
}
