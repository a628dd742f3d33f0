//! Where rings touch: whether one passes through the other there, and whether together they cut the inside apart.

use std::collections::{HashMap, HashSet};

use geo::{Kernel, Orientation, kernels::RobustKernel};
use geo_types::{Coord, Line};

use super::{Fault, Invalidity, Lines, Segment, Step};

/// Two rings that touch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Touch {
    pub(super) one: Segment,
    pub(super) other: Segment,
    pub(super) at: Coord,
}

/// A position to compare by: zero has one sign.
type Key = (u64, u64);

fn key(at: Coord) -> Key {
    ((at.x + 0.0).to_bits(), (at.y + 0.0).to_bits())
}

/// All touches, each pair of rings at each position once.
#[derive(Debug, Default)]
pub(super) struct Touches {
    found: HashMap<(usize, usize, Key), Touch>,
    of_ring: HashSet<(usize, Key)>,
}

impl Touches {
    pub(super) fn add(&mut self, touch: Touch) {
        let Touch { one, other, at } = touch;
        let (one, other) = if one.ring < other.ring {
            (one, other)
        } else {
            (other, one)
        };
        let at_key = key(at);
        self.of_ring
            .extend([(one.ring, at_key), (other.ring, at_key)]);
        let touch = Touch { one, other, at };
        self.found.insert((one.ring, other.ring, at_key), touch);
    }

    /// Whether a ring touches another at a position.
    pub(super) fn has(&self, ring: usize, at: Coord) -> bool {
        self.of_ring.contains(&(ring, key(at)))
    }

    /// Whether the rings only touch, and leave the inside of each polygon in one piece.
    pub(super) fn check(&self, lines: &Lines) -> Result<(), Fault> {
        for touch in self.found.values() {
            if touch.is_crossing(lines).ok_or(Fault::TooIntricate)? {
                return Err(Invalidity::Crossing(touch.at).into());
            }
        }
        self.check_pieces(lines)
    }

    /// Rings and the positions where they touch are a forest, or they surround a part of the inside.
    fn check_pieces(&self, lines: &Lines) -> Result<(), Fault> {
        let polygon = |ring: usize| lines.rings.get(ring).map(|place| place.polygon);
        let mut forest = Forest::new(lines.rings.len());
        let mut places = HashMap::new();
        let mut joined = HashSet::new();
        for Touch { one, other, at } in self.found.values() {
            if polygon(one.ring) != polygon(other.ring) {
                continue;
            }
            let place = *places
                .entry((polygon(one.ring), key(*at)))
                .or_insert_with(|| forest.add());
            for ring in [one.ring, other.ring] {
                if joined.insert((ring, place)) && !forest.join(ring, place) {
                    return Err(Invalidity::CutApart(*at).into());
                }
            }
        }
        Ok(())
    }
}

impl Touch {
    /// Whether one ring passes from one side of the other to the other side.
    fn is_crossing(&self, lines: &Lines) -> Option<bool> {
        let [a, b] = arms(lines, self.one, self.at)?;
        let of_other = arms(lines, self.other, self.at)?;
        let [from, to] = of_other.map(|arm| is_between(self.at, [a, b], arm));
        Some(from != to)
    }
}

/// The next positions of a ring on both sides of one that is on the given line of it.
fn arms(lines: &Lines, segment: Segment, at: Coord) -> Option<[Coord; 2]> {
    let Line { start, end } = segment.line;
    Some(if at == start {
        [lines.neighbour(segment, Step::Back)?.line.start, end]
    } else if at == end {
        [start, lines.neighbour(segment, Step::On)?.line.end]
    } else {
        [start, end]
    })
}

/// Whether a direction from a position lies counter-clockwise between two others.
fn is_between(at: Coord, [from, to]: [Coord; 2], arm: Coord) -> bool {
    let is_left = |of: Coord, what: Coord| {
        RobustKernel::orient2d(at, of, what) == Orientation::CounterClockwise
    };
    if is_left(from, to) {
        is_left(from, arm) && is_left(arm, to)
    } else {
        !(is_left(to, arm) && is_left(arm, from))
    }
}

/// Which things hang together.
struct Forest(Vec<usize>);

impl Forest {
    fn new(count: usize) -> Self {
        Self((0..count).collect())
    }

    fn add(&mut self) -> usize {
        self.0.push(self.0.len());
        self.0.len() - 1
    }

    fn root(&mut self, of: usize) -> usize {
        let mut at = of;
        while let Some(&above) = self.0.get(at)
            && above != at
        {
            let next = self.0.get(above).copied().unwrap_or(above);
            if let Some(slot) = self.0.get_mut(at) {
                *slot = next;
            }
            at = next;
        }
        at
    }

    /// Joins two things; not when they hang together already.
    fn join(&mut self, one: usize, other: usize) -> bool {
        let (one, other) = (self.root(one), self.root(other));
        if let Some(slot) = self.0.get_mut(one) {
            *slot = other;
        }
        one != other
    }
}
