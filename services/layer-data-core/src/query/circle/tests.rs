//! Circles, compared with positions that lie close together on lines.

use geo_types::{LineString, Point, polygon};
use proptest::prelude::*;

use super::*;

fn mk_circle(epsg: i32, (x, y): (f64, f64), radius: f64) -> Circle {
    let crs = Crs::known(epsg).unwrap();
    Circle::check(CircleInput { x, y, radius }, crs, crs).unwrap()
}

fn line(positions: Vec<(f64, f64)>) -> GeoGeometry {
    LineString::from(positions).into()
}

/// The least and the greatest distance of positions on a line.
fn sampled(circle: &Circle, line: &[(f64, f64); 2]) -> (f64, f64) {
    let [(x0, y0), (x1, y1)] = *line;
    let at = |step: u32| {
        let share = f64::from(step) / 4_000.0;
        let (x, y) = (x0 + (x1 - x0) * share, y0 + (y1 - y0) * share);
        circle.sight(Coord { x, y }).distance
    };
    (0..=4_000)
        .map(at)
        .fold((f64::INFINITY, 0.0), |(least, most), distance| {
            (distance.min(least), distance.max(most))
        })
}

fn degrees() -> impl Strategy<Value = (f64, f64)> {
    (-180.0..=180.0, -90.0..=90.0)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// R110, R115.
    #[test]
    fn lines_are_as_near_and_as_far_as_their_positions(
        centre in degrees(), ends in [degrees(), degrees()], share in 0.0..1.0_f64, off in -2.0..2.0_f64,
    ) {
        let far = mk_circle(4326, centre, MAX_RADIUS);
        let (least, most) = sampled(&far, &ends);
        // Radii about those that decide, and any others.
        for middle in [least, most, share * MAX_RADIUS] {
            let radius = middle + off * 1_000.0;
            prop_assume!(radius > 0.0 && radius <= MAX_RADIUS);
            let circle = mk_circle(4326, centre, radius);
            let line = line(ends.to_vec());
            // Between two positions of the sample lie at most 10 km: nothing is known of what is nearer to the edge.
            if least <= radius {
                prop_assert!(circle.meets(&line));
            } else if least > radius + 5_010.0 {
                prop_assert!(!circle.meets(&line));
            }
            if most > radius {
                prop_assert!(!circle.encloses(&line));
            } else if most + 5_010.0 <= radius {
                prop_assert!(circle.encloses(&line));
            }
        }
    }

    /// What an index is asked for leaves out nothing.
    #[test]
    fn boxes_have_all_positions_of_the_circle(
        centre in degrees(), azimuth in -180.0..180.0_f64, share in 0.0..=1.0_f64, radius in 1.0..MAX_RADIUS,
    ) {
        use geographiclib_rs::DirectGeodesic;
        let circle = mk_circle(4326, centre, radius);
        let (latitude, longitude): (f64, f64) =
            circle.geodesic.direct(centre.1, centre.0, azimuth, radius * share);
        let inside = |bounds: &Bounds| bounds.contains(longitude, latitude);
        prop_assert!(circle.boxes().iter().any(inside), "{:?}", circle.boxes());
    }

    #[test]
    fn boxes_of_other_systems_have_all_positions_of_the_circle(
        centre in (2_500_000.0..2_830_000.0_f64, 1_080_000.0..1_290_000.0_f64),
        azimuth in -180.0..180.0_f64, radius in 1.0..200_000.0_f64,
    ) {
        use geographiclib_rs::DirectGeodesic;
        let circle = mk_circle(2056, centre, radius);
        let (latitude, longitude): (f64, f64) =
            circle.geodesic.direct(circle.latitude, circle.longitude, azimuth, radius);
        if let Some(Coord { x, y }) = circle.planar(longitude, latitude) {
            prop_assert!(circle.boxes().iter().any(|bounds| bounds.contains(x, y)));
        }
    }
}

