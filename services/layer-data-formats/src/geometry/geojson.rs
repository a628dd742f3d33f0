//! Shapes to and from GeoJSON.

use std::io::{self, Write};

use super::{Coordinates, Kind, Position, Shape, ShapeError};
use crate::row::Cell;

/// The shape of a feature's `geometry` member; `None` for null.
pub(crate) fn from_geojson(geometry: Cell) -> Result<Option<Shape>, ShapeError> {
    let members = match geometry {
        Cell::Null => return Ok(None),
        Cell::Object(members) => members,
        Cell::Boolean(_)
        | Cell::Integer(_)
        | Cell::Double(_)
        | Cell::Text(_)
        | Cell::Untyped(_)
        | Cell::Numbers(_)
        | Cell::List(_) => return Err(ShapeError::NotGeoJson),
    };
    let (mut name, mut coordinates) = (None, None);
    for (member, cell) in members {
        match (member.as_str(), cell) {
            ("type", Cell::Text(text)) => name = Some(text),
            ("coordinates", cell) => coordinates = Some(cell),
            _ => {}
        }
    }
    let kind = kind_of(name.as_deref())?;
    let coordinates = coordinates_of(coordinates.ok_or(ShapeError::NotGeoJson)?, kind)?;
    Shape::new(kind, coordinates).map(Some)
}

fn kind_of(name: Option<&str>) -> Result<Kind, ShapeError> {
    match name {
        Some("GeometryCollection") => Err(ShapeError::Collection),
        name => Kind::ALL
            .into_iter()
            .find(|kind| Some(kind.name()) == name)
            .ok_or(ShapeError::NotGeoJson),
    }
}

fn coordinates_of(cell: Cell, kind: Kind) -> Result<Coordinates, ShapeError> {
    match cell {
        Cell::Numbers(numbers) => match *numbers.as_slice() {
            [] => Ok(Coordinates::List(Vec::new())),
            [x, y] => Ok(Coordinates::Position(Position { x, y, z: None })),
            [x, y, z] => Ok(Coordinates::Position(Position { x, y, z: Some(z) })),
            _ => Err(ShapeError::PositionLength),
        },
        Cell::List(cells) => {
            let items = cells.into_iter().map(|cell| coordinates_of(cell, kind));
            items.collect::<Result<_, _>>().map(Coordinates::List)
        }
        Cell::Null
        | Cell::Boolean(_)
        | Cell::Integer(_)
        | Cell::Double(_)
        | Cell::Text(_)
        | Cell::Untyped(_)
        | Cell::Object(_) => Err(ShapeError::Nesting(kind.name())),
    }
}

/// Writes the shape as a GeoJSON geometry; every number reads back as it was.
pub(crate) fn write_geojson(shape: &Shape, out: &mut Vec<u8>) -> io::Result<()> {
    write!(out, r#"{{"type":"{}","coordinates":"#, shape.kind.name())?;
    write_coordinates(&shape.coordinates, out)?;
    out.write_all(b"}")
}

fn write_coordinates(coordinates: &Coordinates, out: &mut Vec<u8>) -> io::Result<()> {
    match coordinates {
        Coordinates::Position(Position { x, y, z: None }) => serde_json::to_writer(out, &[x, y])?,
        Coordinates::Position(Position { x, y, z: Some(z) }) => {
            serde_json::to_writer(out, &[x, y, z])?;
        }
        Coordinates::List(items) => {
            for (index, item) in items.iter().enumerate() {
                out.push(if index == 0 { b'[' } else { b',' });
                write_coordinates(item, out)?;
            }
            out.push(b']');
        }
    }
    Ok(())
}
