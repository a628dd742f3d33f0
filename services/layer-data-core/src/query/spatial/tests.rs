//! Relations in the plane, and shapes that nothing compares with.

use geo_types::{
    Coord, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Rect, polygon,
};
use proptest::prelude::*;

use super::*;

fn checked(geometry: &GeoGeometry) -> Result<(), QueryError> {
    use geozero::{CoordDimensions, ToWkb};
    let spatial = SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Geometry(geometry.to_wkb(CoordDimensions::xy()).unwrap()),
        epsg: None,
    };
    let crs = Crs::known(4326).unwrap();
    Spatial::check(Some(spatial), Vec::new(), crs).map(drop)
}

#[test]
fn a_shape_without_a_clear_inside_is_refused() {
    // R115.
    let crossing = polygon![(x: 0.0, y: 0.0), (x: 2.0, y: 2.0), (x: 2.0, y: 0.0), (x: 0.0, y: 2.0)];
    let hole_outside = polygon![
        exterior: [(x: 0.0, y: 0.0), (x: 2.0, y: 0.0), (x: 2.0, y: 2.0), (x: 0.0, y: 2.0)],
        interiors: [[(x: 5.0, y: 5.0), (x: 6.0, y: 5.0), (x: 6.0, y: 6.0)]],
    ];
    let square = polygon![(x: 0.0, y: 0.0), (x: 2.0, y: 0.0), (x: 2.0, y: 2.0), (x: 0.0, y: 2.0)];
    let overlapping = MultiPolygon(vec![square.clone(), square.clone()]);
    let flat = polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 2.0, y: 0.0)];
    for bad in [
        crossing.into(),
        hole_outside.into(),
        overlapping.into(),
        flat.into(),
    ] {
        let error = checked(&bad).unwrap_err();
        assert!(
            matches!(error, QueryError::Shape(ShapeError::Invalid(_))),
            "{error}"
        );
    }
    assert_eq!(checked(&square.into()), Ok(()));
}

#[test]
fn rings_are_limited() {
    // R120.
    let triangle = |n: u8| {
        let x = f64::from(n) / 2.0;
        polygon![(x: x, y: 0.0), (x: x + 0.1, y: 0.0), (x: x, y: 0.1)]
    };
    let many = |count| GeoGeometry::from(MultiPolygon((0..count).map(triangle).collect()));
    assert_eq!(checked(&many(100)), Ok(()));
    let refused = Err(QueryError::Shape(ShapeError::TooManyRings));
    assert_eq!(checked(&many(101)), refused);
}

fn corner() -> impl Strategy<Value = Coord> {
    (0..6_i8, 0..6_i8).prop_map(|(x, y)| Coord {
        x: x.into(),
        y: y.into(),
    })
}

/// Geometries of every type on a small grid, where much touches: most areas cross themselves.
fn geometry() -> impl Strategy<Value = GeoGeometry> {
    let line = |least| prop::collection::vec(corner(), least..7).prop_map(LineString);
    let area = move || line(3).prop_map(|ring| Polygon::new(ring, Vec::new()));
    let holed = (line(3), line(3)).prop_map(|(ring, hole)| Polygon::new(ring, vec![hole]));
    prop_oneof![
        corner().prop_map(|c| Point(c).into()),
        prop::collection::vec(corner(), 1..4)
            .prop_map(|all| MultiPoint(all.into_iter().map(Point).collect()).into()),
        line(2).prop_map(Into::into),
        area().prop_map(Into::into),
        holed.prop_map(Into::into),
        prop::collection::vec(area(), 1..3).prop_map(|areas| MultiPolygon(areas).into()),
    ]
}

/// Whether every area is one: the library takes rings without any for valid.
fn is_sound(geometry: &GeoGeometry) -> bool {
    geometry.check_validation().is_ok() && !has_flat_area(geometry)
}

fn is_line(geometry: &GeoGeometry) -> bool {
    matches!(geometry, GeoGeometry::LineString(_))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    /// R115: what a layer may have, whatever it looks like, is compared with any valid shape.
    #[test]
    fn no_element_stops_a_comparison(element in geometry(), shape in geometry()) {
        prop_assume!(is_sound(&shape));
        let holds = |relation| related(relation, &element, &shape);
        prop_assert_ne!(holds(Relation::Intersects), holds(Relation::Disjoint));
        if is_sound(&element) {
            prop_assert!(!holds(Relation::Within) || holds(Relation::Intersects));
            prop_assert!(!holds(Relation::Contains) || holds(Relation::Intersects));
            let matrix = element.relate(&shape);
            prop_assert_eq!(holds(Relation::Intersects), matrix.is_intersects());
            // Where lines cross themselves the library rounds the crossings, and loses lines on lines.
            let is_rounded = is_line(&element) && is_line(&shape);
            let agrees = |ours: bool, its: bool| ours == its || (is_rounded && ours);
            prop_assert!(agrees(holds(Relation::Within), matrix.is_within()));
            prop_assert!(agrees(holds(Relation::Contains), matrix.is_contains()));
        }
    }
}

/// Lines that cross each other as often as the square of their number are compared piece by piece.
#[test]
fn a_dense_grid_of_lines_is_compared_in_time() {
    let line = |from, to| LineString(vec![from, to]);
    let across = (0..2_000).map(f64::from).flat_map(|n| {
        let along = line(Coord { x: 0.0, y: n }, Coord { x: 2e3, y: n });
        let up = line(Coord { x: n, y: 0.0 }, Coord { x: n, y: 2e3 });
        [along, up]
    });
    let grid: GeoGeometry = MultiLineString(across.collect()).into();
    let square = |edge: f64| GeoGeometry::from(Rect::new((-1.0, -1.0), (edge, edge)).to_polygon());
    assert!(related(Relation::Within, &grid, &square(3e3)));
    assert!(!related(Relation::Within, &grid, &square(1e3)));
    let street = line(Coord { x: 5.0, y: 7.0 }, Coord { x: 900.5, y: 7.0 });
    assert!(related(Relation::Contains, &grid, &street.into()));
}

#[test]
fn relations_are_limited() {
    let everywhere = SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Circle(CircleInput {
            x: 1.0,
            y: 2.0,
            radius: 3.0,
        }),
        epsg: None,
    };
    let own = Crs::known(4326).unwrap();
    let several = |count| Spatial::check(None, vec![everywhere.clone(); count], own);
    assert!(several(MAX_RELATIONS).is_ok());
    assert!(matches!(
        several(MAX_RELATIONS + 1),
        Err(QueryError::TooManyRelations)
    ));
}
