//! Circles in metres on the ellipsoid of WGS 84 (R110).
//!
//! A line between two positions of an element is straight in the layer's reference system, here as everywhere. How far
//! it is from the centre is found by halving it: a piece whose ends are far enough from the edge of the circle is decided,
//! any other is halved, until it differs from a straight line on the map of directions and distances from the centre
//! by less than [`TOLERANCE`]. So positions are exact, and lines are to a millimetre.

use geo::Intersects;
use geo_types::{Coord, Geometry as GeoGeometry};
use geographiclib_rs::{Geodesic, InverseGeodesic};

use super::{CircleInput, ShapeError, spatial::areas};
use crate::{crs::Crs, geometry::Bounds};

/// The greatest radius of a circle in metres: half a meridian of WGS 84, which is the farthest that two positions are
/// apart, rounded up.
pub const MAX_RADIUS: f64 = 20_003_931.459;
/// How exactly lines are measured, in metres.
const TOLERANCE: f64 = 0.001;
/// From this length on, in metres, a piece of a line is compared with a straight one.
const NEARLY_STRAIGHT: f64 = 10_000.0;
/// What a line is at most longer than the sum of the ways to its middle and on: half a circle around a pole.
const DETOUR: f64 = 1.6;
/// The greatest radius of curvature of the ellipsoid, in metres (at the poles).
const MAX_CURVATURE: f64 = 6_399_594.0;
/// The least radius of curvature along a meridian, in metres (at the equator).
const MIN_MERIDIONAL: f64 = 6_335_439.0;
/// The least radius of curvature across meridians, in metres.
const MIN_TRANSVERSE: f64 = 6_378_137.0;
/// What a box in another system is widened by on each side: a share of its size, because edges become curves, and
/// degrees, because datums differ.
const WIDENED: (f64, f64) = (0.02, 0.01);

/// A circle to compare with elements in the layer's reference system.
#[derive(Debug)]
pub(super) struct Circle {
    own: &'static Crs,
    degrees: &'static Crs,
    longitude: f64,
    latitude: f64,
    radius: f64,
    geodesic: Geodesic,
}

/// A position as it is seen from the centre.
#[derive(Clone, Copy)]
struct Sight {
    position: Coord,
    longitude: f64,
    latitude: f64,
    distance: f64,
    /// Where it is on the map of directions and distances.
    east: f64,
    north: f64,
}

/// What is looked for along a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// A position of the circle.
    Inside,
    /// A position that is none of the circle's.
    Outside,
}

impl Circle {
    pub(super) fn check(
        input: CircleInput,
        from: &'static Crs,
        own: &'static Crs,
    ) -> Result<Self, ShapeError> {
        let CircleInput { x, y, radius } = input;
        if !(x.is_finite() && y.is_finite() && from.bounds().contains(x, y)) {
            return Err(ShapeError::Centre);
        }
        if !(radius > 0.0 && radius <= MAX_RADIUS) {
            return Err(ShapeError::Radius);
        }
        let degrees = Crs::known(4326).ok_or(ShapeError::Centre)?;
        let centre = from.position_to(degrees, x, y);
        let (longitude, latitude) = centre.or(Err(ShapeError::Centre))?;
        Ok(Self {
            own,
            degrees,
            longitude,
            latitude,
            radius,
            geodesic: Geodesic::wgs84(),
        })
    }

    /// Whether the geometry shares a position with the circle.
    pub(super) fn meets(&self, geometry: &GeoGeometry) -> bool {
        any_path(geometry, &mut |path| self.has(path, Side::Inside))
            || self
                .planar(self.longitude, self.latitude)
                .is_some_and(|centre| covers(geometry, centre))
    }

    /// Whether no position of the geometry is outside the circle.
    pub(super) fn encloses(&self, geometry: &GeoGeometry) -> bool {
        // Where the edges are inside, so is all, unless it reaches around the earth.
        !any_path(geometry, &mut |path| self.has(path, Side::Outside))
            && !self
                .planar(opposite(self.longitude), -self.latitude)
                .is_some_and(|far| {
                    self.side(&self.sight(far)) == Side::Outside && covers(geometry, far)
                })
    }

