//! The order in which elements are wanted.

use jmap_proto::layerdata::{SortDirection, SortKey};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration};
use layer_data_core::query::{Direction, MAX_SORT_KEYS, SortKeyInput};

use super::attribute_ref;

/// Parses what to sort by; nothing means by id.
pub(crate) fn order_by(
    path: &FieldPath,
    keys: Vec<SortKey>,
) -> Result<Vec<SortKeyInput>, FieldViolation> {
    if keys.len() > MAX_SORT_KEYS {
        let maximum = MAX_SORT_KEYS;
        return Err(path.clone().violates(Violation::TooMany { maximum }));
    }
    let parse = |(index, key)| sort_key(&path.item(index), key);
    keys.into_iter().enumerate().map(parse).collect()
}

fn sort_key(path: &FieldPath, key: SortKey) -> Result<SortKeyInput, FieldViolation> {
    let SortKey {
        attribute,
        direction: number,
    } = key;
    Ok(SortKeyInput {
        attribute: attribute_ref(&path.field("attribute"), attribute)?,
        direction: enumeration(path.field("direction"), number, direction)?,
    })
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that enumerations are parsed with"
)]
const fn direction(direction: SortDirection) -> Option<Direction> {
    match direction {
        SortDirection::Unspecified | SortDirection::Ascending => Some(Direction::Ascending),
        SortDirection::Descending => Some(Direction::Descending),
    }
}
