//! Whether the inside of polygons is clear (OGC 06-103, 6.1.11 and 6.1.14): rings touch at single positions at most, holes
//! lie inside, the inside hangs together, and polygons of a multipolygon share no area and no line.
//!
//! By hand, over the R-tree and the exact predicates of libraries: the check of `geo` compares each line with each other,
//! always, passes over rings that go there and back, and compares rings by a graph of all their crossings, whose size is
//! the square of a hostile polygon's. This one ends at the first fault, and gives up at a limit of work.

mod nesting;
mod touches;

use geo::line_intersection::{LineIntersection, line_intersection};
use geo_types::{Coord, Line};
use rstar::{AABB, RTree, RTreeObject};

use super::rings::Rings;
use touches::{Touch, Touches};

/// How many pairs of near lines are looked at: some, and so many for each line.
const PAIRS: usize = 200_000;
const PAIRS_A_LINE: usize = 20;
/// How often a polygon may cross or touch itself: some times, and once for each line.
const CROSSINGS: usize = 10_000;
/// Polygons of so few lines cannot cross themselves too often.
const FEW_LINES: usize = 256;

/// Why polygons are not valid, and where.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Invalidity {
    /// Lines cross, or a ring meets itself.
    #[error("its lines cross or meet at ({}, {})", .0.x, .0.y)]
    Crossing(Coord),
    /// Two lines lie on each other.
    #[error("two of its lines lie on each other at ({}, {})", .0.x, .0.y)]
    Overlap(Coord),
    /// A ring of fewer than three different positions.
    #[error("a ring surrounds nothing at ({}, {})", .0.x, .0.y)]
    Flat(Coord),
    /// A hole that is outside of its polygon, or inside another hole.
    #[error("a hole is outside of its polygon, or inside another hole, at ({}, {})", .0.x, .0.y)]
    Hole(Coord),
    /// A polygon inside another of the same geometry.
    #[error("two polygons share the area at ({}, {})", .0.x, .0.y)]
    SharedArea(Coord),
    /// Rings touch so that they cut the inside apart.
    #[error("touching rings cut its inside apart at ({}, {})", .0.x, .0.y)]
    CutApart(Coord),
}

/// Why polygons are refused.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub(super) enum Fault {
    #[error(transparent)]
    Invalid(#[from] Invalidity),
    /// They cross themselves too often, or lie too close for the limit of work.
    #[error("too intricate")]
    TooIntricate,
}

/// Checks polygons.
pub(super) fn check(polygons: &[Rings]) -> Result<(), Fault> {
    let mut lines = Lines::of(polygons)?;
    let mut touches = Touches::default();
    lines.each_pair(|one, other| match one.meets(&other) {
        Meeting::Nothing => Ok(()),
        Meeting::Crossing(at) => Err(Invalidity::Crossing(at).into()),
        Meeting::Overlap(at) => Err(Invalidity::Overlap(at).into()),
        Meeting::Touch(at) if one.ring == other.ring => Err(Invalidity::Crossing(at).into()),
        Meeting::Touch(at) => {
            touches.add(Touch { one, other, at });
            Ok(())
        }
    })?;
    touches.check(&lines)?;
    nesting::check(&mut lines, &touches)
}

/// Refuses polygons that cross themselves so often that nothing can be done with them.
pub(super) fn check_crossings(polygons: &[Rings]) -> Result<(), Fault> {
    let count: usize = polygons.iter().flatten().map(Vec::len).sum();
    if count <= FEW_LINES {
        return Ok(());
    }
    let mut left = CROSSINGS + count;
    Lines::all_of(polygons).each_pair(|one, other| {
        if one.meets(&other) != Meeting::Nothing {
            left = left.checked_sub(1).ok_or(Fault::TooIntricate)?;
        }
        Ok(())
    })
}

/// A line between two positions of a ring.
#[derive(Clone, Copy, Debug)]
struct Segment {
    /// Its place among all lines.
    index: usize,
    /// The ring that it belongs to, among all rings.
    ring: usize,
    line: Line,
}

impl RTreeObject for Segment {
    type Envelope = AABB<[f64; 2]>;

