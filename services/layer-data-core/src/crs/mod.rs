//! Reference systems: which ones the server knows, their bounds, and boxes taken from one to another (R115).
//!
//! Coordinates are x first always, degrees for geographic systems; the radians of the projection library stay here.

mod table;

use std::{collections::BTreeMap, fmt, sync::LazyLock, sync::OnceLock};

use geo::MapCoords;
use geo_types::{Coord, Geometry as GeoGeometry};
use proj4rs::{Proj, transform::transform};

use crate::geometry::Bounds;

/// How many steps a box is cut into, in each direction, before it is taken to another system: edges become curves
/// there, and a pole may lie inside.
const GRID_STEPS: u32 = 16;

/// A reference system that the server knows.
pub struct Crs {
    epsg: i32,
    name: &'static str,
    wkt: &'static str,
    proj: Proj,
    /// Where it may be used, in degrees: the area of use, widened.
    area: Bounds,
    bounds: Bounds,
}

impl fmt::Debug for Crs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EPSG:{}", self.epsg)
    }
}

static KNOWN: LazyLock<BTreeMap<i32, OnceLock<Option<Crs>>>> =
    LazyLock::new(|| table::codes().map(|code| (code, OnceLock::new())).collect());

/// Why coordinates could not be taken to another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the position does not exist in `EPSG:{0}`")]
pub struct TransformError(pub i32);

impl Crs {
    /// The system with that EPSG code; `None` when the server does not know it.
    #[must_use]
    pub fn known(epsg: i32) -> Option<&'static Self> {
        KNOWN.get(&epsg)?.get_or_init(|| Self::load(epsg)).as_ref()
    }

    /// The codes of all known systems, ascending.
    pub fn codes() -> impl Iterator<Item = i32> {
        KNOWN.keys().copied()
    }

    fn load(epsg: i32) -> Option<Self> {
        let definition = crs_definitions::from_code(u16::try_from(epsg).ok()?)?;
        let proj = Proj::from_proj_string(definition.proj4).ok()?;
        let area = table::area(epsg)?;
        let name = definition.wkt.split('"').nth(1)?;
        let mut crs = Self {
            epsg,
            name,
            wkt: definition.wkt,
            proj,
            area,
            bounds: area,
        };
        if !crs.is_geographic() {
            let world = Self {
                epsg: 4326,
                proj: Proj::from_proj_string(WGS84).ok()?,
                name,
                wkt: "",
                area,
                bounds: area,
            };
            crs.bounds = world.grid_to(&crs, area)?;
        }
        Some(crs)
    }

    /// The EPSG code.
    #[must_use]
    pub const fn epsg(&self) -> i32 {
        self.epsg
    }

    /// The name, such as `WGS 84 / UTM zone 32N`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The definition as well-known text (OGC 01-009).
    #[must_use]
    pub const fn wkt(&self) -> &'static str {
        self.wkt
    }

    /// Whether coordinates are degrees of longitude and latitude.
    #[must_use]
    pub fn is_geographic(&self) -> bool {
        self.proj.is_latlong()
    }

    /// Where coordinates may lie, in the system's own units: generous enough for a survey over the border, narrow
    /// enough to notice another system or swapped axes.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Takes a position to another system.
    ///
    /// # Errors
    /// [`TransformError`] when it does not exist there.
    pub fn position_to(&self, to: &Self, x: f64, y: f64) -> Result<(f64, f64), TransformError> {
        if self.epsg == to.epsg {
            return Ok((x, y));
        }
        let mut point = if self.is_geographic() {
            (x.to_radians(), y.to_radians(), 0.0)
        } else {
            (x, y, 0.0)
        };
        transform(&self.proj, &to.proj, &mut point).or(Err(TransformError(to.epsg)))?;
        let (x, y) = if to.is_geographic() {
            (point.0.to_degrees(), point.1.to_degrees())
        } else {
            (point.0, point.1)
        };
        if x.is_finite() && y.is_finite() {
            Ok((x, y))
        } else {
            Err(TransformError(to.epsg))
        }
    }

    /// Takes a geometry to another system, position by position.
    ///
    /// # Errors
    /// [`TransformError`] when a position does not exist there.
    pub fn geometry_to(
        &self,
        to: &Self,
        geometry: &GeoGeometry,
    ) -> Result<GeoGeometry, TransformError> {
        geometry.try_map_coords(|Coord { x, y }| {
            self.position_to(to, x, y).map(|(x, y)| Coord { x, y })
        })
    }

    /// The box in another system that encloses this system's box, up to two of them when the result would cross the
    /// antimeridian; none when the box lies outside the other system.
    #[must_use]
    pub fn bounds_to(&self, to: &Self, bounds: Bounds) -> Vec<Bounds> {
        if self.epsg == to.epsg {
            return vec![bounds];
        }
        let Some(inside) = bounds.intersection(&self.bounds) else {
            return Vec::new();
        };
        let Some(degrees) = self.to_degrees(inside) else {
            return Vec::new();
        };
        if to.is_geographic() {
            return vec![degrees];
        }
        to.enclose(degrees).into_iter().collect()
    }

    fn to_degrees(&self, bounds: Bounds) -> Option<Bounds> {
        if self.is_geographic() {
            Some(bounds)
        } else {
            self.grid_to(Self::known(4326)?, bounds)
        }
    }

    /// Whether the system is meant to be used in all of a box, in degrees.
    pub(crate) fn is_used_in(&self, degrees: &Bounds) -> bool {
        self.area.encloses(degrees)
    }

    /// Positions far outside a projection's area are not worth the name, so the box is cut to the area first; where it
    /// was cut, it reaches to the end of the bounds.
    fn enclose(&self, degrees: Bounds) -> Option<Bounds> {
        let inside = degrees.intersection(&self.area)?;
        let found = Self::known(4326)?.grid_to(self, inside)?;
        let (cut, whole) = (|a: f64, b: f64| (a - b).abs() > 0.0, self.bounds);
        Some(Bounds {
            min_x: if cut(inside.min_x, degrees.min_x) {
                whole.min_x
            } else {
                found.min_x
            },
            min_y: if cut(inside.min_y, degrees.min_y) {
                whole.min_y
            } else {
                found.min_y
            },
            max_x: if cut(inside.max_x, degrees.max_x) {
                whole.max_x
            } else {
                found.max_x
            },
            max_y: if cut(inside.max_y, degrees.max_y) {
                whole.max_y
            } else {
                found.max_y
            },
        })
    }

    fn grid_to(&self, to: &Self, bounds: Bounds) -> Option<Bounds> {
        bounds
            .grid(GRID_STEPS)
            .filter_map(|(x, y)| self.position_to(to, x, y).ok())
            .map(|(x, y)| Bounds::of(x, y))
            .reduce(Bounds::union)
    }
}

const WGS84: &str = "+proj=longlat +datum=WGS84 +no_defs";

#[cfg(test)]
mod tests;
