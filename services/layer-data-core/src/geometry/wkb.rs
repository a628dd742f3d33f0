//! A walk over well-known binary: one pass that checks, measures and rewrites.
//!
//! Written by hand because the libraries for it either reserve memory by the counts that the bytes claim, descend
//! into collections without a limit, or take dialects that must be refused. This walk reserves no more than the
//! input's own length and never goes deeper than a member's ring.

use super::{Bounds, Geometry, GeometryError, GeometryRules, SingleToMulti};
use crate::definition::{GeometryType, ZPolicy};

pub(super) const LITTLE_ENDIAN: u8 = 1;
/// The flags by which the PostGIS dialect marks z, m and an SRID.
const EXTENDED_FLAGS: u32 = 0xE000_0000;

pub(super) fn parse(
    wkb: &[u8],
    rules: &GeometryRules,
    single: SingleToMulti,
) -> Result<Geometry, GeometryError> {
    let mut walk = Walk {
        rest: wkb,
        out: Vec::with_capacity(wkb.len()),
        bounds: None,
        vertices: 0,
        rules,
    };
    let promoted = walk.geometry(single)?;
    if !walk.rest.is_empty() {
        return Err(GeometryError::TrailingBytes(walk.rest.len()));
    }
    let bounds = walk.bounds.ok_or(GeometryError::Empty)?;
    Ok(Geometry {
        wkb: walk.out,
        bounds,
        promoted,
        repaired: false,
    })
}

struct Walk<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    bounds: Option<Bounds>,
    vertices: u32,
    rules: &'a GeometryRules,
}

#[derive(Clone, Copy)]
enum ByteOrder {
    Big,
    Little,
}

#[derive(Clone, Copy, PartialEq)]
struct Position {
    x: f64,
    y: f64,
    z: Option<f64>,
}

