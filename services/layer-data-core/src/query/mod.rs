//! Queries: which elements of a layer, what of each, and how many at most (R110–R112).

mod condition;
mod operand;
mod sink;

use std::{num::NonZeroU64, sync::Arc};

use jmap_domain::{AttributeId, ElementId, LayerId};

pub use condition::{Comparison, Condition, LetterCase, MAX_DEPTH, MAX_NODES};
pub use operand::{MAX_OPERAND_VERTICES, Operand, OperandInput};
pub use sink::ConditionSink;

use crate::{
    crs::{Crs, TransformError},
    definition::LayerDefinition,
    element::AttributeRef,
    geometry::{Bounds, GeometryError},
    value::AttributeType,
};

/// Most element ids in one query.
pub const MAX_IDS: usize = 10_000;

/// A query as it is asked for, not yet checked against the layer.
#[derive(Clone, Debug)]
pub struct QueryInput {
    /// The layer.
    pub layer: LayerId,
    /// Which elements.
    pub selection: SelectionInput,
    /// What of each element.
    pub output: OutputInput,
    /// The greatest number of elements that the caller can take: more is an error, never a cut (R112).
    pub maximum: Option<NonZeroU64>,
}

/// Which elements are meant. What is set must hold together; nothing set means all.
#[derive(Clone, Debug, Default)]
pub struct SelectionInput {
    /// Only these elements.
    pub ids: Option<Vec<ElementId>>,
    /// Only elements whose bounding box intersects this box.
    pub bbox: Option<BoxInput>,
    /// Only elements that share a position with this geometry.
    pub intersects: Option<OperandInput>,
    /// Only elements whose attribute values satisfy this condition.
    pub condition: Option<Condition<AttributeRef>>,
}

impl SelectionInput {
    /// Whether anything limits the selection. Reading a whole layer needs *copy / export* (R38).
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.ids.is_some()
            || self.bbox.is_some()
            || self.intersects.is_some()
            || self.condition.is_some()
    }
}

/// A box, x first. In a geographic system `min_x` above `max_x` crosses the antimeridian.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoxInput {
    /// The western or left edge.
    pub min_x: f64,
    /// The southern or lower edge.
    pub min_y: f64,
    /// The eastern or right edge.
    pub max_x: f64,
    /// The northern or upper edge.
    pub max_y: f64,
    /// The EPSG code that the edges are given in; `None` means the layer's own.
    pub epsg: Option<i32>,
}

/// Whether geometries are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GeometryOutput {
    /// They are.
    #[default]
    Include,
    /// They are not.
    Omit,
}

/// What of each element is wanted.
#[derive(Clone, Debug, Default)]
pub struct OutputInput {
    /// Whether geometries are.
    pub geometry: GeometryOutput,
    /// Which attributes, in this order; `None` means all.
    pub attributes: Option<Vec<AttributeRef>>,
}

