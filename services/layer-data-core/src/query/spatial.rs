//! Spatial relations of elements to a given geometry or circle (R110), decided exactly by one implementation for every
//! store (R115).
//!
//! Geometries lie in the plane of the layer's reference system: a line between two positions is straight there, whatever
//! system the given geometry came in, and nothing goes around the antimeridian; what does is given in parts. Circles
//! are measured on the ellipsoid and know no antimeridian.

mod lines;

use geo::{BoundingRect, Contains, HasDimensions, Intersects, Relate, Validation};
use geo_types::{Geometry as GeoGeometry, LineString, Polygon};

use super::{QueryError, circle::Circle, known};
use crate::{
    crs::{Crs, TransformError},
    definition::{GeometryType, ZPolicy},
    geometry::{Bounds, GeometryError, GeometryRules, SingleToMulti, to_geo},
};

/// Most positions of a geometry that elements are compared with.
pub const MAX_OPERAND_VERTICES: u32 = 1_000;
/// Most rings of polygons of a geometry that elements are compared with: to be valid, each must fit to all others.
pub const MAX_OPERAND_RINGS: usize = 100;

/// A relation of an element to a given shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They share a position.
    Intersects,
    /// No position of the element is outside the shape, and their interiors share one: a point on the edge of a polygon
    /// is not within it (OGC 06-103). For a circle, no position of the element is farther than the radius.
    Within,
    /// No position of the shape is outside the element, and their interiors share one (OGC 06-103).
    Contains,
    /// They share no position.
    Disjoint,
}

/// A relation that elements must have to a given shape.
#[derive(Clone, Debug, PartialEq)]
pub struct SpatialInput {
    /// The relation.
    pub relation: Relation,
    /// The shape.
    pub shape: ShapeInput,
    /// The EPSG code that the shape is given in; `None` means the layer's own.
    pub epsg: Option<i32>,
}

/// A shape to compare with.
#[derive(Clone, Debug, PartialEq)]
pub enum ShapeInput {
    /// A geometry as ISO WKB, without heights; at most [`MAX_OPERAND_VERTICES`] positions.
    Geometry(Vec<u8>),
    /// A circle.
    Circle(CircleInput),
}

/// All positions up to a distance from a centre, on the ellipsoid of WGS 84.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircleInput {
    /// The centre's x.
    pub x: f64,
    /// The centre's y.
    pub y: f64,
    /// The distance in metres: positive, at most [`MAX_RADIUS`](super::MAX_RADIUS).
    pub radius: f64,
}

/// Why nothing compares with a given shape.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// The geometry is not one.
    #[error("the geometry to compare with: {0}")]
    Geometry(#[from] GeometryError),
    /// The geometry is one that has no clear inside, such as a polygon that crosses itself.
    #[error("the geometry to compare with is not valid: {0}")]
    Invalid(String),
    /// Too many rings.
    #[error("the geometry to compare with has more than {MAX_OPERAND_RINGS} rings")]
    TooManyRings,
    /// The geometry does not exist in the layer's reference system.
    #[error("the geometry to compare with: {0}")]
    Outside(#[from] TransformError),
    /// The circle's centre is no position of its reference system.
    #[error("the centre of the circle is no position of its reference system")]
    Centre,
    /// The circle's radius is not positive, or more than half around the earth.
    #[error(
        "the radius of the circle must be positive and at most half the circumference of the earth"
    )]
    Radius,
}

/// Most relations of one query.
pub const MAX_RELATIONS: usize = 8;

/// The relations that elements must have, all of them.
#[derive(Debug)]
pub struct Spatial(Vec<Test>);

#[derive(Debug)]
struct Test {
    relation: Relation,
    shape: Shape,
}

#[derive(Debug)]
enum Shape {
    Geometry(GeoGeometry),
    Circle(Box<Circle>),
}

impl QueryError {
    /// What is wrong with a shape, where the shape is part of the filter.
    fn in_filter(self) -> Self {
        if let Self::Shape(error) = self {
            Self::FilterShape(error)
        } else {
            self
        }
    }
}

impl SpatialInput {
    fn check(self, own: &'static Crs) -> Result<Test, QueryError> {
        let from = known(self.epsg, own)?;
        let shape = match self.shape {
            ShapeInput::Geometry(wkb) => Shape::Geometry(operand(&wkb, from, own)?),
            ShapeInput::Circle(circle) => {
                Shape::Circle(Box::new(Circle::check(circle, from, own)?))
            }
        };
        Ok(Test {
            relation: self.relation,
            shape,
        })
    }
}

/// Reads a geometry to compare with. It is looked at where it is compared: another system may let what touched cross.
fn operand(wkb: &[u8], from: &'static Crs, own: &'static Crs) -> Result<GeoGeometry, ShapeError> {
    let rules = GeometryRules {
        max_vertices: MAX_OPERAND_VERTICES,
        ..GeometryRules::new(GeometryType::Any, ZPolicy::Forbidden, from)
    };
    let geometry = rules.parse(wkb, SingleToMulti::Refuse)?;
    let geometry = geometry.to_geo().ok_or(GeometryError::Truncated)?;
    let geometry = from.geometry_to(own, &geometry)?;
    let rings: usize = areas(&geometry)
        .iter()
        .map(|area| 1 + area.interiors().len())
        .sum();
    if rings > MAX_OPERAND_RINGS {
        return Err(ShapeError::TooManyRings);
    }
    // The library takes a ring that goes there and back for valid.
    if has_flat_area(&geometry) {
        return Err(ShapeError::Invalid("a ring encloses no area".to_owned()));
    }
    match geometry.check_validation() {
        Ok(()) => Ok(geometry),
        Err(fault) => Err(ShapeError::Invalid(fault.to_string())),
    }
}

