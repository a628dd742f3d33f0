//! Geometries for display: positions as whole numbers of cells of a grid, each told by how far it is from the one before.

use geo_types::{Coord, Geometry, LineString, Polygon};

use super::{GeometryType, to_geo};

/// Farther from the origin than this many cells (2^53), whole numbers are not exact any more.
const MOST_CELLS: f64 = 9_007_199_254_740_992.0;
/// Most cells between the origin of a grid and that of its reference system (2^52), which leaves as many for positions.
const FARTHEST_ORIGIN: f64 = MOST_CELLS / 2.0;
/// The smallest cell: about a millimetre in degrees. At most 2^52 of them reach every position on earth.
const SMALLEST_CELL: f64 = 1e-8;

/// A grid of square cells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    origin: Coord,
    cell: f64,
}

/// Numbers that are no grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGrid {
    /// A cell that is smaller than 1e-8 units of the reference system, not finite or not a number.
    #[error("the size of a cell is a finite number, at least 0.00000001")]
    Cell,
    /// An origin that is not finite, or more than 2^52 cells from that of the reference system.
    #[error("the origin is finite, and at most 2^52 cells from 0")]
    Origin,
}

/// A geometry on a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantized {
    /// Its type.
    pub kind: GeometryType,
    /// How many positions each part has: all points are one part, each line is one, each ring is one.
    pub parts: Vec<u32>,
    /// How many rings each polygon has; of polygons alone.
    pub polygons: Vec<u32>,
    /// x and y of each position, in cells from the position before, of the first one from the origin.
    pub deltas: Vec<i64>,
}

type Cell = (i64, i64);

impl Grid {
    /// A grid with a cell of this size at the origin, in units of the reference system.
    ///
    /// # Errors
    /// [`InvalidGrid`].
    pub fn new(origin: (f64, f64), cell: f64) -> Result<Self, InvalidGrid> {
        if !(cell.is_finite() && cell >= SMALLEST_CELL) {
            return Err(InvalidGrid::Cell);
        }
        let is_near = |origin: f64| (origin / cell).abs() <= FARTHEST_ORIGIN;
        if !(is_near(origin.0) && is_near(origin.1)) {
            return Err(InvalidGrid::Origin);
        }
        let origin = origin.into();
        Ok(Self { origin, cell })
    }

    /// The middle of cell 0.
    #[must_use]
    pub fn origin(&self) -> (f64, f64) {
        self.origin.x_y()
    }

    /// The width and height of a cell.
    #[must_use]
    pub const fn cell_size(&self) -> f64 {
        self.cell
    }

    /// The geometry on the grid, without heights: each position in the middle of the cell nearest to it. Equal ones that
    /// follow each other become one. Lines of one position then, and rings of fewer than three, are left out, and
    /// polygons with their outer ring, so that nothing may be left. `None` when a position is too many cells from the
    /// origin, and for bytes that no store keeps.
    #[must_use]
    pub fn quantize(&self, wkb: &[u8]) -> Option<Quantized> {
        let geometry = to_geo(wkb)?;
        let mut drawing = Drawing::new(*self, kind(&geometry)?);
        match &geometry {
            Geometry::Point(point) => drawing.points(&[point.0])?,
            Geometry::MultiPoint(points) => {
                let coords: Vec<Coord> = points.iter().map(|point| point.0).collect();
                drawing.points(&coords)?;
            }
            Geometry::LineString(line) => drawing.line(line)?,
            Geometry::MultiLineString(lines) => {
                lines.iter().try_for_each(|line| drawing.line(line))?;
            }
            Geometry::Polygon(polygon) => drawing.polygon(polygon)?,
            Geometry::MultiPolygon(polygons) => {
                polygons
                    .iter()
                    .try_for_each(|polygon| drawing.polygon(polygon))?;
            }
            Geometry::Line(_)
            | Geometry::Rect(_)
            | Geometry::Triangle(_)
            | Geometry::GeometryCollection(_) => return None,
        }
        Some(drawing.done)
    }

