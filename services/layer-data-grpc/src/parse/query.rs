//! Selections, masks and limits of reads.

use std::num::NonZeroU64;

use jmap_domain::ElementId;
use jmap_proto::{
    layerdata::{
        ElementMask, Selection, SpatialCondition, SpatialRelation, spatial_condition::Operand,
    },
    types::Box as WireBox,
};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration, id, required};
use layer_data_core::{
    crs::Crs,
    query::{BoxInput, GeometryOutput, MAX_IDS, OperandInput, OutputInput, SelectionInput},
};

use super::{attribute_refs, filter::filter};

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
    } = selection.unwrap_or_default();
    let path_of_filter = path.field("filter");
    Ok(SelectionInput {
        ids: if ids.is_empty() {
            None
        } else {
            Some(element_ids(&path.field("element_ids"), &ids, MAX_IDS)?)
        },
        bbox: bbox
            .map(|bbox| box_input(&path.field("box"), bbox))
            .transpose()?,
        intersects: condition
            .map(|condition| spatial(&path.field("spatial"), condition))
            .transpose()?,
        condition: given
            .map(|given| filter(&path_of_filter, given))
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

fn box_input(path: &FieldPath, wire: WireBox) -> Result<BoxInput, FieldViolation> {
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

/// Only *intersects* with a geometry is built.
fn spatial(path: &FieldPath, wire: SpatialCondition) -> Result<OperandInput, FieldViolation> {
    let SpatialCondition {
        relation: number,
        epsg,
        operand,
    } = wire;
    let relation = path.field("relation");
    match enumeration(relation.clone(), number, Some)? {
        SpatialRelation::Intersects => {}
        SpatialRelation::Unspecified => return Err(relation.violates(Violation::Missing)),
        SpatialRelation::Within | SpatialRelation::Contains | SpatialRelation::Disjoint => {
            return Err(relation.violates(Violation::NotBuilt));
        }
    }
    match required(path.field("operand"), operand)? {
        Operand::Geometry(wkb) => Ok(OperandInput {
            wkb: wkb.into(),
            epsg: known_crs(path.field("epsg"), epsg)?.map(Crs::epsg),
        }),
        Operand::Circle(_) => Err(path.field("circle").violates(Violation::NotBuilt)),
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