fn has_flat_area(geometry: &GeoGeometry) -> bool {
    let twice = |ring: &LineString| ring.lines().map(|line| line.determinant()).sum::<f64>();
    areas(geometry).iter().any(|area| {
        let mut rings = [area.exterior()].into_iter().chain(area.interiors());
        rings.any(|ring| twice(ring).abs() <= 0.0)
    })
}

/// The areas that a geometry has.
pub(super) fn areas(geometry: &GeoGeometry) -> &[Polygon] {
    match geometry {
        GeoGeometry::Polygon(polygon) => std::slice::from_ref(polygon),
        GeoGeometry::MultiPolygon(polygons) => &polygons.0,
        GeoGeometry::Point(_)
        | GeoGeometry::Line(_)
        | GeoGeometry::LineString(_)
        | GeoGeometry::MultiPoint(_)
        | GeoGeometry::MultiLineString(_)
        | GeoGeometry::GeometryCollection(_)
        | GeoGeometry::Rect(_)
        | GeoGeometry::Triangle(_) => &[],
    }
}

impl Spatial {
    /// Checks relations, those of a filter among them; `None` when there are none.
    pub(super) fn check(
        given: Option<SpatialInput>,
        of_filter: Vec<SpatialInput>,
        own: &'static Crs,
    ) -> Result<Option<Self>, QueryError> {
        let given = given.into_iter().map(|input| input.check(own));
        let of_filter = of_filter
            .into_iter()
            .map(|input| input.check(own).map_err(QueryError::in_filter));
        if given.len() + of_filter.len() > MAX_RELATIONS {
            return Err(QueryError::TooManyRelations);
        }
        let tests = given.chain(of_filter).collect::<Result<Vec<_>, _>>()?;
        Ok((!tests.is_empty()).then_some(Self(tests)))
    }

    /// The boxes by which an index finds candidates: an element that is none of them has not the relation. `None` when
    /// no box tells anything.
    #[must_use]
    pub fn boxes(&self) -> Option<Vec<Bounds>> {
        let boxes = self.0.iter().filter_map(Test::boxes);
        let size = |boxes: &Vec<Bounds>| boxes.iter().map(Bounds::area).sum::<f64>();
        boxes.min_by(|one, other| size(one).total_cmp(&size(other)))
    }

    /// Whether a stored geometry (WKB) has all the relations. With a large one this takes long enough that a store must
    /// not do it on a thread that serves calls.
    #[must_use]
    pub fn holds(&self, wkb: &[u8]) -> bool {
        to_geo(wkb).is_some_and(|geometry| self.0.iter().all(|test| test.holds(&geometry)))
    }
}

impl Test {
    fn boxes(&self) -> Option<Vec<Bounds>> {
        match (self.relation, &self.shape) {
            (Relation::Disjoint, _) => None,
            (_, Shape::Geometry(geometry)) => bounds(geometry).map(|bounds| vec![bounds]),
            (_, Shape::Circle(circle)) => Some(circle.boxes()),
        }
    }

    fn holds(&self, element: &GeoGeometry) -> bool {
        match &self.shape {
            Shape::Geometry(shape) => related(self.relation, element, shape),
            Shape::Circle(circle) => match self.relation {
                Relation::Intersects => circle.meets(element),
                Relation::Within => circle.encloses(element),
                Relation::Contains => circle.is_inside(element),
                Relation::Disjoint => !circle.meets(element),
            },
        }
    }
}

/// Whether the relation holds in the plane.
fn related(relation: Relation, element: &GeoGeometry, shape: &GeoGeometry) -> bool {
    match relation {
        Relation::Intersects => element.intersects(shape),
        Relation::Disjoint => !element.intersects(shape),
        Relation::Within => contains(shape, element),
        Relation::Contains => contains(element, shape),
    }
}

fn contains(outer: &GeoGeometry, inner: &GeoGeometry) -> bool {
    let fits = || Some(bounds(outer)?.encloses(&bounds(inner)?));
    if fits() != Some(true) || outer.dimensions() < inner.dimensions() {
        return false;
    }
    match inner {
        // Without the graph of all lines that other geometries need.
        GeoGeometry::Point(point) => outer.contains(point),
        GeoGeometry::MultiPoint(points) => {
            let points = &points.0;
            points.iter().all(|point| outer.intersects(point))
                && points.iter().any(|point| outer.contains(point))
        }
        GeoGeometry::Line(_) | GeoGeometry::LineString(_) | GeoGeometry::MultiLineString(_) => {
            lines::are_within(inner, outer)
        }
        GeoGeometry::Polygon(_)
        | GeoGeometry::MultiPolygon(_)
        | GeoGeometry::GeometryCollection(_)
        | GeoGeometry::Rect(_)
        | GeoGeometry::Triangle(_) => outer.relate(inner).is_contains(),
    }
}

fn bounds(geometry: &GeoGeometry) -> Option<Bounds> {
    geometry.bounding_rect().map(|rect| Bounds {
        min_x: rect.min().x,
        min_y: rect.min().y,
        max_x: rect.max().x,
        max_y: rect.max().y,
    })
}

#[cfg(test)]
mod tests;
