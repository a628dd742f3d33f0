//! Geometries as text formats nest them: positions in lists in lists. One shape between WKB, WKT and GeoJSON.

mod geojson;
mod wkb;
mod wkt;

use layer_data_core::crs::{Crs, TransformError};

pub(crate) use geojson::{from_geojson, write_geojson};
pub(crate) use wkb::{from_wkb, to_wkb};
pub(crate) use wkt::{from_wkt, write_wkt};

/// The kinds of geometries that layers hold (R66).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Point,
    LineString,
    Polygon,
    MultiPoint,
    MultiLineString,
    MultiPolygon,
}

/// One position, x first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Position {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) z: Option<f64>,
}

/// A position, or a list of what is one level deeper.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coordinates {
    Position(Position),
    List(Vec<Coordinates>),
}

/// A kind, and coordinates nested as deep as the kind demands, with heights in all positions or in none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shape {
    kind: Kind,
    has_z: bool,
    coordinates: Coordinates,
}

/// Why something is no geometry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShapeError {
    /// Not an object with a type and coordinates.
    #[error("this is not a GeoJSON geometry")]
    NotGeoJson,
    /// Not a WKT text.
    #[error("this is not a WKT geometry")]
    NotWkt,
    /// A coordinate column without a number.
    #[error("a coordinate must be a number")]
    NotANumber,
    /// Points, lines and polygons in one.
    #[error("a collection of geometries is not supported")]
    Collection,
    /// Coordinates nested too deep or not deep enough.
    #[error("the coordinates are not nested as a `{0}` needs")]
    Nesting(&'static str),
    /// A position of one number, or of four.
    #[error("a position has two or three numbers")]
    PositionLength,
    /// Heights in some positions only.
    #[error("some positions have a height and some have none")]
    MixedHeights,
    /// A fourth coordinate.
    #[error("positions with a measure are not supported")]
    Measure,
    /// No position (R115).
    #[error("the geometry is empty")]
    Empty,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [
        Self::Point,
        Self::LineString,
        Self::Polygon,
        Self::MultiPoint,
        Self::MultiLineString,
        Self::MultiPolygon,
    ];

    /// The name in GeoJSON. WKT has the same in capitals.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Point => "Point",
            Self::LineString => "LineString",
            Self::Polygon => "Polygon",
            Self::MultiPoint => "MultiPoint",
            Self::MultiLineString => "MultiLineString",
            Self::MultiPolygon => "MultiPolygon",
        }
    }

    /// The code in two-dimensional WKB.
    const fn code(self) -> u32 {
        match self {
            Self::Point => 1,
            Self::LineString => 2,
            Self::Polygon => 3,
            Self::MultiPoint => 4,
            Self::MultiLineString => 5,
            Self::MultiPolygon => 6,
        }
    }

    /// How many lists are around a position.
    const fn depth(self) -> u8 {
        match self {
            Self::Point => 0,
            Self::LineString | Self::MultiPoint => 1,
            Self::Polygon | Self::MultiLineString => 2,
            Self::MultiPolygon => 3,
        }
    }

    /// What a multi geometry consists of.
    const fn part(self) -> Option<Self> {
        match self {
            Self::Point | Self::LineString | Self::Polygon => None,
            Self::MultiPoint => Some(Self::Point),
            Self::MultiLineString => Some(Self::LineString),
            Self::MultiPolygon => Some(Self::Polygon),
        }
    }
}

impl Coordinates {
    /// Whether positions stand exactly `depth` lists deep; an empty list ends anywhere.
    fn nests(&self, depth: u8) -> bool {
        match self {
            Self::Position(_) => depth == 0,
            Self::List(items) => depth > 0 && items.iter().all(|item| item.nests(depth - 1)),
        }
    }

    fn first(&self) -> Option<Position> {
        match self {
            Self::Position(position) => Some(*position),
            Self::List(items) => items.iter().find_map(Self::first),
        }
    }

    fn all_have_z(&self, wanted: HasZ) -> bool {
        match self {
            Self::Position(position) => position.z.is_some() == wanted.0,
            Self::List(items) => items.iter().all(|item| item.all_have_z(wanted)),
        }
    }
}

/// Whether positions have a height.
#[derive(Clone, Copy)]
struct HasZ(bool);

impl Shape {
    pub(crate) fn new(kind: Kind, coordinates: Coordinates) -> Result<Self, ShapeError> {
        let Some(first) = coordinates.first() else {
            return Err(ShapeError::Empty);
        };
        if !coordinates.nests(kind.depth()) {
            return Err(ShapeError::Nesting(kind.name()));
        }
        let has_z = first.z.is_some();
        if coordinates.all_have_z(HasZ(has_z)) {
            Ok(Self {
                kind,
                has_z,
                coordinates,
            })
        } else {
            Err(ShapeError::MixedHeights)
        }
    }

    pub(crate) const fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) const fn has_z(&self) -> bool {
        self.has_z
    }

    /// In another reference system; heights stay as they are.
    pub(crate) fn transformed(mut self, from: &Crs, to: &Crs) -> Result<Self, TransformError> {
        if from.epsg() != to.epsg() {
            transform(&mut self.coordinates, from, to)?;
        }
        Ok(self)
    }

    /// With shells counter-clockwise and holes clockwise, as RFC 7946 asks.
    pub(crate) fn wound(mut self) -> Self {
        match self.kind {
            Kind::Polygon => wind_polygon(&mut self.coordinates),
            Kind::MultiPolygon => items_mut(&mut self.coordinates).for_each(wind_polygon),
            Kind::Point | Kind::LineString | Kind::MultiPoint | Kind::MultiLineString => {}
        }
        self
    }
}

fn transform(coordinates: &mut Coordinates, from: &Crs, to: &Crs) -> Result<(), TransformError> {
    match coordinates {
        Coordinates::Position(Position { x, y, .. }) => {
            (*x, *y) = from.position_to(to, *x, *y)?;
            Ok(())
        }
        Coordinates::List(items) => items
            .iter_mut()
            .try_for_each(|item| transform(item, from, to)),
    }
}

fn items_mut(coordinates: &mut Coordinates) -> impl Iterator<Item = &mut Coordinates> {
    match coordinates {
        Coordinates::Position(_) => [].iter_mut(),
        Coordinates::List(items) => items.iter_mut(),
    }
}

fn wind_polygon(polygon: &mut Coordinates) {
    for (index, ring) in items_mut(polygon).enumerate() {
        let clockwise = signed_area(ring) < 0.0;
        let is_hole = index > 0;
        if clockwise != is_hole
            && let Coordinates::List(positions) = ring
        {
            positions.reverse();
        }
    }
}

/// Twice the area of a ring, negative when it runs clockwise.
fn signed_area(ring: &Coordinates) -> f64 {
    let Coordinates::List(items) = ring else {
        return 0.0;
    };
    let positions = || items.iter().filter_map(Coordinates::first);
    // Measured from the first position, so that far-away coordinates do not eat the digits.
    let Some(origin) = positions().next() else {
        return 0.0;
    };
    let cross = |a: Position, b: Position| {
        (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y)
    };
    positions()
        .zip(positions().skip(1))
        .map(|(a, b)| cross(a, b))
        .sum()
}

#[cfg(test)]
mod tests;
