//! Geometries in the notations of files.

use super::*;
use crate::row::Cell;

fn wkt(text: &str) -> Shape {
    from_wkt(text).unwrap()
}

#[test]
fn every_kind_survives_wkt_and_wkb() {
    for text in [
        "POINT (1.5 -2)",
        "POINT Z (1 2 3)",
        "LINESTRING (0 0,1 1,2 0.1)",
        "POLYGON ((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))",
        "MULTIPOINT ((0 0),(1 1))",
        "MULTILINESTRING ((0 0,1 1),(2 2,3 3))",
        "MULTIPOLYGON Z (((0 0 1,4 0 1,4 4 1,0 0 1)),((9 9 2,8 9 2,8 8 2,9 9 2)))",
    ] {
        assert_eq!(write_wkt(&wkt(text)), text);
        assert_eq!(from_wkb(&to_wkb(&wkt(text))), Some(wkt(text)));
    }
}

#[test]
fn wkt_of_other_programs_is_understood() {
    assert_eq!(wkt("Point(1 2)"), wkt(" POINT (1.0  2e0) "));
    assert_eq!(wkt("POINTZ(1 2 3)"), wkt("POINT Z (1 2 3)"));
    assert_eq!(wkt("MULTIPOINT(0 0, 1 1)"), wkt("MULTIPOINT ((0 0),(1 1))"));
}

#[test]
fn what_is_no_geometry_says_why() {
    // R66, R115.
    for (text, expected) in [
        ("", ShapeError::NotWkt),
        ("POINT", ShapeError::NotWkt),
        ("POINT (1)", ShapeError::NotWkt),
        ("POINT (1 2) POINT (3 4)", ShapeError::NotWkt),
        ("POINT (1 2", ShapeError::NotWkt),
        ("POINT (1 2))", ShapeError::NotWkt),
        ("POINT (1 2)\0", ShapeError::NotWkt),
        ("CIRCULARSTRING (0 0,1 1,2 0)", ShapeError::NotWkt),
        ("SRID=4326;POINT (1 2)", ShapeError::NotWkt),
        ("POINT EMPTY", ShapeError::Empty),
        ("LINESTRING EMPTY", ShapeError::Empty),
        ("POINT M (1 2 3)", ShapeError::Measure),
        ("GeometryCollection (POINT (1 2))", ShapeError::Collection),
    ] {
        assert_eq!(from_wkt(text), Err(expected), "{text}");
    }
}

#[test]
fn parentheses_without_end_are_refused_before_they_are_followed() {
    assert_eq!(
        from_wkt(&format!("MULTIPOLYGON {}", "(".repeat(1_000_000))),
        Err(ShapeError::NotWkt)
    );
}

#[test]
fn heights_are_in_all_positions_or_in_none() {
    let position = |z| Coordinates::Position(Position { x: 0.0, y: 0.0, z });
    let mixed = Coordinates::List(vec![position(None), position(Some(1.0))]);
    assert_eq!(
        Shape::new(Kind::LineString, mixed),
        Err(ShapeError::MixedHeights)
    );
}

#[test]
fn geojson_coordinates_nest_as_the_type_needs() {
    let geometry = |kind: &str, coordinates: Cell| {
        let members = vec![
            ("coordinates".to_owned(), coordinates),
            ("type".to_owned(), Cell::Text(kind.into())),
        ];
        from_geojson(Cell::Object(members))
    };
    let pair = || Cell::Numbers(vec![1.0, 2.0]);
    assert_eq!(geometry("Point", pair()).unwrap(), Some(wkt("POINT (1 2)")));
    assert_eq!(
        geometry("LineString", pair()),
        Err(ShapeError::Nesting("LineString"))
    );
    assert_eq!(
        geometry("Point", Cell::List(vec![pair()])),
        Err(ShapeError::Nesting("Point"))
    );
    assert_eq!(
        geometry("Point", Cell::Numbers(vec![1.0])),
        Err(ShapeError::PositionLength)
    );
    assert_eq!(
        geometry("Point", Cell::Numbers(vec![1.0; 4])),
        Err(ShapeError::PositionLength)
    );
    assert_eq!(
        geometry("Point", Cell::Numbers(vec![])),
        Err(ShapeError::Empty)
    );
    assert_eq!(
        geometry("Point", Cell::List(vec![Cell::Text("1".into())])),
        Err(ShapeError::Nesting("Point"))
    );
    assert_eq!(geometry("Sphere", pair()), Err(ShapeError::NotGeoJson));
    assert_eq!(
        geometry("GeometryCollection", pair()),
        Err(ShapeError::Collection)
    );
    assert_eq!(from_geojson(Cell::Null), Ok(None));
}

#[test]
fn rings_are_wound_as_the_rfc_asks() {
    let clockwise = wkt("POLYGON ((0 0,0 4,4 4,4 0,0 0),(1 1,2 1,2 2,1 1))");
    let wound = wkt("POLYGON ((0 0,4 0,4 4,0 4,0 0),(1 1,2 2,2 1,1 1))");
    assert_eq!(clockwise.wound(), wound);
    assert_eq!(wound.clone().wound(), wound);
}

#[test]
fn bytes_that_are_no_geometry_are_none() {
    let good = to_wkb(&wkt("MULTILINESTRING ((0 0,1 1),(2 2,3 3))"));
    for end in 0..good.len() {
        assert_eq!(from_wkb(&good[..end]), None);
    }
    // A count of 2^32 - 1 without anything behind it.
    assert_eq!(from_wkb(&[1, 2, 0, 0, 0, 255, 255, 255, 255]), None);
}
