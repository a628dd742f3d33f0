//! Shapes to and from WKT.

use std::fmt::{self, Write};

use wkt::{
    Wkt,
    types::{Coord, LineString, Polygon},
};

use super::{Coordinates, Kind, Position, Shape, ShapeError};

/// Most parentheses inside each other: a multi polygon's.
const MAX_DEPTH: usize = 3;

/// The shape that a WKT text states.
pub(crate) fn from_wkt(text: &str) -> Result<Shape, ShapeError> {
    let text = text.trim();
    if text
        .get(..18)
        .is_some_and(|word| word.eq_ignore_ascii_case("GEOMETRYCOLLECTION"))
    {
        return Err(ShapeError::Collection);
    }
    if !is_balanced(text) {
        return Err(ShapeError::NotWkt);
    }
    let parsed: Wkt<f64> = text.parse().or(Err(ShapeError::NotWkt))?;
    let (kind, coordinates) = shape_of(parsed)?;
    Shape::new(kind, coordinates)
}

/// Whether the parentheses close in the end, and not before, and are not too deep. The library's parser calls
/// itself for each level, and ignores what follows the geometry.
fn is_balanced(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut closed = false;
    for byte in text.bytes() {
        match byte {
            _ if closed => return false,
            b'(' if depth == MAX_DEPTH => return false,
            b'(' => depth += 1,
            b')' if depth == 0 => return false,
            b')' => depth -= 1,
            // The library takes it for the end of the text.
            0 => return false,
            _ => continue,
        }
        closed = depth == 0;
    }
    depth == 0
}

fn shape_of(parsed: Wkt<f64>) -> Result<(Kind, Coordinates), ShapeError> {
    let shape = match parsed {
        Wkt::Point(point) => {
            let (coord, _) = point.into_inner();
            (Kind::Point, position(coord.ok_or(ShapeError::Empty)?)?)
        }
        Wkt::LineString(line) => (Kind::LineString, positions(line)?),
        Wkt::Polygon(polygon) => (Kind::Polygon, rings(polygon)?),
        Wkt::MultiPoint(points) => {
            let coords = points
                .into_inner()
                .0
                .into_iter()
                .map(|point| point.into_inner().0);
            (
                Kind::MultiPoint,
                list(coords, |coord| position(coord.ok_or(ShapeError::Empty)?))?,
            )
        }
        Wkt::MultiLineString(lines) => (
            Kind::MultiLineString,
            list(lines.into_inner().0, positions)?,
        ),
        Wkt::MultiPolygon(polygons) => (Kind::MultiPolygon, list(polygons.into_inner().0, rings)?),
        Wkt::GeometryCollection(_) => return Err(ShapeError::Collection),
    };
    Ok(shape)
}

fn list<T>(
    items: impl IntoIterator<Item = T>,
    item: impl FnMut(T) -> Result<Coordinates, ShapeError>,
) -> Result<Coordinates, ShapeError> {
    items
        .into_iter()
        .map(item)
        .collect::<Result<_, _>>()
        .map(Coordinates::List)
}

fn rings(polygon: Polygon<f64>) -> Result<Coordinates, ShapeError> {
    list(polygon.into_inner().0, positions)
}

fn positions(line: LineString<f64>) -> Result<Coordinates, ShapeError> {
    list(line.into_inner().0, position)
}

fn position(coord: Coord<f64>) -> Result<Coordinates, ShapeError> {
    let Coord { x, y, z, m } = coord;
    match m {
        Some(_) => Err(ShapeError::Measure),
        None => Ok(Coordinates::Position(Position { x, y, z })),
    }
}

/// The shape's WKT text; every number reads back as it was.
pub(crate) fn write_wkt(shape: &Shape) -> String {
    struct Text<'a>(&'a Shape);

    impl fmt::Display for Text<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let Shape {
                kind,
                has_z,
                coordinates,
            } = self.0;
            f.write_str(&kind.name().to_ascii_uppercase())?;
            f.write_str(if *has_z { " Z " } else { " " })?;
            write_part(*kind, coordinates, f)
        }
    }
    Text(shape).to_string()
}

fn write_part(kind: Kind, coordinates: &Coordinates, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match (kind, kind.part(), coordinates) {
        (Kind::Point, _, Coordinates::Position(_)) => {
            f.write_char('(')?;
            write_coordinates(coordinates, f)?;
            f.write_char(')')
        }
        (_, Some(part), Coordinates::List(items)) => {
            write_list(items, f, |item, f| write_part(part, item, f))
        }
        _ => write_coordinates(coordinates, f),
    }
}

fn write_coordinates(coordinates: &Coordinates, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match coordinates {
        Coordinates::Position(Position { x, y, z: None }) => write!(f, "{x} {y}"),
        Coordinates::Position(Position { x, y, z: Some(z) }) => write!(f, "{x} {y} {z}"),
        Coordinates::List(items) => write_list(items, f, write_coordinates),
    }
}

fn write_list(
    items: &[Coordinates],
    f: &mut fmt::Formatter<'_>,
    write: impl Fn(&Coordinates, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        f.write_char(if index == 0 { '(' } else { ',' })?;
        write(item, f)?;
    }
    f.write_char(')')
}