    /// Whether the circle and its edge lie inside the geometry.
    pub(super) fn is_inside(&self, geometry: &GeoGeometry) -> bool {
        let Some(centre) = self.planar(self.longitude, self.latitude) else {
            return false;
        };
        areas(geometry).iter().any(|polygon| {
            let mut edges = std::iter::once(polygon.exterior()).chain(polygon.interiors());
            polygon.intersects(&centre) && !edges.any(|ring| self.has(&ring.0, Side::Inside))
        })
    }

    /// The boxes in the layer's reference system outside of which nothing is in the circle.
    pub(super) fn boxes(&self) -> Vec<Bounds> {
        let boxes = self.boxes_in_degrees();
        if self.own.epsg() == self.degrees.epsg() {
            return boxes;
        }
        let widened: Vec<_> = boxes.into_iter().map(widened).collect();
        // Elements may stand where the system is not meant to be used, and no box tells where that is.
        if !widened.iter().all(|bounds| self.own.is_used_in(bounds)) {
            return vec![self.own.bounds()];
        }
        widened
            .into_iter()
            .flat_map(|bounds| self.degrees.bounds_to(self.own, bounds))
            .collect()
    }

    /// No way along the ellipsoid that is no longer than the radius leaves these: going north or south by an angle takes
    /// at least so much, and so does going east or west below the latitudes that are reached.
    fn boxes_in_degrees(&self) -> Vec<Bounds> {
        let up = (self.radius / MIN_MERIDIONAL).to_degrees();
        let (south, north) = (self.latitude - up, self.latitude + up);
        let reached = south.abs().max(north.abs());
        let aside = if reached < 90.0 {
            (self.radius / (MIN_TRANSVERSE * reached.to_radians().cos())).to_degrees()
        } else {
            f64::INFINITY
        };
        let bounds = |min_x, max_x| Bounds {
            min_x,
            min_y: south.max(-90.0),
            max_x,
            max_y: north.min(90.0),
        };
        let (west, east) = (self.longitude - aside, self.longitude + aside);
        if aside >= 180.0 {
            vec![bounds(-180.0, 180.0)]
        } else if west < -180.0 {
            vec![bounds(-180.0, east), bounds(west + 360.0, 180.0)]
        } else if east > 180.0 {
            vec![bounds(west, 180.0), bounds(-180.0, east - 360.0)]
        } else {
            vec![bounds(west, east)]
        }
    }

    /// Where a position in degrees is in the layer's system, if it is there.
    fn planar(&self, longitude: f64, latitude: f64) -> Option<Coord> {
        let position = self.degrees.position_to(self.own, longitude, latitude);
        let (x, y) = position.ok()?;
        self.own.bounds().contains(x, y).then_some(Coord { x, y })
    }

    fn sight(&self, position: Coord) -> Sight {
        let degrees = self.own.position_to(self.degrees, position.x, position.y);
        // What does not exist on earth has no distance, and is neither near nor inside.
        let (longitude, latitude) = degrees.unwrap_or((f64::NAN, f64::NAN));
        let (distance, azimuth, ..): (f64, f64, f64, f64) =
            self.geodesic
                .inverse(self.latitude, self.longitude, latitude, longitude);
        let (sine, cosine) = azimuth.to_radians().sin_cos();
        Sight {
            position,
            longitude,
            latitude,
            distance,
            east: distance * sine,
            north: distance * cosine,
        }
    }

    fn side(&self, sight: &Sight) -> Side {
        if sight.distance <= self.radius {
            Side::Inside
        } else {
            Side::Outside
        }
    }

    /// Whether some position of a path lies on that side.
    fn has(&self, path: &[Coord], side: Side) -> bool {
        let mut last: Option<Sight> = None;
        path.iter().any(|position| {
            let next = self.sight(*position);
            let found = self.side(&next) == side
                || last.is_some_and(|last| self.crosses_to(side, last, next));
            last = Some(next);
            found
        })
    }

    /// Whether a line whose ends lie on the other side comes to this one.
    fn crosses_to(&self, side: Side, start: Sight, end: Sight) -> bool {
        let mut pieces = vec![(start, end)];
        while let Some((start, end)) = pieces.pop() {
            let middle = self.sight(Coord {
                x: f64::midpoint(start.position.x, end.position.x),
                y: f64::midpoint(start.position.y, end.position.y),
            });
            if self.side(&middle) == side {
                return true;
            }
            for piece in [(start, middle), (middle, end)] {
                if !self.stays_off(side, piece.0, piece.1) {
                    match self.straight(side, start, middle, end) {
                        Some(true) => return true,
                        Some(false) => {}
                        None => pieces.push(piece),
                    }
                }
            }
        }
        false
    }

