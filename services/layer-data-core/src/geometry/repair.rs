//! Repairing polygons: what their lines surround an odd number of times is their inside.
//!
//! By `i_overlay`, which `geo` builds its own overlays on. It works on a grid of whole numbers, about a billionth of the
//! polygon's extent, which is what makes it exact. Positions that were given come back as they were given, to the last
//! bit; only where lines cross, a new one lies on the grid. What comes out is checked like what is given: should rounding
//! ever have spoilt it, the polygon is refused.

use std::collections::HashMap;

use geo_types::Coord;
use i_overlay::{
    core::{
        fill_rule::FillRule,
        overlay::{IntOverlayOptions, Overlay},
        overlay_rule::OverlayRule,
        solver::Solver,
    },
    i_float::{adapter::FloatPointAdapter, float::rect::FloatRect, int::point::IntPoint},
    i_shape::int::shape::{IntContour, IntShapes},
};

use super::{
    rings::{Position, Rings},
    validity,
};

/// Why polygons are not repaired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrepairable {
    /// A position would be needed whose height nobody has given: heights are never invented.
    #[error("it would need a position whose height is not known")]
    Height,
    /// Nothing has an area.
    #[error("it surrounds no area")]
    Nothing,
    /// The repaired polygon is several, and the layer takes single ones.
    #[error("it becomes {0} polygons, and the layer takes single ones")]
    Parts(usize),
    /// Its positions are too close to each other for its extent.
    #[error("its positions are too close to each other")]
    TooFine,
}

/// Repairs polygons: each by itself, then what overlaps becomes one.
pub(super) fn repaired(polygons: &[Rings]) -> Result<Vec<Rings>, Unrepairable> {
    let grid = Grid::over(polygons).ok_or(Unrepairable::Nothing)?;
    // Rare polygons, whose lines meet in many places, the library spoils. From another side it does not.
    let from_here = grid.repaired(polygons, Side::Front);
    if from_here == Err(Unrepairable::TooFine) {
        return grid.repaired(polygons, Side::Left);
    }
    from_here
}

/// From where the library looks at polygons.
#[derive(Clone, Copy)]
enum Side {
    /// As they are.
    Front,
    /// Turned by a right angle.
    Left,
}

impl Side {
    fn seen(self, mut shapes: IntShapes, turn: fn(IntPoint) -> IntPoint) -> IntShapes {
        match self {
            Self::Front => {}
            Self::Left => {
                let points = shapes.iter_mut().flatten().flatten();
                points.for_each(|point| *point = turn(*point));
            }
        }
        shapes
    }
}

/// The grid on which polygons are repaired.
struct Grid {
    adapter: FloatPointAdapter<[f64; 2], f64>,
    /// The position given at a place; `None` where several with different heights were.
    given: HashMap<IntPoint, Option<Position>>,
    has_z: bool,
}

impl Grid {
    fn over(polygons: &[Rings]) -> Option<Self> {
        let positions = || polygons.iter().flatten().flatten();
        let first = positions().next()?;
        let mut rect = FloatRect::with_point([first.at.x, first.at.y]);
        for position in positions() {
            rect.add_point(&[position.at.x, position.at.y]);
        }
        let mut grid = Self {
            adapter: FloatPointAdapter::new(rect),
            given: HashMap::new(),
            has_z: first.z.is_some(),
        };
        for position in positions() {
            let known = grid
                .given
                .entry(grid.adapter.float_to_int(&xy(position.at)));
            known
                .and_modify(|known| *known = known.filter(|known| known.z == position.z))
                .or_insert(Some(*position));
        }
        Some(grid)
    }

    fn repaired(&self, polygons: &[Rings], side: Side) -> Result<Vec<Rings>, Unrepairable> {
        let shapes = self.united(polygons, side);
        if shapes.is_empty() {
            return Err(Unrepairable::Nothing);
        }
        let given = rings(&shapes, |point| self.as_given(point))?;
        if validity::check(&given).is_ok() {
            return Ok(given);
        }
        let on_grid = rings(&shapes, |point| self.as_rounded(point))?;
        match validity::check(&on_grid) {
            Ok(()) => Ok(on_grid),
            Err(_spoilt) => Err(Unrepairable::TooFine),
        }
    }

    fn united(&self, polygons: &[Rings], side: Side) -> IntShapes {
        let mut each: Vec<IntShapes> = polygons
            .iter()
            .map(|rings| overlaid(self.contours(rings), (FillRule::EvenOdd, side)))
            .collect();
        if each.len() == 1 {
            return each.pop().unwrap_or_default();
        }
        let contours: Vec<IntContour> = each.into_iter().flatten().flatten().collect();
        overlaid(contours, (FillRule::NonZero, side))
    }

    fn contours(&self, rings: &Rings) -> Vec<IntContour> {
        let point = |position: &Position| self.adapter.float_to_int(&xy(position.at));
        let rings = rings.iter();
        rings.map(|ring| ring.iter().map(point).collect()).collect()
    }

    /// The position that was given at a place, or else the place itself, if heights do not matter.
    fn as_given(&self, point: IntPoint) -> Option<Position> {
        match self.given.get(&point) {
            Some(known) => *known,
            None => self.as_rounded(point).filter(|_| !self.has_z),
        }
    }

    /// The place itself, with the height that was given there.
    fn as_rounded(&self, point: IntPoint) -> Option<Position> {
        let [x, y] = self.adapter.int_to_float(&point);
        let at = Coord { x, y };
        match self.given.get(&point) {
            Some(known) => known.map(|known| Position { at, ..known }),
            None if self.has_z => None,
            None => Some(Position { at, z: None }),
        }
    }
}

/// The shapes as polygons.
fn rings(
    shapes: &IntShapes,
    position: impl Fn(IntPoint) -> Option<Position>,
) -> Result<Vec<Rings>, Unrepairable> {
    let ring = |contour: &IntContour| {
        let closed = contour.iter().chain(contour.first());
        let positions: Option<Vec<Position>> = closed.map(|point| position(*point)).collect();
        positions.ok_or(Unrepairable::Height)
    };
    let polygons = shapes.iter();
    polygons
        .map(|shape| shape.iter().map(ring).collect())
        .collect()
}

const fn xy(at: Coord) -> [f64; 2] {
    [at.x, at.y]
}

fn overlaid(contours: Vec<IntContour>, (rule, side): (FillRule, Side)) -> IntShapes {
    let options = IntOverlayOptions {
        preserve_output_collinear: true,
        ogc: true,
        ..IntOverlayOptions::default()
    };
    let seen = side.seen(vec![contours], |IntPoint { x, y }| IntPoint { x: -y, y: x });
    let contours: Vec<IntContour> = seen.into_iter().flatten().collect();
    let mut overlay = Overlay::with_contours_custom(&contours, &[], options, Solver::AUTO);
    let shapes = overlay.overlay(OverlayRule::Subject, rule);
    side.seen(shapes, |IntPoint { x, y }| IntPoint { x: y, y: -x })
}

#[cfg(test)]
mod tests;
