//! What comes out of a repair.

use geo::Area;
use geo_types::{Coord, LineString, MultiPolygon, Polygon};
use proptest::prelude::*;

use super::{Unrepairable, repaired};
use crate::geometry::{
    rings::{Position, Rings},
    validity,
};

fn ring(corners: &[(f64, f64)], z: Option<f64>) -> Vec<Position> {
    let closed = corners.iter().chain(corners.first());
    let position = |(x, y): &(f64, f64)| Position {
        at: Coord { x: *x, y: *y },
        z,
    };
    closed.map(position).collect()
}

fn area(polygons: &[Rings]) -> f64 {
    let line = |ring: &Vec<Position>| ring.iter().map(|position| position.at).collect();
    let polygons = polygons.iter().map(|rings| {
        let mut lines = rings.iter().map(line);
        let outer: LineString = lines.next().unwrap();
        Polygon::new(outer, lines.collect())
    });
    MultiPolygon(polygons.collect()).unsigned_area()
}

const BOW_TIE: [(f64, f64); 4] = [(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)];

#[test]
fn a_bow_tie_becomes_two_triangles_with_their_corners_as_given() {
    let third = 1.0 / 3.0;
    let corners = BOW_TIE.map(|(x, y)| (x + third, y + third));
    let parts = repaired(&[vec![ring(&corners, None)]]).unwrap();
    assert_eq!(parts.len(), 2);
    assert!((area(&parts) - 50.0).abs() < 1e-6);
    let positions: Vec<Coord> = parts.iter().flatten().flatten().map(|p| p.at).collect();
    for (x, y) in corners {
        assert!(positions.contains(&Coord { x, y }));
    }
}

#[test]
fn polygons_that_share_an_area_become_one() {
    let square = |from: f64| {
        let to = from + 2.0;
        vec![ring(
            &[(from, from), (to, from), (to, to), (from, to)],
            None,
        )]
    };
    let parts = repaired(&[square(0.0), square(1.0)]).unwrap();
    assert_eq!(parts.len(), 1);
    assert!((area(&parts) - 7.0).abs() < 1e-6);
}

#[test]
fn heights_are_kept_and_never_invented() {
    let bow_tie = vec![ring(&BOW_TIE, Some(5.0))];
    assert_eq!(repaired(&[bow_tie]), Err(Unrepairable::Height));
    // There and back: no new position is needed.
    let spike = [
        (0.0, 0.0),
        (4.0, 0.0),
        (4.0, 4.0),
        (8.0, 4.0),
        (4.0, 4.0),
        (0.0, 4.0),
    ];
    let parts = repaired(&[vec![ring(&spike, Some(5.0))]]).unwrap();
    let heights: Vec<Option<f64>> = parts.iter().flatten().flatten().map(|p| p.z).collect();
    assert!(heights.len() >= 5 && heights.iter().all(|z| *z == Some(5.0)));
    // Where two heights are given, none is chosen.
    let mut two = ring(&spike, Some(5.0));
    two[4].z = Some(6.0);
    assert_eq!(repaired(&[vec![two]]), Err(Unrepairable::Height));
}

#[test]
fn what_surrounds_nothing_is_not_repaired() {
    let flat = ring(&[(0.0, 0.0), (1.0, 1.0), (2.0, 2.0)], None);
    assert_eq!(repaired(&[vec![flat]]), Err(Unrepairable::Nothing));
}

/// Whether a position is surrounded an odd number of times.
fn is_inside(rings: &[Vec<Position>], x: f64, y: f64) -> bool {
    let lines = rings
        .iter()
        .flat_map(|ring| ring.iter().zip(ring.iter().skip(1)));
    let meets = |(a, b): &(&Position, &Position)| {
        let (a, b) = (a.at, b.at);
        (a.y > y) != (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x
    };
    lines.filter(meets).count() % 2 == 1
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// Whatever the ring, what comes out is valid and covers what it surrounded an odd number of times.
    #[test]
    fn what_comes_out_is_valid_and_covers_the_same(
        corners in prop::collection::vec((0.0_f64..100.0, 0.0_f64..100.0), 3..30),
        places in prop::collection::vec((0.0_f64..100.0, 0.0_f64..100.0), 40),
    ) {
        let given = vec![ring(&corners, None)];
        let parts = repaired(std::slice::from_ref(&given)).unwrap();
        prop_assert_eq!(validity::check(&parts), Ok(()));
        let after: Vec<Vec<Position>> = parts.into_iter().flatten().collect();
        for (x, y) in places {
            prop_assert_eq!(is_inside(&after, x, y), is_inside(&given, x, y));
        }
    }

    /// Where nearly everything lies on something else.
    #[test]
    fn what_touches_everywhere_comes_out_valid(
        corners in prop::collection::vec((0_i8..5, 0_i8..5), 3..20),
    ) {
        let corners: Vec<_> = corners.iter().map(|(x, y)| (f64::from(*x), f64::from(*y))).collect();
        let given = vec![ring(&corners, None)];
        match repaired(std::slice::from_ref(&given)) {
            Ok(parts) => {
                prop_assert_eq!(validity::check(&parts), Ok(()));
                let after: Vec<Vec<Position>> = parts.into_iter().flatten().collect();
                for x in 0..50_u8 {
                    let (x, y) = (f64::from(x) * 0.1 + 0.0371, f64::from(x % 7) * 0.6 + 0.0113);
                    prop_assert_eq!(is_inside(&after, x, y), is_inside(&given, x, y));
                }
            }
            Err(why) => prop_assert_eq!(why, Unrepairable::Nothing),
        }
    }
}
