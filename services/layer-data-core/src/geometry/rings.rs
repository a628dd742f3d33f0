//! The polygons of a geometry as positions, and back.

use geo_types::Coord;

use super::wkb::LITTLE_ENDIAN;

/// The codes of WKB for what has an inside.
pub(super) const POLYGON: u32 = 3;
pub(super) const MULTI_POLYGON: u32 = 6;

/// A position with its height, if it has one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) at: Coord,
    pub(super) z: Option<f64>,
}

/// A closed ring: its last position is its first.
pub(super) type Ring = Vec<Position>;
/// The rings of a polygon, the outer one first.
pub(super) type Rings = Vec<Ring>;

/// The polygons in WKB that a walk has written; none when the geometry is of another kind.
pub(super) fn read(wkb: &[u8]) -> Vec<Rings> {
    let mut reader = Reader(wkb);
    reader.geometry().unwrap_or_default()
}

/// The kind of a geometry, without its dimension.
pub(super) fn code(wkb: &[u8]) -> Option<u32> {
    let mut reader = Reader(wkb.get(1..)?);
    reader.count().map(|code| code % 1000)
}

/// One polygon, or several as a multi geometry, as little-endian ISO WKB.
pub(super) fn write(polygons: &[Rings], code: u32) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let positions = polygons.iter().flatten().flatten();
    let dimension = if positions.clone().any(|position| position.z.is_some()) {
        1000
    } else {
        0
    };
    if code == MULTI_POLYGON {
        out.push(LITTLE_ENDIAN);
        push_count(&mut out, usize::try_from(MULTI_POLYGON + dimension).ok()?)?;
        push_count(&mut out, polygons.len())?;
    }
    for rings in polygons {
        out.push(LITTLE_ENDIAN);
        push_count(&mut out, usize::try_from(POLYGON + dimension).ok()?)?;
        push_count(&mut out, rings.len())?;
        for ring in rings {
            push_count(&mut out, ring.len())?;
            for Position { at, z } in ring {
                for number in [Some(at.x), Some(at.y), *z].into_iter().flatten() {
                    out.extend_from_slice(&number.to_le_bytes());
                }
            }
        }
    }
    Some(out)
}

fn push_count(out: &mut Vec<u8>, count: usize) -> Option<()> {
    let count = u32::try_from(count).ok()?;
    out.extend_from_slice(&count.to_le_bytes());
    Some(())
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn geometry(&mut self) -> Option<Vec<Rings>> {
        let [_order] = self.take()?;
        let code = self.count()?;
        match code % 1000 {
            POLYGON => Some(vec![self.polygon(code)?]),
            MULTI_POLYGON => {
                let members = self.count()?;
                (0..members).map(|_| self.member()).collect()
            }
            _ => None,
        }
    }

    fn member(&mut self) -> Option<Rings> {
        let [_order] = self.take()?;
        let code = self.count()?;
        self.polygon(code)
    }

    fn polygon(&mut self, code: u32) -> Option<Rings> {
        let rings = self.count()?;
        (0..rings).map(|_| self.ring(code >= 1000)).collect()
    }

    fn ring(&mut self, has_z: bool) -> Option<Ring> {
        let count = self.count()?;
        let positions = (0..count).map(|_| {
            let (x, y) = (self.number()?, self.number()?);
            let z = if has_z { Some(self.number()?) } else { None };
            let at = Coord { x, y };
            Some(Position { at, z })
        });
        positions.collect()
    }

    fn number(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes)
    }

    fn count(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }
}
