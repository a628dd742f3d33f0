//! What is valid, beside the check of a library, and how much work it is to see.

use std::time::{Duration, Instant};

use geo::Validation;
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use proptest::prelude::*;
use wkt::TryFromWkt;

use super::{Fault, Invalidity, check, check_crossings};
use crate::geometry::rings::{Position, Ring, Rings};

fn ring(line: &LineString) -> Ring {
    let position = |at: &Coord| Position { at: *at, z: None };
    line.0.iter().map(position).collect()
}

pub(in crate::geometry) fn rings(polygons: &MultiPolygon) -> Vec<Rings> {
    let rings = |polygon: &Polygon| {
        let all = std::iter::once(polygon.exterior()).chain(polygon.interiors());
        all.map(ring).collect()
    };
    polygons.iter().map(rings).collect()
}

fn checked(polygons: &str) -> Result<(), Fault> {
    let text = format!("MULTIPOLYGON({polygons})");
    check(&rings(&MultiPolygon::try_from_wkt_str(&text).unwrap()))
}

const SQUARE: &str = "(0 0,10 0,10 10,0 10,0 0)";

#[test]
fn rings_that_only_touch_at_single_positions_are_valid() {
    for valid in [
        format!("({SQUARE})"),
        // A position given twice, and one on a straight line.
        "((0 0,0 0,5 0,10 0,10 10,0 0))".to_owned(),
        format!("({SQUARE},(2 2,2 8,8 8,8 2,2 2))"),
        // A hole that touches the edge, and one at a corner of another.
        format!("({SQUARE},(0 5,5 4,5 6,0 5),(5 4,6 3,7 4,5 4))"),
        // Neighbours by a corner, and a polygon in another's hole that touches it.
        format!("({SQUARE}),((10 10,20 10,20 20,10 10))"),
        format!("({SQUARE},(2 2,2 8,8 8,8 2,2 2)),((2 2,4 3,3 4,2 2))"),
        // A corner on the other's line.
        format!("({SQUARE}),((10 5,15 0,15 10,10 5))"),
        // Four squares of a chessboard around one corner.
        "((0 0,1 0,1 1,0 1,0 0)),((1 1,2 1,2 2,1 2,1 1))".to_owned(),
    ] {
        assert_eq!(checked(&valid), Ok(()), "{valid}");
    }
}

#[test]
fn what_has_no_clear_inside_is_not_valid() {
    let cases = [
        ("((0 0,10 10,10 0,0 10,0 0))", "its lines"),
        // There and back.
        ("((0 0,4 0,4 4,2 4,2 6,2 4,0 4,0 0))", "its lines"),
        ("((0 0,5 5,0 0,0 0))", "nothing"),
        // A ring that meets itself.
        ("((0 0,4 0,2 2,4 4,0 4,2 2,0 0))", "its lines"),
        (
            "((0 0,10 0,10 10,0 10,0 0),(2 2,2 12,8 12,8 2,2 2))",
            "its lines",
        ),
        (
            "((0 0,10 0,10 10,0 10,0 0),(12 2,14 2,14 4,12 2))",
            "a hole",
        ),
        (
            "((0 0,10 0,10 10,0 10,0 0),(1 1,9 1,9 9,1 9,1 1),(2 2,3 2,3 3,2 2))",
            "a hole",
        ),
        // A hole that goes out through corners.
        (
            "((0 0,10 0,10 10,5 8,0 10,0 0),(5 8,4 12,6 12,5 8))",
            "a hole",
        ),
        // Two holes that pass through each other's corner.
        (
            "((0 0,10 0,10 10,0 10,0 0),(2 4,5 5,2 6,2 4),(5 5,1 5.1,5 7,5 5))",
            "its lines",
        ),
        // A hole from edge to edge, and two that surround a part together.
        (
            "((0 0,10 0,10 10,0 10,0 0),(0 5,5 4,10 5,5 6,0 5))",
            "apart",
        ),
        (
            "((0 0,10 0,10 10,0 10,0 0),(2 5,5 2,5 4,4 5,5 6,5 8,2 5),(5 2,8 5,5 8,5 6,6 5,5 4,5 2))",
            "its lines",
        ),
        (
            "((0 0,10 0,10 10,0 10,0 0),(2 5,5 2,4 5,5 8,2 5),(5 2,8 5,5 8,6 5,5 2))",
            "apart",
        ),
        ("((0 0,10 0,10 10,0 10,0 0)),((2 2,4 2,4 4,2 2))", "share"),
        ("((2 2,4 2,4 4,2 2)),((0 0,10 0,10 10,0 10,0 0))", "share"),
        (
            "((0 0,10 0,10 10,0 10,0 0)),((10 2,14 2,10 4,10 2))",
            "its lines",
        ),
        // Outside by the corners alone.
        ("((0 0,10 0,10 10,0 10,0 0)),((0 0,10 10,5 6,0 0))", "share"),
    ];
    for (polygons, why) in cases {
        let fault = checked(polygons).unwrap_err();
        assert!(fault.to_string().contains(why), "{polygons}: {fault}");
    }
}