/// Why a query makes no sense for the layer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// A condition on an attribute that the layer does not have.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownAttribute(String),
    /// An attribute is wanted that the layer does not have.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownOutput(String),
    /// An attribute that is wanted twice.
    #[error("attribute `{0}` is wanted twice")]
    RepeatedAttribute(String),
    /// A value of another type than the attribute's, or null.
    #[error("attribute `{attribute}` compares with {expected} values only")]
    WrongType {
        /// The attribute.
        attribute: String,
        /// Its type.
        expected: AttributeType,
    },
    /// A condition that the attribute's type does not have.
    #[error("attribute `{attribute}` is {kind}, which has no such condition")]
    NotApplicable {
        /// The attribute.
        attribute: String,
        /// Its type.
        kind: AttributeType,
    },
    /// `and` or `or` of nothing.
    #[error("`and` and `or` need at least one condition")]
    EmptyJunction,
    /// Conditions nested too deep.
    #[error("conditions nest at most {MAX_DEPTH} deep")]
    TooDeep,
    /// Too many conditions or values in lists.
    #[error("a filter has at most {MAX_NODES} conditions and values")]
    TooManyConditions,
    /// Too many element ids.
    #[error("a query names at most {MAX_IDS} elements")]
    TooManyIds,
    /// A reference system that the server does not know.
    #[error("reference system `EPSG:{0}` is not known")]
    UnknownCrs(i32),
    /// A box with an edge that is not finite, or upside down, or that crosses an antimeridian that is not there.
    #[error("the box must have finite edges, the least before the greatest")]
    BadBox,
    /// The geometry to compare with is not one.
    #[error("the geometry to compare with: {0}")]
    Operand(#[from] GeometryError),
    /// The geometry to compare with does not exist in the layer's reference system.
    #[error("the geometry to compare with: {0}")]
    OperandOutside(#[from] TransformError),
}

/// A query that makes sense for its layer.
#[derive(Clone, Debug)]
pub struct CheckedQuery {
    layer: LayerId,
    ids: Option<Vec<ElementId>>,
    boxes: Option<Vec<Bounds>>,
    operand: Option<Arc<Operand>>,
    condition: Option<Condition<AttributeId>>,
    geometry: GeometryOutput,
    attributes: Vec<AttributeId>,
}

impl QueryInput {
    /// Checks the query against the layer's definition.
    ///
    /// # Errors
    /// [`QueryError`], for the first thing that is wrong.
    pub fn check(self, definition: &LayerDefinition) -> Result<CheckedQuery, QueryError> {
        let Self {
            layer,
            selection,
            output,
            maximum: _,
        } = self;
        let attributes = match output.attributes {
            None => definition
                .attributes()
                .iter()
                .map(|attribute| attribute.id)
                .collect(),
            Some(wanted) => find_all(&wanted, definition)?,
        };
        let crs = definition.geometry().crs;
        let operand = selection
            .intersects
            .map(|operand| operand.check(crs))
            .transpose()?;
        let bbox = selection.bbox.map(|bbox| bbox.check(crs)).transpose()?;
        Ok(CheckedQuery {
            layer,
            ids: selection.ids.map(sorted).transpose()?,
            boxes: bbox,
            operand: operand.map(Arc::new),
            condition: selection
                .condition
                .map(|condition| condition.check(definition))
                .transpose()?,
            geometry: output.geometry,
            attributes,
        })
    }
}

fn find_all(
    wanted: &[AttributeRef],
    definition: &LayerDefinition,
) -> Result<Vec<AttributeId>, QueryError> {
    let mut found = Vec::with_capacity(wanted.len().min(definition.attributes().len()));
    for attribute in wanted {
        let Some((_, definition)) = attribute.find(definition) else {
            return Err(QueryError::UnknownOutput(attribute.to_string()));
        };
        if found.contains(&definition.id) {
            return Err(QueryError::RepeatedAttribute(attribute.to_string()));
        }
        found.push(definition.id);
    }
    Ok(found)
}

fn sorted(mut ids: Vec<ElementId>) -> Result<Vec<ElementId>, QueryError> {
    if ids.len() > MAX_IDS {
        return Err(QueryError::TooManyIds);
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn known(epsg: Option<i32>, own: &'static Crs) -> Result<&'static Crs, QueryError> {
    epsg.map_or(Ok(own), |code| {
        Crs::known(code).ok_or(QueryError::UnknownCrs(code))
    })
}

impl BoxInput {
    /// The boxes in the layer's reference system; none when it lies outside.
    fn check(self, own: &'static Crs) -> Result<Vec<Bounds>, QueryError> {
        let Self {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg,
        } = self;
        let from = known(epsg, own)?;
        let finite = [min_x, min_y, max_x, max_y].into_iter().all(f64::is_finite);
        if !finite || min_y > max_y || (min_x > max_x && !from.is_geographic()) {
            return Err(QueryError::BadBox);
        }
        let parts = if min_x > max_x {
            let edge = from.bounds();
            vec![
                Bounds {
                    min_x,
                    min_y,
                    max_x: edge.max_x.max(min_x),
                    max_y,
                },
                Bounds {
                    min_x: edge.min_x.min(max_x),
                    min_y,
                    max_x,
                    max_y,
                },
            ]
        } else {
            vec![Bounds {
                min_x,
                min_y,
                max_x,
                max_y,
            }]
        };
        Ok(parts
            .into_iter()
            .flat_map(|part| from.bounds_to(own, part))
            .collect())
    }
}

impl CheckedQuery {
    /// The layer.
    #[must_use]
    pub const fn layer(&self) -> LayerId {
        self.layer
    }

    /// Only these elements, ascending, each once; `None` means any.
    #[must_use]
    pub fn ids(&self) -> Option<&[ElementId]> {
        self.ids.as_deref()
    }

    /// Only elements whose bounding box intersects one of these; `None` means any, an empty list means none.
    #[must_use]
    pub fn boxes(&self) -> Option<&[Bounds]> {
        self.boxes.as_deref()
    }

    /// Only elements that share a position with this geometry; `None` means any.
    #[must_use]
    pub const fn operand(&self) -> Option<&Arc<Operand>> {
        self.operand.as_ref()
    }

    /// Only elements for which this holds; `None` means any.
    #[must_use]
    pub const fn condition(&self) -> Option<&Condition<AttributeId>> {
        self.condition.as_ref()
    }

    /// Whether geometries are wanted.
    #[must_use]
    pub const fn geometry(&self) -> GeometryOutput {
        self.geometry
    }

    /// The attributes whose values are wanted, in this order.
    #[must_use]
    pub fn attributes(&self) -> &[AttributeId] {
        &self.attributes
    }

    /// The same, with the values of dropped attributes behind the others: for moves, which carry what can be restored.
    #[must_use]
    pub(crate) fn with_dropped(mut self, definition: &LayerDefinition) -> Self {
        let dropped = definition.dropped().iter();
        self.attributes
            .extend(dropped.map(|dropped| dropped.attribute.id));
        self
    }

    /// What an index is searched for: elements whose bounding box intersects one of these. `None` means that the query
    /// has neither boxes nor a geometry to compare with.
    #[must_use]
    pub fn search_boxes(&self) -> Option<Vec<Bounds>> {
        // The exact geometry is looked at anyway, so the query's own boxes are enough for the index.
        let operand = || self.operand.as_ref()?.bounds().map(|bounds| vec![bounds]);
        self.boxes.clone().or_else(operand)
    }

    /// Whether an element with this bounding box can be among the results.
    #[must_use]
    pub fn meets_boxes(&self, bounds: &Bounds) -> bool {
        self.boxes
            .as_ref()
            .is_none_or(|boxes| boxes.iter().any(|part| part.intersects(bounds)))
    }
}

#[cfg(test)]
mod tests;
