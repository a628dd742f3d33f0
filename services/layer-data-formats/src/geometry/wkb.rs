//! Shapes to and from ISO WKB, little-endian, as layers keep them.

use super::{Coordinates, Kind, Position, Shape};

/// What ISO WKB adds to a geometry's code when positions have a height.
const Z: u32 = 1000;
const LITTLE_ENDIAN: u8 = 1;

pub(crate) fn to_wkb(shape: &Shape) -> Vec<u8> {
    let mut out = Vec::new();
    write_geometry(shape.kind, shape.has_z, &shape.coordinates, &mut out);
    out
}

fn write_geometry(kind: Kind, has_z: bool, coordinates: &Coordinates, out: &mut Vec<u8>) {
    out.push(LITTLE_ENDIAN);
    out.extend((kind.code() + if has_z { Z } else { 0 }).to_le_bytes());
    match (kind.part(), coordinates) {
        (Some(part), Coordinates::List(items)) => {
            write_count(items, out);
            for item in items {
                write_geometry(part, has_z, item, out);
            }
        }
        (_, coordinates) => write_coordinates(coordinates, out),
    }
}

fn write_coordinates(coordinates: &Coordinates, out: &mut Vec<u8>) {
    match coordinates {
        Coordinates::Position(Position { x, y, z }) => {
            [Some(*x), Some(*y), *z]
                .iter()
                .flatten()
                .for_each(|number| out.extend(number.to_le_bytes()));
        }
        Coordinates::List(items) => {
            write_count(items, out);
            for item in items {
                write_coordinates(item, out);
            }
        }
    }
}

fn write_count(items: &[Coordinates], out: &mut Vec<u8>) {
    // A row's limits are far below what does not fit.
    out.extend(u32::try_from(items.len()).unwrap_or(u32::MAX).to_le_bytes());
}

/// The shape of a geometry that a layer holds; `None` for bytes that are none.
pub(crate) fn from_wkb(bytes: &[u8]) -> Option<Shape> {
    let mut cursor = Cursor(bytes);
    let (kind, has_z, coordinates) = cursor.geometry()?;
    if !cursor.0.is_empty() {
        return None;
    }
    Shape::new(kind, coordinates)
        .ok()
        .filter(|shape| shape.has_z == has_z)
}

struct Cursor<'a>(&'a [u8]);

impl Cursor<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn f64(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    /// Parts of multi geometries are single ones, so this calls itself once at most.
    fn geometry(&mut self) -> Option<(Kind, bool, Coordinates)> {
        let (order, code) = (self.take::<1>()?, self.u32()?);
        let has_z = (Z..2 * Z).contains(&code);
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| kind.code() + if has_z { Z } else { 0 } == code)?;
        if order != [LITTLE_ENDIAN] {
            return None;
        }
        let coordinates = match kind.part() {
            Some(part) => self.list(|cursor| {
                let (found, _, coordinates) = cursor.geometry()?;
                (found == part).then_some(coordinates)
            })?,
            None => self.coordinates(kind.depth(), has_z)?,
        };
        Some((kind, has_z, coordinates))
    }

    fn coordinates(&mut self, depth: u8, has_z: bool) -> Option<Coordinates> {
        if depth > 0 {
            return self.list(|cursor| cursor.coordinates(depth - 1, has_z));
        }
        let (x, y) = (self.f64()?, self.f64()?);
        let z = if has_z { Some(self.f64()?) } else { None };
        Some(Coordinates::Position(Position { x, y, z }))
    }

    fn list(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Option<Coordinates>,
    ) -> Option<Coordinates> {
        // No room is made ahead: the count may lie, and the bytes run out first.
        (0..self.u32()?)
            .map(|_| item(self))
            .collect::<Option<Vec<_>>>()
            .map(Coordinates::List)
    }
}
