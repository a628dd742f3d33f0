//! Which rings lie inside which, when none crosses another.

use std::collections::BTreeSet;

use geo::{Kernel, Orientation, kernels::RobustKernel};
use geo_types::{Coord, Line};
use rstar::AABB;

use super::{Fault, Invalidity, Lines, RingPlace, touches::Touches};

/// Whether holes lie in their polygons and nowhere else, and polygons not in each other.
pub(super) fn check(lines: &mut Lines, touches: &Touches) -> Result<(), Fault> {
    if lines.rings.len() < 2 {
        return Ok(());
    }
    for ring in 0..lines.rings.len() {
        let at = lines.probe(ring, touches).ok_or(Fault::TooIntricate)?;
        let around = lines.around(ring, at)?;
        let Some(place) = lines.rings.get(ring) else {
            continue;
        };
        let around: Vec<&RingPlace> = around
            .iter()
            .filter_map(|ring| lines.rings.get(*ring))
            .collect();
        if place.is_outer {
            check_outer(place, &around, at)?;
        } else {
            check_hole(place, &around, at)?;
        }
    }
    Ok(())
}

/// A hole is inside its polygon's outer ring and inside no other hole of it.
fn check_hole(hole: &RingPlace, around: &[&RingPlace], at: Coord) -> Result<(), Invalidity> {
    let own = around.iter().filter(|ring| ring.polygon == hole.polygon);
    let own: Vec<bool> = own.map(|ring| ring.is_outer).collect();
    if own == [true] {
        Ok(())
    } else {
        Err(Invalidity::Hole(at))
    }
}

/// An outer ring is outside of every other polygon, or in a hole of it.
fn check_outer(outer: &RingPlace, around: &[&RingPlace], at: Coord) -> Result<(), Invalidity> {
    let others = around.iter().filter(|ring| ring.polygon != outer.polygon);
    let polygons = |is_outer: bool| -> BTreeSet<usize> {
        let such = others.clone().filter(|ring| ring.is_outer == is_outer);
        such.map(|ring| ring.polygon).collect()
    };
    if polygons(true).is_subset(&polygons(false)) {
        Ok(())
    } else {
        Err(Invalidity::SharedArea(at))
    }
}

impl Lines {
    /// A position of a ring that is on no other ring.
    fn probe(&self, ring: usize, touches: &Touches) -> Option<Coord> {
        let (first, end) = self.rings.get(ring)?.lines;
        let lines = self.segments.get(first..end)?;
        let free = lines.iter().map(|segment| segment.line.start);
        let mut free = free.filter(|at| !touches.has(ring, *at));
        free.next().or_else(|| {
            let length = |line: &Line| line.dx().hypot(line.dy());
            let lines = lines.iter().map(|segment| segment.line);
            let longest = lines.max_by(|one, other| length(one).total_cmp(&length(other)))?;
            Some((longest.start + longest.end) / 2.0)
        })
    }

    /// The other rings that a position is inside of: those that a ray from it meets an odd number of times.
    fn around(&mut self, own: usize, at: Coord) -> Result<BTreeSet<usize>, Fault> {
        let ray = AABB::from_corners([at.x, at.y], [f64::MAX, at.y]);
        let mut inside = BTreeSet::new();
        for segment in self.tree.locate_in_envelope_intersecting(&ray) {
            self.work = self.work.checked_sub(1).ok_or(Fault::TooIntricate)?;
            let Line { start, end } = segment.line;
            if segment.ring == own || (start.y > at.y) == (end.y > at.y) {
                continue;
            }
            let (low, high) = if start.y < end.y {
                (start, end)
            } else {
                (end, start)
            };
            match RobustKernel::orient2d(low, high, at) {
                Orientation::CounterClockwise if !inside.remove(&segment.ring) => {
                    inside.insert(segment.ring);
                }
                Orientation::CounterClockwise | Orientation::Clockwise => {}
                Orientation::Collinear => return Err(Fault::TooIntricate),
            }
        }
        Ok(inside)
    }
}
