//! Geometries: validated once, stored and sent as the same bytes (R66, R115).

mod bounds;
mod policy;
mod quantize;
mod repair;
mod reshape;
mod rings;
mod validity;
mod wkb;

use geo_types::Geometry as GeoGeometry;
use geozero::{ToGeo, wkb::Wkb};
use rings::Rings;
use validity::Fault;

pub use bounds::Bounds;
pub use policy::InvalidPolygons;
pub use quantize::{Grid, InvalidGrid, Quantized};
pub use repair::Unrepairable;
pub use reshape::{InvalidTolerance, Reshape, Tolerance};
pub use validity::Invalidity;

use crate::{
    crs::Crs,
    definition::{GeometryType, ZPolicy},
};

/// Most positions of one geometry, unless the server is configured otherwise.
pub const DEFAULT_MAX_VERTICES: u32 = 1_000_000;

/// What the geometries of a layer must be.
#[derive(Clone, Copy, Debug)]
pub struct GeometryRules {
    /// The accepted type (R66).
    pub geometry_type: GeometryType,
    /// Whether positions carry a height.
    pub z: ZPolicy,
    /// The reference system; positions lie within its bounds.
    pub crs: &'static Crs,
    /// Most positions of one geometry.
    pub max_vertices: u32,
    /// What becomes of polygons that are not valid.
    pub invalid: InvalidPolygons,
}

/// What a single geometry meets in a layer of its multi form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleToMulti {
    /// It is refused: edits say what they mean.
    Refuse,
    /// It becomes a multi geometry with one member: for imports, which report it.
    Promote,
}

/// A geometry that fits its layer: little-endian ISO WKB with its bounding box. The only one that stores accept.
#[derive(Clone, Debug, PartialEq)]
pub struct Geometry {
    wkb: Vec<u8>,
    bounds: Bounds,
    promoted: bool,
    repaired: bool,
}

/// Why bytes are not a geometry of the layer. Each says what is wrong, none repeats the input at length.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum GeometryError {
    /// Bytes end before the geometry does, or a count claims more than there is.
    #[error("the geometry ends before its last position")]
    Truncated,
    /// Bytes are left after the geometry.
    #[error("{0} bytes follow the geometry")]
    TrailingBytes(usize),
    /// Neither big-endian (0) nor little-endian (1).
    #[error("byte order `{0}` is neither 0 nor 1")]
    ByteOrder(u8),
    /// Flags of the PostGIS dialect, with or without an SRID.
    #[error("the geometry is EWKB; only ISO WKB is accepted")]
    ExtendedWkb,
    /// Positions with a measure.
    #[error("measures (M) are not accepted")]
    Measured,
    /// A collection of any geometries.
    #[error("geometry collections are not accepted")]
    Collection,
    /// A curve, a surface or an unknown type.
    #[error("geometry type `{0}` is not accepted")]
    UnsupportedType(u32),
    /// Not the layer's type (R66).
    #[error("the geometry is a {found}, the layer takes {expected}")]
    WrongType {
        /// The layer's type.
        expected: GeometryType,
        /// The geometry's type.
        found: GeometryType,
    },
    /// A member that is not of the multi geometry's kind.
    #[error("a member of the geometry is a {found}, must be a {expected}")]
    WrongMember {
        /// What it must be.
        expected: GeometryType,
        /// What it is.
        found: GeometryType,
    },
    /// Positions with a height in a layer that forbids it, or in one member only.
    #[error("positions must not have z")]
    UnexpectedZ,
    /// Positions without a height in a layer that demands it, or in one member only.
    #[error("positions must have z")]
    MissingZ,
    /// No position, no ring or no member (R115).
    #[error("the geometry is empty")]
    Empty,
    /// A coordinate that is infinite or not a number (R115).
    #[error("position {vertex} has a coordinate that is not finite")]
    NotFinite {
        /// Which position, from 0.
        vertex: u32,
    },
    /// A position outside the reference system's bounds.
    #[error("position {vertex} is outside the bounds of the reference system")]
    OutOfBounds {
        /// Which position, from 0.
        vertex: u32,
    },
    /// A position that does not exist in the layer's reference system, which it comes from another one to.
    #[error("a position does not exist in the layer's reference system")]
    Outside,
    /// A line of fewer than 2 positions.
    #[error("a line has {0} positions, needs at least 2")]
    ShortLine(u32),
    /// A ring of fewer than 4 positions.
    #[error("a ring has {0} positions, needs at least 4")]
    ShortRing(u32),
    /// A ring whose last position is not its first.
    #[error("the ring that ends at position {vertex} is not closed")]
    UnclosedRing {
        /// Its last position, from 0.
        vertex: u32,
    },
    /// More positions than the server accepts.
    #[error("the geometry has more than {limit} positions")]
    TooManyVertices {
        /// The most accepted.
        limit: u32,
    },
    /// A polygon whose inside is not clear, in a layer that takes none.
    #[error("the polygon is not valid: {0}")]
    Invalid(Invalidity),
    /// A polygon that crosses itself too often to be compared with anything, or whose lines lie too close to tell.
    #[error("the polygon crosses itself too often, or its lines lie too close together")]
    TooIntricate,
    /// A polygon that is not valid, in a layer that repairs such, and cannot be repaired.
    #[error("the polygon is not valid and cannot be repaired: {0}")]
    Unrepairable(#[from] Unrepairable),
}