    /// Whether a line is too short to come to that side and back.
    fn stays_off(&self, side: Side, start: Sight, end: Sight) -> bool {
        let (ends, length) = (start.distance + end.distance, length(start, end) * DETOUR);
        match side {
            Side::Inside => ends - length > 2.0 * self.radius,
            Side::Outside => ends + length <= 2.0 * self.radius,
        }
    }

    /// Whether a line comes to that side, if it is short and straight enough to tell.
    fn straight(&self, side: Side, start: Sight, middle: Sight, end: Sight) -> Option<bool> {
        let length = (length(start, middle) + length(middle, end)) * DETOUR;
        if length > NEARLY_STRAIGHT {
            return None;
        }
        let sag = f64::hypot(
            middle.east - f64::midpoint(start.east, end.east),
            middle.north - f64::midpoint(start.north, end.north),
        );
        let (nearest, farthest) = (
            nearest(start, middle).min(nearest(middle, end)),
            start.distance.max(middle.distance).max(end.distance),
        );
        match side {
            Side::Inside if nearest - 4.0 * sag > self.radius => Some(false),
            Side::Outside if farthest + 4.0 * sag <= self.radius => Some(false),
            // Beside the farthest position of all, directions turn around within nothing.
            _ if sag > TOLERANCE && length > TOLERANCE => None,
            Side::Inside => Some(nearest <= self.radius),
            // A straight line is farthest at an end.
            Side::Outside => Some(false),
        }
    }
}

/// How far apart two positions are at most.
fn length(a: Sight, b: Sight) -> f64 {
    let turn = (a.longitude - b.longitude).abs();
    let turn = turn.min(360.0 - turn).to_radians();
    let nearest_equator = if a.latitude * b.latitude <= 0.0 {
        0.0
    } else {
        a.latitude.abs().min(b.latitude.abs())
    };
    let rise = (a.latitude - b.latitude).to_radians();
    MAX_CURVATURE * rise.hypot(turn * nearest_equator.to_radians().cos())
}

/// How near to the centre a straight line on the map comes.
fn nearest(a: Sight, b: Sight) -> f64 {
    let (east, north) = (b.east - a.east, b.north - a.north);
    let square = east * east + north * north;
    let share = if square > 0.0 {
        (-(a.east * east + a.north * north) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    f64::hypot(a.east + share * east, a.north + share * north)
}

fn opposite(longitude: f64) -> f64 {
    if longitude > 0.0 {
        longitude - 180.0
    } else {
        longitude + 180.0
    }
}

fn widened(bounds: Bounds) -> Bounds {
    let (share, degrees) = WIDENED;
    let x = (bounds.max_x - bounds.min_x) * share + degrees;
    let y = (bounds.max_y - bounds.min_y) * share + degrees;
    Bounds {
        min_x: (bounds.min_x - x).max(-180.0),
        min_y: (bounds.min_y - y).max(-90.0),
        max_x: (bounds.max_x + x).min(180.0),
        max_y: (bounds.max_y + y).min(90.0),
    }
}

/// Whether a position lies on an area of the geometry.
fn covers(geometry: &GeoGeometry, position: Coord) -> bool {
    let mut areas = areas(geometry).iter();
    areas.any(|polygon| polygon.intersects(&position))
}

/// Whether something holds for a path of the geometry: a point, a line, or the ring of an area.
fn any_path(geometry: &GeoGeometry, holds: &mut impl FnMut(&[Coord]) -> bool) -> bool {
    match geometry {
        GeoGeometry::Point(point) => holds(&[point.0]),
        GeoGeometry::MultiPoint(points) => points.iter().any(|point| holds(&[point.0])),
        GeoGeometry::LineString(line) => holds(&line.0),
        GeoGeometry::MultiLineString(lines) => lines.iter().any(|line| holds(&line.0)),
        GeoGeometry::Polygon(_) | GeoGeometry::MultiPolygon(_) => {
            areas(geometry).iter().any(|polygon| {
                let mut rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
                rings.any(|ring| holds(&ring.0))
            })
        }
        // No layer has them.
        GeoGeometry::Line(_)
        | GeoGeometry::GeometryCollection(_)
        | GeoGeometry::Rect(_)
        | GeoGeometry::Triangle(_) => false,
    }
}

#[cfg(test)]
mod tests;
