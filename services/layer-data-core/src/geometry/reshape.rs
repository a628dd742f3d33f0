//! Stored geometries as they are wanted: in another reference system, with fewer positions. Heights stay as they are.

use geo::SimplifyVwIdx;
use geo_types::{Coord, LineString};

use super::wkb::LITTLE_ENDIAN;
use crate::crs::Crs;

/// How much of a line's shape may be lost: positions go whose triangle with their neighbours is smaller than half the
/// square of this length, in units of the reference system that is wanted (Visvalingam and Whyatt). Unlike the algorithm
/// of Douglas and Peucker, this has bounds on its time and its stack that no line exceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance(f64);

/// A length that is no tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tolerance is a positive finite number")]
pub struct InvalidTolerance;

impl Tolerance {
    /// Takes a length.
    ///
    /// # Errors
    /// [`InvalidTolerance`] when it is not a positive finite number.
    pub fn new(length: f64) -> Result<Self, InvalidTolerance> {
        if length.is_finite() && length > 0.0 {
            Ok(Self(length))
        } else {
            Err(InvalidTolerance)
        }
    }
}

/// What becomes of the geometries of a layer on their way out.
#[derive(Clone, Copy, Debug)]
pub struct Reshape {
    /// The layer's reference system.
    pub from: &'static Crs,
    /// The one that is wanted.
    pub to: &'static Crs,
    /// How much of the shape may be lost; `None` means nothing.
    pub tolerance: Option<Tolerance>,
}

impl Reshape {
    /// Whether geometries stay as they are.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.from.epsg() == self.to.epsg() && self.tolerance.is_none()
    }

    /// The geometry as it is wanted, as little-endian ISO WKB of the same type. None vanishes: of a line its ends are
    /// left at least, of a ring four positions. `None` when a position does not exist in the reference system that is
    /// wanted, and for bytes that no store keeps.
    #[must_use]
    pub fn apply(&self, wkb: &[u8]) -> Option<Vec<u8>> {
        let mut walk = Walk {
            rest: wkb,
            out: Vec::with_capacity(wkb.len()),
            reshape: *self,
        };
        walk.geometry(Members::Allowed)?;
        walk.rest.is_empty().then_some(walk.out)
    }

    fn position(&self, position: Position) -> Option<Position> {
        let Position { x, y, z } = position;
        let (x, y) = self.from.position_to(self.to, x, y).ok()?;
        Some(Position { x, y, z })
    }

    /// Which positions of a line or a ring stay.
    fn kept(&self, positions: &[Position], least: usize) -> Vec<usize> {
        let all = || (0..positions.len()).collect();
        let Some(Tolerance(length)) = self.tolerance else {
            return all();
        };
        if positions.len() <= least {
            return all();
        }
        let line: LineString = positions
            .iter()
            .map(|Position { x, y, z: _ }| Coord { x: *x, y: *y })
            .collect();
        let kept = line.simplify_vw_idx(length * length / 2.0);
        if kept.len() >= least {
            return kept;
        }
        // Spread evenly: the first and the last are among them, which keeps a ring closed.
        let end = positions.len() - 1;
        (0..least).map(|n| n * end / (least - 1)).collect()
    }
}

#[derive(Clone, Copy, PartialEq)]
struct Position {
    x: f64,
    y: f64,
    z: Option<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Members {
    Allowed,
    Forbidden,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Height {
    Absent,
    Present,
}

struct Walk<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    reshape: Reshape,
}

impl Walk<'_> {
    fn geometry(&mut self, members: Members) -> Option<()> {
        if self.take::<1>()? != [LITTLE_ENDIAN] {
            return None;
        }
        self.out.push(LITTLE_ENDIAN);
        let code = self.count()?;
        self.write_count(code);
        let height = match code / 1000 {
            0 => Height::Absent,
            1 => Height::Present,
            _ => return None,
        };
        match code % 1000 {
            1 => {
                let position = self.read(height)?;
                self.write(position);
                Some(())
            }
            2 => self.line(height, 2),
            3 => {
                let rings = self.count()?;
                self.write_count(rings);
                (0..rings).try_for_each(|_| self.line(height, 4))
            }
            4..=6 if members == Members::Allowed => {
                let count = self.count()?;
                self.write_count(count);
                (0..count).try_for_each(|_| self.geometry(Members::Forbidden))
            }
            _ => None,
        }
    }

    fn line(&mut self, height: Height, least: usize) -> Option<()> {
        let count = self.count()?;
        let positions = (0..count).map(|_| self.read(height));
        let positions: Vec<Position> = positions.collect::<Option<_>>()?;
        let kept = self.reshape.kept(&positions, least);
        self.write_count(u32::try_from(kept.len()).ok()?);
        for place in kept {
            self.write(*positions.get(place)?);
        }
        Some(())
    }

    fn read(&mut self, height: Height) -> Option<Position> {
        let (x, y) = (self.number()?, self.number()?);
        let z = match height {
            Height::Absent => None,
            Height::Present => Some(self.number()?),
        };
        self.reshape.position(Position { x, y, z })
    }