    fn cell(&self, position: Coord) -> Option<Cell> {
        let number = |offset: f64| {
            let cells = (offset / self.cell).round();
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole numbers up to this size are exact"
            )]
            (cells.abs() <= MOST_CELLS).then_some(cells as i64)
        };
        let offset = position - self.origin;
        Some((number(offset.x)?, number(offset.y)?))
    }

    /// The cells of some positions, equal ones that follow each other once.
    fn cells(&self, positions: &[Coord]) -> Option<Vec<Cell>> {
        let cells = positions.iter().map(|position| self.cell(*position));
        let mut cells: Vec<Cell> = cells.collect::<Option<_>>()?;
        cells.dedup();
        Some(cells)
    }
}

const fn kind(geometry: &Geometry) -> Option<GeometryType> {
    Some(match geometry {
        Geometry::Point(_) => GeometryType::Point,
        Geometry::LineString(_) => GeometryType::LineString,
        Geometry::Polygon(_) => GeometryType::Polygon,
        Geometry::MultiPoint(_) => GeometryType::MultiPoint,
        Geometry::MultiLineString(_) => GeometryType::MultiLineString,
        Geometry::MultiPolygon(_) => GeometryType::MultiPolygon,
        Geometry::Line(_)
        | Geometry::Rect(_)
        | Geometry::Triangle(_)
        | Geometry::GeometryCollection(_) => return None,
    })
}

/// A geometry that is being written.
struct Drawing {
    grid: Grid,
    pen: Cell,
    done: Quantized,
}

impl Drawing {
    const fn new(grid: Grid, kind: GeometryType) -> Self {
        Self {
            grid,
            pen: (0, 0),
            done: Quantized {
                kind,
                parts: Vec::new(),
                polygons: Vec::new(),
                deltas: Vec::new(),
            },
        }
    }

    fn points(&mut self, positions: &[Coord]) -> Option<()> {
        let cells = self.grid.cells(positions)?;
        self.part(&cells)
    }

    fn line(&mut self, line: &LineString) -> Option<()> {
        let cells = self.grid.cells(&line.0)?;
        if cells.len() < 2 {
            return Some(());
        }
        self.part(&cells)
    }

    fn polygon(&mut self, polygon: &Polygon) -> Option<()> {
        let rings = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        let rings = rings.map(|ring| self.grid.cells(&ring.0));
        let rings: Vec<Vec<Cell>> = rings.collect::<Option<_>>()?;
        // Three positions and the first one once more.
        let is_seen = |ring: &Vec<Cell>| ring.len() >= 4;
        if !rings.first().is_some_and(is_seen) {
            return Some(());
        }
        let mut count = 0;
        for ring in rings.iter().filter(|ring| is_seen(ring)) {
            self.part(ring)?;
            count += 1;
        }
        self.done.polygons.push(count);
        Some(())
    }

