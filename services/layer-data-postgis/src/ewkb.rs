//! Geometries on their way: the store takes ISO WKB as it is, and answers PostGIS's dialect, EWKB.
//!
//! The dialect has an SRID after the first type, and marks z by a flag instead of by adding 1000. Nothing else differs,
//! so the bytes are copied, and only the words for types are changed.

use layer_data_core::geometry::{Bounds, Geometry};
use sqlx::{
    Encode, Postgres, Type,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgHasArrayType, PgTypeInfo},
};

const SRID_FLAG: u32 = 0x2000_0000;
const Z_FLAG: u32 = 0x8000_0000;
const ISO_Z: u32 = 1_000;
const LITTLE_ENDIAN: u8 = 1;

/// A geometry as a parameter. The column's type gives it the SRID.
#[derive(Clone, Copy)]
pub(crate) struct Parameter<'a>(pub(crate) &'a Geometry);

impl Type<Postgres> for Parameter<'_> {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_name("geometry")
    }
}

impl PgHasArrayType for Parameter<'_> {
    fn array_type_info() -> PgTypeInfo {
        PgTypeInfo::array_of("geometry")
    }
}

impl Encode<'_, Postgres> for Parameter<'_> {
    fn encode_by_ref(&self, out: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        out.extend_from_slice(self.0.wkb());
        Ok(IsNull::No)
    }
}

/// A stored geometry is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored geometry is damaged")]
pub(crate) struct Damaged;

/// A stored geometry as little-endian ISO WKB, with the box around it.
pub(crate) fn decode(ewkb: &[u8]) -> Result<(Vec<u8>, Bounds), Damaged> {
    let mut walk = Walk {
        rest: ewkb,
        out: Vec::with_capacity(ewkb.len()),
        bounds: None,
    };
    walk.geometry()?;
    match (walk.bounds, walk.rest) {
        (Some(bounds), []) => Ok((walk.out, bounds)),
        _ => Err(Damaged),
    }
}

struct Walk<'a> {
    rest: &'a [u8],
    out: Vec<u8>,
    bounds: Option<Bounds>,
}

impl Walk<'_> {
    fn geometry(&mut self) -> Result<(), Damaged> {
        if self.take::<1>()? != [LITTLE_ENDIAN] {
            return Err(Damaged);
        }
        let word = u32::from_le_bytes(self.take()?);
        if word & SRID_FLAG != 0 {
            self.take::<4>()?;
        }
        let kind = word & !(SRID_FLAG | Z_FLAG);
        let has_z = word & Z_FLAG != 0;
        self.out.push(LITTLE_ENDIAN);
        let iso = if has_z { kind + ISO_Z } else { kind };
        self.out.extend_from_slice(&iso.to_le_bytes());
        let size = if has_z { 24 } else { 16 };
        match kind {
            1 => self.positions(1, size),
            2 => self.line(size),
            3 => self.each(|walk| walk.line(size)),
            4..=6 => self.each(Self::geometry),
            _ => Err(Damaged),
        }
    }

    fn line(&mut self, size: usize) -> Result<(), Damaged> {
        let count = self.count()?;
        self.positions(count, size)
    }

    fn each(&mut self, part: impl Fn(&mut Self) -> Result<(), Damaged>) -> Result<(), Damaged> {
        for _ in 0..self.count()? {
            part(self)?;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<usize, Damaged> {
        let bytes = self.take::<4>()?;
        self.out.extend_from_slice(&bytes);
        usize::try_from(u32::from_le_bytes(bytes)).or(Err(Damaged))
    }

    fn positions(&mut self, count: usize, size: usize) -> Result<(), Damaged> {
        let length = count.checked_mul(size).ok_or(Damaged)?;
        let (positions, rest) = self.rest.split_at_checked(length).ok_or(Damaged)?;
        self.rest = rest;
        self.out.extend_from_slice(positions);
        for position in positions.chunks_exact(size) {
            let (numbers, _) = position.as_chunks::<8>();
            let [x, y, ..] = numbers else {
                return Err(Damaged);
            };
            let (x, y) = (f64::from_le_bytes(*x), f64::from_le_bytes(*y));
            self.bounds = Some(
                self.bounds
                    .map_or(Bounds::of(x, y), |bounds| bounds.with(x, y)),
            );
        }
        Ok(())
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*bytes)
    }
}