    fn write(&mut self, position: Position) {
        let Position { x, y, z } = position;
        for number in [Some(x), Some(y), z].into_iter().flatten() {
            self.out.extend_from_slice(&number.to_le_bytes());
        }
    }

    fn number(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn write_count(&mut self, count: u32) {
        self.out.extend_from_slice(&count.to_le_bytes());
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*bytes)
    }
}

#[cfg(test)]
mod tests {
    use geo::{Area, BoundingRect, HasDimensions};
    use proptest::prelude::*;

    use super::*;
    use crate::geometry::to_geo;

    fn reshape(from: i32, to: i32, tolerance: Option<f64>) -> Reshape {
        Reshape {
            from: Crs::known(from).unwrap(),
            to: Crs::known(to).unwrap(),
            tolerance: tolerance.map(|length| Tolerance::new(length).unwrap()),
        }
    }

    /// A line (2), or a polygon of one ring (3), with a height where `z` says so.
    fn wkb(kind: u32, positions: &[(f64, f64)], z: Option<f64>) -> Vec<u8> {
        let mut wkb = vec![LITTLE_ENDIAN];
        wkb.extend((kind + if z.is_some() { 1000 } else { 0 }).to_le_bytes());
        if kind == 3 {
            wkb.extend(1_u32.to_le_bytes());
        }
        wkb.extend(u32::try_from(positions.len()).unwrap().to_le_bytes());
        for (x, y) in positions {
            for number in [Some(*x), Some(*y), z].into_iter().flatten() {
                wkb.extend(number.to_le_bytes());
            }
        }
        wkb
    }

    #[test]
    fn heights_survive_another_reference_system() {
        // R115.
        let line = wkb(2, &[(8.54, 47.37), (6.63, 46.52)], Some(431.5));
        let moved = reshape(4326, 2056, None).apply(&line).unwrap();
        assert_eq!(moved.len(), line.len());
        assert!(moved.ends_with(&431.5_f64.to_le_bytes()));
        let back = reshape(2056, 4326, None).apply(&moved).unwrap();
        let bounds = to_geo(&back).unwrap().bounding_rect().unwrap();
        assert!((bounds.max().x - 8.54).abs() < 1e-6 && (bounds.min().y - 46.52).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_exist_in_the_other_system_is_nothing() {
        let pole = wkb(2, &[(0.0, 0.0), (0.0, 90.0)], None);
        assert_eq!(reshape(4326, 3857, None).apply(&pole), None);
        let whole = wkb(2, &[(0.0, 0.0), (0.0, 80.0)], None);
        for cut in 0..whole.len() {
            assert_eq!(reshape(4326, 3857, None).apply(&whole[..cut]), None);
        }
    }

    #[test]
    fn small_corners_go_and_large_ones_stay() {
        let corners = [(0.0, 0.0), (1.0, 0.01), (2.0, 0.0), (2.0, 5.0)];
        let line = wkb(2, &corners, Some(7.0));
        let kept = wkb(2, &[corners[0], corners[2], corners[3]], Some(7.0));
        assert_eq!(reshape(4326, 4326, Some(0.5)).apply(&line), Some(kept));
        assert!(reshape(4326, 4326, None).is_nothing());
        assert!(Tolerance::new(0.0).is_err() && Tolerance::new(f64::NAN).is_err());
    }

    #[test]
    fn a_long_spiral_is_done_soon() {
        // The worst case of other algorithms: each step is nearly as far out as the one before.
        let spiral: Vec<_> = (0..200_000_u32)
            .map(|n| {
                let (angle, radius) = (f64::from(n) * 0.1, 80.0 - f64::from(n) * 4e-4);
                (angle.cos() * radius, angle.sin() * radius)
            })
            .collect();
        let shorter = reshape(4326, 4326, Some(1e-3)).apply(&wkb(2, &spiral, None));
        assert!(shorter.is_some());
    }

    proptest! {
        /// No geometry vanishes, whatever the tolerance: a line keeps its ends, a ring stays one.
        #[test]
        fn nothing_vanishes(
            corners in prop::collection::vec((-80.0_f64..80.0, -80.0_f64..80.0), 3..40),
            tolerance in 1e-3_f64..1e4,
        ) {
            let reshape = reshape(4326, 4326, Some(tolerance));
            let line = to_geo(&reshape.apply(&wkb(2, &corners, None)).unwrap()).unwrap();
            let geo_types::Geometry::LineString(line) = line else { panic!("a line") };
            let ends = [line.0[0], line.0[line.0.len() - 1]].map(|coord| coord.x_y());
            prop_assert_eq!(ends, [corners[0], corners[corners.len() - 1]]);
            let mut ring = corners;
            ring.push(ring[0]);
            let polygon = to_geo(&reshape.apply(&wkb(3, &ring, None)).unwrap()).unwrap();
            let geo_types::Geometry::Polygon(polygon) = polygon else { panic!("a polygon") };
            let left = polygon.exterior();
            prop_assert!(left.0.len() >= 4 && left.is_closed() && !polygon.is_empty());
            prop_assert!(polygon.unsigned_area().is_finite());
        }
    }
}