    fn envelope(&self) -> Self::Envelope {
        let Line { start, end } = self.line;
        AABB::from_corners([start.x, start.y], [end.x, end.y])
    }
}

/// What two lines have in common.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Meeting {
    /// Nothing, or the position by which one follows the other in their ring.
    Nothing,
    /// A position inside both.
    Crossing(Coord),
    /// A position that is an end of one.
    Touch(Coord),
    /// A line.
    Overlap(Coord),
}

impl Segment {
    fn meets(&self, other: &Self) -> Meeting {
        let follows = self.ring == other.ring
            && (self.line.end == other.line.start || self.line.start == other.line.end);
        match line_intersection(self.line, other.line) {
            None => Meeting::Nothing,
            Some(LineIntersection::Collinear { intersection }) => {
                Meeting::Overlap(intersection.start)
            }
            Some(LineIntersection::SinglePoint { .. }) if follows => Meeting::Nothing,
            Some(LineIntersection::SinglePoint {
                intersection,
                is_proper: true,
            }) => Meeting::Crossing(intersection),
            Some(LineIntersection::SinglePoint {
                intersection,
                is_proper: false,
            }) => Meeting::Touch(intersection),
        }
    }
}

/// A ring among all rings of a geometry.
#[derive(Clone, Copy, Debug)]
struct RingPlace {
    /// Its polygon.
    polygon: usize,
    /// Whether it is the polygon's outer one.
    is_outer: bool,
    /// Its first line, and the one after its last.
    lines: (usize, usize),
}

/// The lines of polygons.
struct Lines {
    segments: Vec<Segment>,
    rings: Vec<RingPlace>,
    tree: RTree<Segment>,
    /// How many pairs may still be looked at.
    work: usize,
}

impl Lines {
    /// The lines of polygons whose rings have three positions at least.
    fn of(polygons: &[Rings]) -> Result<Self, Invalidity> {
        let lines = Self::all_of(polygons);
        for (ring, place) in polygons.iter().flatten().zip(&lines.rings) {
            let (first, end) = place.lines;
            if let Some(position) = ring.first()
                && end - first < 3
            {
                return Err(Invalidity::Flat(position.at));
            }
        }
        Ok(lines)
    }

    /// The lines of polygons; a position that is given twice in a row makes none.
    fn all_of(polygons: &[Rings]) -> Self {
        let (mut segments, mut rings) = (Vec::new(), Vec::new());
        for (polygon, given) in polygons.iter().enumerate() {
            for (place, ring) in given.iter().enumerate() {
                let first = segments.len();
                for (start, end) in ring.iter().zip(ring.iter().skip(1)) {
                    if start.at != end.at {
                        segments.push(Segment {
                            index: segments.len(),
                            ring: rings.len(),
                            line: Line::new(start.at, end.at),
                        });
                    }
                }
                rings.push(RingPlace {
                    polygon,
                    is_outer: place == 0,
                    lines: (first, segments.len()),
                });
            }
        }
        let work = PAIRS + PAIRS_A_LINE * segments.len();
        Self {
            tree: RTree::bulk_load(segments.clone()),
            segments,
            rings,
            work,
        }
    }

    /// Looks at all pairs of lines that are near each other, each once.
    fn each_pair(
        &mut self,
        mut look: impl FnMut(Segment, Segment) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let pairs = self
            .tree
            .intersection_candidates_with_other_tree(&self.tree);
        for (one, other) in pairs {
            self.work = self.work.checked_sub(1).ok_or(Fault::TooIntricate)?;
            if one.index < other.index {
                look(*one, *other)?;
            }
        }
        Ok(())
    }

    /// The line before or after one in its ring.
    fn neighbour(&self, segment: Segment, step: Step) -> Option<Segment> {
        let (first, end) = self.rings.get(segment.ring)?.lines;
        let index = match step {
            Step::Back if segment.index == first => end.checked_sub(1)?,
            Step::Back => segment.index - 1,
            Step::On if segment.index + 1 == end => first,
            Step::On => segment.index + 1,
        };
        self.segments.get(index).copied()
    }
}

/// A direction along a ring.
#[derive(Clone, Copy, Debug)]
enum Step {
    Back,
    On,
}

#[cfg(test)]
mod tests;
