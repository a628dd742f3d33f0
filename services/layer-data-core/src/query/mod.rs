//! Queries: which elements of a layer, what of each, and how many at most (R110–R112).

mod circle;
mod condition;
mod cql2;
mod order;
mod pattern;
mod sink;
mod spatial;
mod widening;

use std::{num::NonZeroU64, sync::Arc};

use jmap_domain::{AttributeId, ElementId, LayerId};

pub use circle::MAX_RADIUS;
pub use condition::{Comparison, Condition, LetterCase, MAX_DEPTH, MAX_NODES, MAX_SEARCHES};
pub use cql2::{Cql2, Cql2Error, MAX_CQL2_BYTES};
pub use order::{
    Direction, MAX_SORT_KEYS, Mark, Order, OrderSink, SORTED_LENGTH, SortKey, SortKeyInput,
};
pub use pattern::{MAX_PATTERN, Pattern, PatternError};
pub use sink::ConditionSink;
pub use spatial::{
    CircleInput, MAX_OPERAND_RINGS, MAX_OPERAND_VERTICES, MAX_RELATIONS, Relation, ShapeError,
    ShapeInput, Spatial, SpatialInput,
};
pub(crate) use widening::Widened;

use self::widening::Kinds;
use crate::{
    crs::Crs, definition::LayerDefinition, element::AttributeRef, geometry::Bounds, history::AsOf,
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
    /// Only elements in this relation to a shape.
    pub spatial: Option<SpatialInput>,
    /// Only elements whose attribute values satisfy this condition.
    pub condition: Option<Condition<AttributeRef>>,
    /// Only elements for which this filter is true.
    pub cql2: Option<Cql2>,
    /// Of the layer as it was then; `None` means as it is.
    pub as_of: Option<AsOf>,
}