    fn part(&mut self, cells: &[Cell]) -> Option<()> {
        self.done.parts.push(u32::try_from(cells.len()).ok()?);
        for (x, y) in cells {
            self.done.deltas.extend([x - self.pen.0, y - self.pen.1]);
            self.pen = (*x, *y);
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use geozero::{CoordDimensions, ToWkb};
    use proptest::prelude::*;

    use super::*;

    fn quantize(geometry: &Geometry, grid: Grid) -> Option<Quantized> {
        grid.quantize(&geometry.to_wkb(CoordDimensions::xy()).unwrap())
    }

    fn grid(cell: f64) -> Grid {
        Grid::new((-10.0, 5.0), cell).unwrap()
    }

    /// The positions of each part, in units of the reference system.
    fn positions(quantized: &Quantized, grid: Grid) -> Vec<Vec<Coord>> {
        let (mut x, mut y) = (0.0, 0.0);
        let mut deltas = quantized.deltas.chunks_exact(2).map(|delta| {
            let delta = [delta[0], delta[1]].map(|cells| f64::from(i32::try_from(cells).unwrap()));
            (x, y) = (x + delta[0], y + delta[1]);
            grid.origin + Coord::from((x, y)) * grid.cell
        });
        let parts = quantized.parts.iter();
        let parts = parts.map(|count| deltas.by_ref().take(*count as usize).collect());
        parts.collect()
    }

    #[test]
    fn positions_are_told_from_the_one_before() {
        let line = LineString::from(vec![(-10.0, 5.0), (-8.9, 5.1), (-9.1, 4.9), (-6.0, 8.0)]);
        let quantized = quantize(&line.into(), grid(1.0)).unwrap();
        assert_eq!(quantized.kind, GeometryType::LineString);
        assert_eq!(quantized.parts, [3]);
        assert_eq!(quantized.deltas, [0, 0, 1, 0, 3, 3]);
    }

    #[test]
    fn what_is_too_small_to_be_seen_is_left_out() {
        let ring = |at: f64, size: f64| {
            let corners = [(at, at), (at + size, at), (at, at + size), (at, at)];
            LineString::from(corners.to_vec())
        };
        let whole = Polygon::new(ring(0.0, 50.0), vec![ring(2.0, 0.1), ring(5.0, 9.0)]);
        let speck = Polygon::new(ring(70.0, 0.1), vec![ring(5.0, 9.0)]);
        let both = vec![speck.clone(), whole];
        let quantized = quantize(&geo_types::MultiPolygon(both).into(), grid(1.0)).unwrap();
        assert_eq!((quantized.polygons, quantized.parts), (vec![2], vec![4, 4]));
        let nothing = quantize(&speck.into(), grid(1.0)).unwrap();
        assert_eq!((nothing.parts, nothing.deltas), (vec![], vec![]));
    }

    #[test]
    fn what_is_too_far_to_be_counted_is_nothing() {
        let point = geo_types::Point::new(1e9, 2.0);
        assert_eq!(quantize(&point.into(), grid(1e-8)), None);
        assert_eq!(grid(1.0).quantize(&[]), None);
    }

    #[test]
    fn numbers_that_make_no_grid_are_refused() {
        for cell in [0.0, -1.0, 1e-9, 1e-300, f64::NAN, f64::INFINITY] {
            assert_eq!(
                Grid::new((0.0, 0.0), cell),
                Err(InvalidGrid::Cell),
                "{cell}"
            );
        }
        for far in [f64::NAN, f64::NEG_INFINITY, 1e18] {
            for origin in [(far, 0.0), (0.0, far)] {
                assert_eq!(Grid::new(origin, 1.0), Err(InvalidGrid::Origin), "{far}");
            }
        }
    }

    #[test]
    fn points_and_members_keep_their_order_and_their_type() {
        let points = vec![(-10.0, 5.0), (-9.9, 5.1), (-7.0, 5.0), (-10.0, 5.0)];
        let points = geo_types::MultiPoint::from(points);
        let quantized = quantize(&points.into(), grid(1.0)).unwrap();
        assert_eq!(quantized.kind, GeometryType::MultiPoint);
        assert_eq!(
            (quantized.parts, quantized.deltas),
            (vec![3], vec![0, 0, 3, 0, -3, 0])
        );
        let line = |from, to| LineString::from(vec![from, to]);
        let lines = vec![
            line((-10.0, 5.0), (-8.0, 5.0)),
            line((0.0, 0.0), (0.1, 0.1)),
            line((-8.0, 6.0), (-8.0, 4.0)),
        ];
        let quantized = quantize(&geo_types::MultiLineString(lines).into(), grid(1.0)).unwrap();
        assert_eq!(quantized.parts, [2, 2]);
        assert_eq!(quantized.deltas, [0, 0, 2, 0, 0, 1, 0, -2]);
    }

    proptest! {
        /// Every position is within half a cell of one that is told, and the other way around; rings stay closed.
        #[test]
        fn positions_are_within_half_a_cell(
            corners in prop::collection::vec((-80.0_f64..80.0, -80.0_f64..80.0), 3..40),
            cell in 1e-3_f64..50.0,
        ) {
            let mut ring = LineString::from(corners);
            ring.close();
            let (grid, polygon) = (grid(cell), Polygon::new(ring.clone(), vec![]));
            let half = cell / 2.0 + 1e-9;
            let near = |a: &Coord, b: &Coord| (a.x - b.x).abs() <= half && (a.y - b.y).abs() <= half;
            for geometry in [Geometry::from(polygon), ring.clone().into()] {
                let quantized = quantize(&geometry, grid).unwrap();
                for part in positions(&quantized, grid) {
                    prop_assert!(part.iter().all(|told| ring.0.iter().any(|real| near(told, real))));
                    prop_assert!(ring.0.iter().all(|real| part.iter().any(|told| near(told, real))));
                    prop_assert!(part.windows(2).all(|pair| pair[0] != pair[1]));
                    prop_assert_eq!(part.first(), part.last());
                }
            }
        }
    }
}
