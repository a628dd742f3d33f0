//! A geometry to compare elements with.

use geo::{BoundingRect, Intersects};
use geo_types::Geometry as GeoGeometry;

use super::{QueryError, known};
use crate::{
    crs::Crs,
    definition::{GeometryType, ZPolicy},
    geometry::{Bounds, GeometryError, GeometryRules, SingleToMulti, to_geo},
};

/// Most positions of a geometry that elements are compared with.
pub const MAX_OPERAND_VERTICES: u32 = 1_000;

/// A geometry to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct OperandInput {
    /// ISO WKB, without heights; at most [`MAX_OPERAND_VERTICES`] positions.
    pub wkb: Vec<u8>,
    /// The EPSG code that it is given in; `None` means the layer's own.
    pub epsg: Option<i32>,
}

/// A geometry to compare with, in the layer's reference system.
#[derive(Debug)]
pub struct Operand(GeoGeometry);

impl OperandInput {
    pub(super) fn check(self, own: &'static Crs) -> Result<Operand, QueryError> {
        let from = known(self.epsg, own)?;
        let rules = GeometryRules {
            max_vertices: MAX_OPERAND_VERTICES,
            ..GeometryRules::new(GeometryType::Any, ZPolicy::Forbidden, from)
        };
        let geometry = rules.parse(&self.wkb, SingleToMulti::Refuse)?;
        let geometry = geometry.to_geo().ok_or(GeometryError::Truncated)?;
        Ok(Operand(from.geometry_to(own, &geometry)?))
    }
}

impl Operand {
    /// The box around it, by which an index finds candidates.
    #[must_use]
    pub fn bounds(&self) -> Option<Bounds> {
        self.0.bounding_rect().map(|rect| Bounds {
            min_x: rect.min().x,
            min_y: rect.min().y,
            max_x: rect.max().x,
            max_y: rect.max().y,
        })
    }

    /// Whether a stored geometry (WKB) shares a position with it. With a large one this takes long enough that
    /// a store must not do it on a thread that serves calls.
    #[must_use]
    pub fn meets(&self, wkb: &[u8]) -> bool {
        to_geo(wkb).is_some_and(|geometry| geometry.intersects(&self.0))
    }
}