impl GeometryRules {
    /// Rules with the usual limit on positions, for polygons of any kind.
    #[must_use]
    pub const fn new(geometry_type: GeometryType, z: ZPolicy, crs: &'static Crs) -> Self {
        Self {
            geometry_type,
            z,
            crs,
            max_vertices: DEFAULT_MAX_VERTICES,
            invalid: InvalidPolygons::Accept,
        }
    }

    /// Reads ISO WKB of either byte order and checks it against the rules; repairs it, if they say so.
    ///
    /// # Errors
    /// [`GeometryError`], for the first thing that is wrong.
    pub fn parse(&self, wkb: &[u8], single: SingleToMulti) -> Result<Geometry, GeometryError> {
        let geometry = wkb::parse(wkb, self, single)?;
        let polygons = rings::read(geometry.wkb());
        if polygons.is_empty() {
            return Ok(geometry);
        }
        match self.invalid {
            InvalidPolygons::Accept => validity::check_crossings(&polygons)?,
            InvalidPolygons::Reject => validity::check(&polygons)?,
            InvalidPolygons::Repair => {
                if validity::check(&polygons).is_err() {
                    validity::check_crossings(&polygons)?;
                    return self.repair(&geometry, &polygons);
                }
            }
        }
        Ok(geometry)
    }

    /// Reads a geometry that was taken before, whatever it would meet today.
    ///
    /// # Errors
    /// [`GeometryError`] when it is none.
    pub fn parse_stored(&self, wkb: &[u8]) -> Result<Geometry, GeometryError> {
        wkb::parse(wkb, self, SingleToMulti::Refuse)
    }

    /// Whether a stored geometry could be given today.
    #[must_use]
    pub fn admits(&self, wkb: &[u8]) -> bool {
        self.demand(wkb).is_ok()
    }

    /// The same, and why not.
    ///
    /// # Errors
    /// [`GeometryError`] of a polygon that is not valid, where those are not accepted.
    pub fn demand(&self, wkb: &[u8]) -> Result<(), GeometryError> {
        if self.invalid.demands_validity() {
            validity::check(&rings::read(wkb))?;
        }
        Ok(())
    }

    fn repair(&self, broken: &Geometry, polygons: &[Rings]) -> Result<Geometry, GeometryError> {
        let repaired = repair::repaired(polygons)?;
        let is_multi = |code| rings::code(broken.wkb()) == Some(code);
        let code = match (self.geometry_type, repaired.len()) {
            (GeometryType::MultiPolygon, _) => rings::MULTI_POLYGON,
            (GeometryType::Polygon, parts) if parts > 1 => {
                return Err(Unrepairable::Parts(parts).into());
            }
            (_, 1) if !is_multi(rings::MULTI_POLYGON) => rings::POLYGON,
            _ => rings::MULTI_POLYGON,
        };
        let wkb = rings::write(&repaired, code).ok_or(GeometryError::Truncated)?;
        let geometry = self.parse_stored(&wkb)?;
        Ok(Geometry {
            promoted: broken.promoted,
            repaired: true,
            ..geometry
        })
    }
}

impl From<Fault> for GeometryError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Invalid(invalidity) => Self::Invalid(invalidity),
            Fault::TooIntricate => Self::TooIntricate,
        }
    }
}

impl Geometry {
    /// Little-endian ISO WKB.
    #[must_use]
    pub fn wkb(&self) -> &[u8] {
        &self.wkb
    }

    /// The box around all positions.
    #[must_use]
    pub const fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Whether a single geometry was made a multi geometry ([`SingleToMulti::Promote`]).
    #[must_use]
    pub const fn was_promoted(&self) -> bool {
        self.promoted
    }

    /// Whether it is not as it was given, because that was not valid ([`InvalidPolygons::Repair`]).
    #[must_use]
    pub const fn was_repaired(&self) -> bool {
        self.repaired
    }

    /// The geometry without heights, for predicates.
    #[must_use]
    pub fn to_geo(&self) -> Option<GeoGeometry> {
        to_geo(&self.wkb)
    }
}

/// Reads WKB that a [`Geometry`] was written from, without heights; `None` for other bytes. Counts are not
/// checked against the length, so bytes from outside go through [`GeometryRules::parse`] first.
#[must_use]
pub fn to_geo(wkb: &[u8]) -> Option<GeoGeometry> {
    Wkb(wkb).to_geo().ok()
}

impl std::fmt::Display for GeometryType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl GeometryType {
    /// All seven, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::Point,
        Self::LineString,
        Self::Polygon,
        Self::MultiPoint,
        Self::MultiLineString,
        Self::MultiPolygon,
        Self::Any,
    ];

    /// The word that people, stored definitions and GeoPackage use (in lower case).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::LineString => "linestring",
            Self::Polygon => "polygon",
            Self::MultiPoint => "multipoint",
            Self::MultiLineString => "multilinestring",
            Self::MultiPolygon => "multipolygon",
            Self::Any => "geometry",
        }
    }

    /// The type that a word stands for; `None` for an unknown word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

#[cfg(test)]
mod tests;
