//! GeoJSON: one feature in memory at a time, and no more of it than the limits allow.

mod collection;
mod feature;
mod sequence;
mod value;

pub(crate) use collection::Collection;
pub(crate) use sequence::Sequence;

/// The reference system of GeoJSON that names none (RFC 7946): longitude and latitude on WGS 84.
pub(crate) const GEOJSON_EPSG: i32 = 4326;