#[test]
fn a_line_in_another_system_is_straight_there() {
    // R110: 100 km along a grid line of UTM zone 32, far from its middle, leave the geodesic by many metres.
    let circle = |radius| mk_circle(32632, (800_000.0, 5_300_100.0), radius);
    let grid_line = line(vec![(750_000.0, 5_300_000.0), (850_000.0, 5_300_000.0)]);
    let scale = 1.000_7;
    assert!(circle(100.0 / scale + 0.5).meets(&grid_line));
    assert!(!circle(100.0 / scale - 0.5).meets(&grid_line));
}

#[test]
fn an_area_that_has_the_farthest_position_is_not_within() {
    // R110: all but a cap around the centre, whose edge is inside the circle.
    let rest = polygon![
        exterior: [(x: -180.0, y: -90.0), (x: 180.0, y: -90.0), (x: 180.0, y: 90.0), (x: -180.0, y: 90.0)],
        interiors: [[(x: -1.0, y: -1.0), (x: 1.0, y: -1.0), (x: 1.0, y: 1.0), (x: -1.0, y: 1.0)]],
    ];
    let hole = polygon![(x: -1.0, y: -1.0), (x: 1.0, y: -1.0), (x: 1.0, y: 1.0), (x: -1.0, y: 1.0)];
    let circle = mk_circle(4326, (0.0, 0.0), 1_000_000.0);
    assert!(!circle.encloses(&rest.clone().into()) && circle.encloses(&hole.into()));
    assert!(circle.meets(&rest.clone().into()));
    assert!(mk_circle(4326, (0.0, 0.0), MAX_RADIUS).encloses(&rest.clone().into()));
    // In the hole, near nothing.
    assert!(!mk_circle(4326, (0.0, 0.0), 1_000.0).meets(&rest.into()));
}

#[test]
fn only_areas_contain_circles() {
    // R110.
    let circle = mk_circle(4326, (0.0, 0.0), 1.0);
    let point = GeoGeometry::from(Point::new(0.0, 0.0));
    assert!(circle.meets(&point) && circle.encloses(&point) && !circle.is_inside(&point));
}

#[test]
fn a_line_over_the_farthest_position_is_measured() {
    let circle = mk_circle(4326, (0.0, 0.0), MAX_RADIUS - 1.0);
    assert!(!circle.encloses(&line(vec![(170.0, 0.0), (180.0, 0.0)])));
    assert!(circle.encloses(&line(vec![(170.0, 10.0), (180.0, 10.0)])));
    let half = mk_circle(4326, (0.0, 0.0), MAX_RADIUS);
    assert!(half.encloses(&line(vec![(170.0, -10.0), (180.0, 10.0)])));
}

#[test]
fn centres_and_radii_that_are_none_are_refused() {
    // R110, R120.
    let crs = Crs::known(4326).unwrap();
    let check = |x, y, radius| Circle::check(CircleInput { x, y, radius }, crs, crs).map(drop);
    for radius in [0.0, -1.0, f64::NAN, f64::INFINITY, MAX_RADIUS.next_up()] {
        assert_eq!(check(0.0, 0.0, radius), Err(ShapeError::Radius), "{radius}");
    }
    for (x, y) in [
        (f64::NAN, 0.0),
        (0.0, f64::INFINITY),
        (0.0, 91.0),
        (200.0, 0.0),
    ] {
        assert_eq!(check(x, y, 1.0), Err(ShapeError::Centre), "{x} {y}");
    }
}

/// Elements may stand beyond where their system is meant to be used: south of Fiji east of the antimeridian.
#[test]
fn a_circle_finds_what_stands_outside_of_the_area_of_use() {
    let (own, degrees) = (Crs::known(32760).unwrap(), Crs::known(4326).unwrap());
    let (x, y) = degrees.position_to(own, -179.5, -17.0).unwrap();
    assert!(own.bounds().contains(x, y));
    let input = CircleInput {
        x: -179.5,
        y: -17.0,
        radius: 1e3,
    };
    let circle = Circle::check(input, degrees, own).unwrap();
    assert!(circle.meets(&Point::new(x, y).into()));
    assert!(circle.boxes().iter().any(|bounds| bounds.contains(x, y)));
}