impl Walk<'_> {
    /// The whole geometry; whether it was promoted to its multi form.
    fn geometry(&mut self, single: SingleToMulti) -> Result<bool, GeometryError> {
        let (order, kind) = self.header()?;
        let expected = self.rules.geometry_type;
        if expected == GeometryType::Any || expected == kind {
            self.write_header(kind);
            self.body(order, kind)?;
            return Ok(false);
        }
        if single == SingleToMulti::Promote && member_of(expected) == Some(kind) {
            self.write_header(expected);
            self.write_count(1);
            self.write_header(kind);
            self.body(order, kind)?;
            return Ok(true);
        }
        Err(GeometryError::WrongType {
            expected,
            found: kind,
        })
    }

    fn body(&mut self, order: ByteOrder, kind: GeometryType) -> Result<(), GeometryError> {
        match kind {
            GeometryType::Point => self.position(order).map(drop),
            GeometryType::LineString => self.line(order),
            GeometryType::Polygon => self.polygon(order),
            GeometryType::MultiPoint
            | GeometryType::MultiLineString
            | GeometryType::MultiPolygon => self.members(order, kind),
            // No type code stands for it.
            GeometryType::Any => Err(GeometryError::Empty),
        }
    }

    fn members(&mut self, order: ByteOrder, kind: GeometryType) -> Result<(), GeometryError> {
        let count = self.count(order)?;
        if count == 0 {
            return Err(GeometryError::Empty);
        }
        self.write_count(count);
        for _ in 0..count {
            let (order, found) = self.header()?;
            match member_of(kind) {
                Some(expected) if expected == found => self.write_header(found),
                Some(expected) => return Err(GeometryError::WrongMember { expected, found }),
                None => return Err(GeometryError::Collection),
            }
            self.body(order, found)?;
        }
        Ok(())
    }

    fn line(&mut self, order: ByteOrder) -> Result<(), GeometryError> {
        let count = self.positions_ahead(order)?;
        match count {
            0 => return Err(GeometryError::Empty),
            1 => return Err(GeometryError::ShortLine(count)),
            _ => {}
        }
        for _ in 0..count {
            self.position(order)?;
        }
        Ok(())
    }

    fn polygon(&mut self, order: ByteOrder) -> Result<(), GeometryError> {
        let rings = self.count(order)?;
        if rings == 0 {
            return Err(GeometryError::Empty);
        }
        self.write_count(rings);
        for _ in 0..rings {
            self.ring(order)?;
        }
        Ok(())
    }

    fn ring(&mut self, order: ByteOrder) -> Result<(), GeometryError> {
        let count = self.positions_ahead(order)?;
        if count < 4 {
            return Err(GeometryError::ShortRing(count));
        }
        let first = self.position(order)?;
        let mut last = first;
        for _ in 1..count {
            last = self.position(order)?;
        }
        if last == first {
            Ok(())
        } else {
            Err(GeometryError::UnclosedRing {
                vertex: self.vertices - 1,
            })
        }
    }

    /// Reads how many positions follow, and refuses a number that the bytes left cannot hold.
    fn positions_ahead(&mut self, order: ByteOrder) -> Result<u32, GeometryError> {
        let count = self.count(order)?;
        if count > self.rules.max_vertices.saturating_sub(self.vertices) {
            return Err(GeometryError::TooManyVertices {
                limit: self.rules.max_vertices,
            });
        }
        let size = match self.rules.z {
            ZPolicy::Forbidden => 16,
            ZPolicy::Mandatory => 24,
        };
        if u64::from(count) * size > self.rest.len() as u64 {
            return Err(GeometryError::Truncated);
        }
        self.write_count(count);
        Ok(count)
    }

    fn position(&mut self, order: ByteOrder) -> Result<Position, GeometryError> {
        let vertex = self.vertices;
        let (x, y) = (self.number(order)?, self.number(order)?);
        let z = match self.rules.z {
            ZPolicy::Forbidden => None,
            ZPolicy::Mandatory => Some(self.number(order)?),
        };
        // A point without a position is written with NaN in the place of its coordinates.
        if vertex == 0 && self.rest.is_empty() && x.is_nan() && y.is_nan() {
            return Err(GeometryError::Empty);
        }
        if !(x.is_finite() && y.is_finite() && z.is_none_or(f64::is_finite)) {
            return Err(GeometryError::NotFinite { vertex });
        }
        if !self.rules.crs.bounds().contains(x, y) {
            return Err(GeometryError::OutOfBounds { vertex });
        }
        if vertex >= self.rules.max_vertices {
            return Err(GeometryError::TooManyVertices {
                limit: self.rules.max_vertices,
            });
        }
        self.vertices += 1;
        self.bounds = Some(
            self.bounds
                .map_or(Bounds::of(x, y), |bounds| bounds.with(x, y)),
        );
        Ok(Position { x, y, z })
    }

    fn header(&mut self) -> Result<(ByteOrder, GeometryType), GeometryError> {
        let order = match self.take::<1>()? {
            [0] => ByteOrder::Big,
            [LITTLE_ENDIAN] => ByteOrder::Little,
            [other] => return Err(GeometryError::ByteOrder(other)),
        };
        let code = self.count(order)?;
        if code & EXTENDED_FLAGS != 0 {
            return Err(GeometryError::ExtendedWkb);
        }
        let z = match code / 1000 {
            0 => ZPolicy::Forbidden,
            1 => ZPolicy::Mandatory,
            2 | 3 => return Err(GeometryError::Measured),
            _ => return Err(GeometryError::UnsupportedType(code)),
        };
        let kind = kind_of(code % 1000)?;
        match (self.rules.z, z) {
            (ZPolicy::Forbidden, ZPolicy::Mandatory) => Err(GeometryError::UnexpectedZ),
            (ZPolicy::Mandatory, ZPolicy::Forbidden) => Err(GeometryError::MissingZ),
            (ZPolicy::Forbidden, ZPolicy::Forbidden) | (ZPolicy::Mandatory, ZPolicy::Mandatory) => {
                Ok((order, kind))
            }
        }
    }

    fn count(&mut self, order: ByteOrder) -> Result<u32, GeometryError> {
        let bytes = self.take::<4>()?;
        Ok(match order {
            ByteOrder::Big => u32::from_be_bytes(bytes),
            ByteOrder::Little => u32::from_le_bytes(bytes),
        })
    }

    /// Reads a coordinate and writes it as it is.
    fn number(&mut self, order: ByteOrder) -> Result<f64, GeometryError> {
        let bytes = self.take::<8>()?;
        let number = match order {
            ByteOrder::Big => f64::from_be_bytes(bytes),
            ByteOrder::Little => f64::from_le_bytes(bytes),
        };
        self.out.extend_from_slice(&number.to_le_bytes());
        Ok(number)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], GeometryError> {
        let (bytes, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or(GeometryError::Truncated)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn write_header(&mut self, kind: GeometryType) {
        let dimension = match self.rules.z {
            ZPolicy::Forbidden => 0,
            ZPolicy::Mandatory => 1000,
        };
        self.out.push(LITTLE_ENDIAN);
        self.write_count(code_of(kind) + dimension);
    }

    fn write_count(&mut self, count: u32) {
        self.out.extend_from_slice(&count.to_le_bytes());
    }
}

fn kind_of(code: u32) -> Result<GeometryType, GeometryError> {
    match code {
        1 => Ok(GeometryType::Point),
        2 => Ok(GeometryType::LineString),
        3 => Ok(GeometryType::Polygon),
        4 => Ok(GeometryType::MultiPoint),
        5 => Ok(GeometryType::MultiLineString),
        6 => Ok(GeometryType::MultiPolygon),
        7 => Err(GeometryError::Collection),
        _ => Err(GeometryError::UnsupportedType(code)),
    }
}

const fn code_of(kind: GeometryType) -> u32 {
    match kind {
        GeometryType::Any => 0,
        GeometryType::Point => 1,
        GeometryType::LineString => 2,
        GeometryType::Polygon => 3,
        GeometryType::MultiPoint => 4,
        GeometryType::MultiLineString => 5,
        GeometryType::MultiPolygon => 6,
    }
}

const fn member_of(multi: GeometryType) -> Option<GeometryType> {
    match multi {
        GeometryType::MultiPoint => Some(GeometryType::Point),
        GeometryType::MultiLineString => Some(GeometryType::LineString),
        GeometryType::MultiPolygon => Some(GeometryType::Polygon),
        GeometryType::Any
        | GeometryType::Point
        | GeometryType::LineString
        | GeometryType::Polygon => None,
    }
}