impl SelectionInput {
    /// Whether anything limits the selection. Reading a whole layer needs *copy / export* (R38).
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.ids.is_some()
            || self.bbox.is_some()
            || self.spatial.is_some()
            || self.condition.is_some()
            || self.cql2.is_some()
    }

    /// Whether *view* alone reaches the selection, within the display limit: whole layers, and the past of more than
    /// one element, need *copy / export* (R38).
    #[must_use]
    pub fn is_for_viewers(&self) -> bool {
        match self.as_of {
            None => self.is_limited(),
            Some(_) => self.ids.as_ref().is_some_and(|ids| ids.len() == 1),
        }
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

/// What of each element is wanted, and in which order they come.
#[derive(Clone, Debug, Default)]
pub struct OutputInput {
    /// Whether geometries are.
    pub geometry: GeometryOutput,
    /// Which attributes, in this order; `None` means all.
    pub attributes: Option<Vec<AttributeRef>>,
    /// What elements are sorted by; their ids decide last, and alone where this is empty.
    pub order: Vec<SortKeyInput>,
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
    /// An attribute to sort by that the layer does not have.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownSortKey(String),
    /// An attribute to sort by twice.
    #[error("elements are sorted by attribute `{0}` twice")]
    RepeatedSortKey(String),
    /// Too many attributes to sort by.
    #[error("elements are sorted by at most {MAX_SORT_KEYS} attributes")]
    TooManySortKeys,
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
    /// Too many patterns and searches that ignore case.
    #[error("a filter has at most {MAX_SEARCHES} patterns and searches that ignore case")]
    TooManySearches,
    /// Too many relations.
    #[error("a query has at most {MAX_RELATIONS} relations to shapes")]
    TooManyRelations,
    /// Too many element ids.
    #[error("a query names at most {MAX_IDS} elements")]
    TooManyIds,
    /// A reference system that the server does not know.
    #[error("reference system `EPSG:{0}` is not known")]
    UnknownCrs(i32),
    /// A box with an edge that is not finite, or upside down, or that crosses an antimeridian that is not there.
    #[error("the box must have finite edges, the least before the greatest")]
    BadBox,
    /// Nothing compares with the given shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// Nothing compares with a geometry within the filter.
    #[error(transparent)]
    FilterShape(ShapeError),
    /// The filter, which is CQL2 in form, says what this server does not decide.
    #[error(transparent)]
    Cql2(#[from] Cql2Error),
}

/// A query that makes sense for its layer.
#[derive(Clone, Debug)]
pub struct CheckedQuery {
    layer: LayerId,
    ids: Option<Vec<ElementId>>,
    boxes: Option<Vec<Bounds>>,
    spatial: Option<Arc<Spatial>>,
    condition: Option<Condition<AttributeId>>,
    as_of: Option<AsOf>,
    geometry: GeometryOutput,
    attributes: Vec<AttributeId>,
    order: Order,
    kinds: Kinds,
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
        let order = Order::check(&output.order, definition)?;
        let crs = definition.geometry().crs;
        let bbox = selection.bbox.map(|bbox| bbox.check(crs)).transpose()?;
        let filter = selection.cql2.map(|filter| filter.bind(definition));
        let filter = filter.transpose()?.unwrap_or_default();
        let conditions = selection.condition.into_iter().chain(filter.condition);
        let condition = all_of(conditions.collect())
            .map(|condition| condition.check(definition))
            .transpose()?;
        let looked_at = condition.as_ref().map(Condition::attributes);
        let sorted_by = order.keys().iter().map(|key| key.attribute);
        let all = attributes.iter().copied().chain(sorted_by);
        let all = all.chain(looked_at.into_iter().flatten());
        Ok(CheckedQuery {
            kinds: Kinds::of(all, definition),
            layer,
            ids: selection.ids.map(sorted).transpose()?,
            boxes: bbox,
            spatial: Spatial::check(selection.spatial, filter.shapes, crs)?.map(Arc::new),
            condition,
            as_of: selection.as_of,
            geometry: output.geometry,
            attributes,
            order,
        })
    }
}

/// One condition for several; `None` for none.
fn all_of<A>(mut conditions: Vec<Condition<A>>) -> Option<Condition<A>> {
    if conditions.len() > 1 {
        Some(Condition::And(conditions))
    } else {
        conditions.pop()
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

    /// Only elements in these relations; `None` means any.
    #[must_use]
    pub const fn spatial(&self) -> Option<&Arc<Spatial>> {
        self.spatial.as_ref()
    }

    /// Only elements for which this holds; `None` means any.
    #[must_use]
    pub const fn condition(&self) -> Option<&Condition<AttributeId>> {
        self.condition.as_ref()
    }

    /// Of the layer as it was then; `None` means as it is.
    #[must_use]
    pub const fn as_of(&self) -> Option<AsOf> {
        self.as_of
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

    /// Whether a store has to look at the values of what its SQL finds.
    #[must_use]
    pub fn is_rechecked(&self) -> bool {
        let condition = self.condition.as_ref();
        condition.is_some_and(|condition| !condition.is_exact_in_sql())
    }

    /// The attributes whose values a store reads, each once: those that are wanted, in their order, then those that it
    /// looks at and sorts by.
    #[must_use]
    pub fn attributes_to_read(&self) -> Vec<AttributeId> {
        let looked_at = self.condition.as_ref().filter(|_| self.is_rechecked());
        let looked_at = looked_at.map(Condition::attributes).unwrap_or_default();
        let sorted_by = self.order.keys().iter().map(|key| key.attribute);
        let mut attributes = self.attributes.clone();
        for attribute in looked_at.into_iter().chain(sorted_by) {
            if !attributes.contains(&attribute) {
                attributes.push(attribute);
            }
        }
        attributes
    }

    /// The order in which the elements come.
    #[must_use]
    pub const fn order(&self) -> &Order {
        &self.order
    }

    /// The same, with the values of dropped attributes behind the others: for moves, which carry what can be restored.
    #[must_use]
    pub(crate) fn with_dropped(mut self, definition: &LayerDefinition) -> Self {
        let dropped = definition.dropped().iter();
        self.attributes
            .extend(dropped.map(|dropped| dropped.attribute.id));
        self
    }

    /// What an index is searched for: elements whose bounding box intersects one of these. `None` means that no
    /// box tells which elements are meant.
    #[must_use]
    pub fn search_boxes(&self) -> Option<Vec<Bounds>> {
        // The exact geometry is looked at anyway, so the query's own boxes are enough for the index.
        let of_shapes = || self.spatial.as_ref()?.boxes();
        self.boxes.clone().or_else(of_shapes)
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