#[test]
fn a_fault_says_where() {
    let fault = checked("((0 0,10 10,10 0,0 10,0 0))");
    let at = Coord { x: 5.0, y: 5.0 };
    assert_eq!(fault, Err(Fault::Invalid(Invalidity::Crossing(at))));
}

/// A ring of many positions.
fn long_ring(count: u32, at: impl Fn(f64) -> (f64, f64)) -> Vec<Rings> {
    let mut ring: Ring = (0..count)
        .map(|n| {
            let (x, y) = at(f64::from(n));
            let at = Coord { x, y };
            Position { at, z: None }
        })
        .collect();
    ring.push(ring[0]);
    vec![vec![ring]]
}

#[test]
fn a_large_clear_polygon_is_seen_to_be_valid() {
    let count = 20_000;
    let circle = long_ring(count, |n| {
        let angle = n / f64::from(count) * std::f64::consts::TAU;
        let radius = 50.0 + (n * 0.01).sin();
        (angle.cos() * radius, angle.sin() * radius)
    });
    assert_eq!(check(&circle), Ok(()));
    assert_eq!(check_crossings(&circle), Ok(()));
}

#[test]
fn hostile_polygons_are_refused_soon() {
    let count = 10_001_u32;
    let star = long_ring(count, |n| {
        let angle = n * 5_000.0 / f64::from(count) * std::f64::consts::TAU;
        (angle.cos() * 50.0, angle.sin() * 50.0)
    });
    // Long lines side by side, none of which crosses another.
    let comb = long_ring(count, |n| {
        let shift = n * 1e-3;
        if n % 2.0 == 0.0 {
            (shift, shift - 90.0)
        } else {
            (shift + 80.0, shift - 10.0)
        }
    });
    let there_and_back = long_ring(count, |n| (n % 2.0, 0.0));
    for hostile in [star, comb, there_and_back] {
        let begun = Instant::now();
        assert!(check(&hostile).is_err());
        assert_eq!(check_crossings(&hostile), Err(Fault::TooIntricate));
        assert!(begun.elapsed() < Duration::from_mins(1));
    }
}

fn corner() -> impl Strategy<Value = Coord> {
    (0_i8..6, 0_i8..6).prop_map(|(x, y)| Coord {
        x: f64::from(x),
        y: f64::from(y),
    })
}

fn closed() -> impl Strategy<Value = LineString> {
    prop::collection::vec(corner(), 3..6).prop_map(|mut corners| {
        corners.push(corners[0]);
        LineString(corners)
    })
}

fn polygon() -> impl Strategy<Value = Polygon> {
    (closed(), prop::collection::vec(closed(), 0..2))
        .prop_map(|(outer, holes)| Polygon::new(outer, holes))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// On a small grid, where nearly everything touches: what is valid here is valid to the library; the other way round
    /// the library takes rings that meet themselves at a corner or cut the inside apart.
    #[test]
    fn what_is_valid_is_valid_to_the_library(
        polygons in prop::collection::vec(polygon(), 1..3),
    ) {
        let polygons = MultiPolygon(polygons);
        if check(&rings(&polygons)).is_ok() {
            prop_assert!(polygons.is_valid(), "{:?}", polygons.check_validation());
        }
    }

    /// The order of rings' positions and of polygons is of no matter.
    #[test]
    fn validity_is_no_matter_of_order(polygons in prop::collection::vec(polygon(), 1..3)) {
        let mut other = MultiPolygon(polygons.iter().rev().cloned().collect());
        for polygon in &mut other {
            polygon.exterior_mut(|ring| ring.0.reverse());
        }
        let is_valid = check(&rings(&MultiPolygon(polygons))).is_ok();
        prop_assert_eq!(check(&rings(&other)).is_ok(), is_valid);
    }
}
