//! Geometries as people write them (WKT), as the contract carries them (ISO WKB), and as maps read them (GeoJSON).

use geozero::{CoordDimensions, ToWkb, ToWkt, wkb::Wkb, wkt::Wkt as WktSource};
use serde_json::{Value, json};
use wkt::{
    Wkt,
    types::{Coord, Dimension, LineString, Point, Polygon},
};

/// The WKB of a geometry that is written as WKT, x first.
pub(crate) fn wkb_of_wkt(text: &str) -> Result<Vec<u8>, String> {
    let refusal = || format!("`{text}` is not WKT such as `POINT(2.35 48.85)`");
    let parsed: Wkt<f64> = text.parse().ok().ok_or_else(refusal)?;
    let dimensions = match parsed.dimension() {
        Dimension::XY => CoordDimensions::xy(),
        Dimension::XYZ => CoordDimensions::xyz(),
        Dimension::XYM | Dimension::XYZM => return Err("measures (M) are not accepted".to_owned()),
    };
    WktSource(text).to_wkb(dimensions).ok().ok_or_else(refusal)
}

/// The WKT of a geometry.
pub(crate) fn wkt_of_wkb(wkb: &[u8]) -> Option<String> {
    if has_z(wkb)? {
        let text = Wkb(wkb).to_wkt_ndim(CoordDimensions::xyz()).ok()?;
        // The library writes the heights, and leaves out the letter that announces them.
        Some(text.replacen('(', " Z(", 1))
    } else {
        Wkb(wkb).to_wkt().ok()
    }
}

/// The GeoJSON of a geometry.
pub(crate) fn geojson_of_wkb(wkb: &[u8]) -> Option<Value> {
    let parsed: Wkt<f64> = wkt_of_wkb(wkb)?.parse().ok()?;
    Some(geojson(&parsed))
}

/// ISO WKB adds 1000 to the type of a geometry with heights.
fn has_z(wkb: &[u8]) -> Option<bool> {
    let (order, rest) = wkb.split_first()?;
    let bytes = *rest.first_chunk()?;
    let kind = match order {
        0 => u32::from_be_bytes(bytes),
        _ => u32::from_le_bytes(bytes),
    };
    Some((1001..2000).contains(&kind))
}

fn geojson(geometry: &Wkt<f64>) -> Value {
    let (kind, coordinates) = match geometry {
        Wkt::Point(point) => ("Point", of_point(point)),
        Wkt::LineString(line) => ("LineString", of_line(line)),
        Wkt::Polygon(polygon) => ("Polygon", of_polygon(polygon)),
        Wkt::MultiPoint(points) => ("MultiPoint", points.points().iter().map(of_point).collect()),
        Wkt::MultiLineString(lines) => (
            "MultiLineString",
            lines.line_strings().iter().map(of_line).collect(),
        ),
        Wkt::MultiPolygon(polygons) => (
            "MultiPolygon",
            polygons.polygons().iter().map(of_polygon).collect(),
        ),
        Wkt::GeometryCollection(all) => {
            let members: Value = all.geometries().iter().map(geojson).collect();
            return json!({"type": "GeometryCollection", "geometries": members});
        }
    };
    json!({"type": kind, "coordinates": coordinates})
}

fn of_point(point: &Point<f64>) -> Value {
    point.coord().map_or_else(|| json!([]), of_position)
}

fn of_position(position: &Coord<f64>) -> Value {
    match position.z {
        Some(z) => json!([position.x, position.y, z]),
        None => json!([position.x, position.y]),
    }
}

fn of_line(line: &LineString<f64>) -> Value {
    line.coords().iter().map(of_position).collect()
}

fn of_polygon(polygon: &Polygon<f64>) -> Value {
    polygon.rings().iter().map(of_line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn geometries_survive_the_way_to_the_wire_and_back() {
        for text in [
            "POINT(2.35 48.85)",
            "LINESTRING(0 0,1 1.5)",
            "POLYGON((0 0,4 0,4 4,0 0),(1 1,2 1,2 2,1 1))",
            "MULTIPOINT(1 2,3 4)",
            "MULTILINESTRING((0 0,1 1),(2 2,3 3))",
            "MULTIPOLYGON(((0 0,4 0,4 4,0 0)))",
        ] {
            let wkb = wkb_of_wkt(text).unwrap();
            assert_eq!(wkt_of_wkb(&wkb).as_deref(), Some(text));
        }
    }

    #[test]
    fn heights_are_kept() {
        let wkb = wkb_of_wkt("LINESTRING Z(0 0 5,1 1 6)").unwrap();
        assert_eq!(wkb.get(1..5), Some(&1002_u32.to_le_bytes()[..]));
        let expected =
            json!({"type": "LineString", "coordinates": [[0.0, 0.0, 5.0], [1.0, 1.0, 6.0]]});
        assert_eq!(geojson_of_wkb(&wkb), Some(expected));
        assert_eq!(wkt_of_wkb(&wkb).unwrap(), "LINESTRING Z(0 0 5,1 1 6)");
    }

    #[test]
    fn what_is_no_wkt_or_has_measures_is_refused() {
        for text in [
            "",
            "2.35,48.85",
            "POINT(1)",
            "POINT M(1 2 3)",
            "CIRCLE(1 2)",
        ] {
            assert!(wkb_of_wkt(text).is_err(), "{text}");
        }
    }
}
