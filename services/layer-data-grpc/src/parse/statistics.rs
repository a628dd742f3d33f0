//! What statistics are wanted.

use std::num::NonZeroU32;

use jmap_proto::layerdata::AttributeRef as WireRef;
use jmap_wire::{FieldPath, FieldViolation};
use layer_data_core::{element::AttributeRef, statistics::MAX_DISTINCT};

use super::attribute_ref;

/// Parses how attributes are named.
pub(crate) fn attribute_refs(
    path: &FieldPath,
    attributes: Vec<WireRef>,
) -> Result<Vec<AttributeRef>, FieldViolation> {
    let parse = |(index, wire)| attribute_ref(&path.item(index), Some(wire));
    attributes.into_iter().enumerate().map(parse).collect()
}

/// Parses the most distinct values that are wanted; 0 means none.
pub(crate) fn distinct_limit(
    path: FieldPath,
    limit: i32,
) -> Result<Option<NonZeroU32>, FieldViolation> {
    match u32::try_from(limit) {
        Ok(limit) => Ok(NonZeroU32::new(limit.min(MAX_DISTINCT))),
        Err(_negative) => Err(path.invalid("is negative")),
    }
}
