//! GeoPackage geometry blobs (OGC 12-128r18, 2.1.3): a header with the exact box, then ISO WKB.

use layer_data_core::geometry::{Bounds, Geometry};

/// Bytes of the header with a box of x and y.
pub(crate) const HEADER: usize = 40;
/// Where the box begins.
pub(crate) const BOX: usize = 8;

const MAGIC: [u8; 3] = [b'G', b'P', 0];
/// Little endian, box of x and y, not empty.
const FLAGS: u8 = 0b0000_0011;

/// A stored blob is not one of ours.
#[derive(Debug, thiserror::Error)]
#[error("a stored geometry is damaged")]
pub(crate) struct DamagedBlob;

pub(crate) fn encode(geometry: &Geometry, epsg: i32) -> Vec<u8> {
    let Bounds {
        min_x,
        min_y,
        max_x,
        max_y,
    } = geometry.bounds();
    let mut blob = Vec::with_capacity(HEADER + geometry.wkb().len());
    blob.extend_from_slice(&MAGIC);
    blob.push(FLAGS);
    blob.extend_from_slice(&epsg.to_le_bytes());
    for edge in [min_x, max_x, min_y, max_y] {
        blob.extend_from_slice(&edge.to_le_bytes());
    }
    blob.extend_from_slice(geometry.wkb());
    blob
}

/// The box and the WKB of a stored blob.
pub(crate) fn decode(blob: &[u8]) -> Result<(Bounds, &[u8]), DamagedBlob> {
    let (header, wkb) = blob.split_at_checked(HEADER).ok_or(DamagedBlob)?;
    let (start, edges) = header.split_at_checked(BOX).ok_or(DamagedBlob)?;
    if !start.starts_with(&MAGIC) || start.get(MAGIC.len()) != Some(&FLAGS) {
        return Err(DamagedBlob);
    }
    Ok((bounds(edges)?, wkb))
}

/// The box from its 32 bytes.
pub(crate) fn bounds(edges: &[u8]) -> Result<Bounds, DamagedBlob> {
    let (edges, rest) = edges.as_chunks::<8>();
    match (edges, rest) {
        ([min_x, max_x, min_y, max_y], []) => Ok(Bounds {
            min_x: f64::from_le_bytes(*min_x),
            min_y: f64::from_le_bytes(*min_y),
            max_x: f64::from_le_bytes(*max_x),
            max_y: f64::from_le_bytes(*max_y),
        }),
        _ => Err(DamagedBlob),
    }
}
