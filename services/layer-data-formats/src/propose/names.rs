//! Names that attributes may have, made of names that columns have (R64).

use std::collections::HashSet;

use layer_data_core::definition::{AttributeName, NameFault};

/// Most bytes of an attribute's name (R64).
const MAX_NAME_BYTES: usize = 63;

/// The name nearest to the column's that an attribute may have and no other attribute has (R64).
pub(super) fn free_name(column: &str, taken: &mut HashSet<String>) -> AttributeName {
    let clean: String = column.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim().trim_start_matches('_');
    let base = if clean.is_empty() { "column" } else { clean };
    let mut number = 1_u32;
    loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("_{number}")
        };
        let candidate = match AttributeName::parse(&format!("{base}{suffix}")) {
            Err(NameFault::TooLong(long)) => {
                AttributeName::parse(&format!("{}{suffix}", cut(&long, suffix.len())))
            }
            other => other,
        };
        if let Some(name) = candidate.ok().filter(|name| taken.insert(name.key())) {
            return name;
        }
        number += 1;
    }
}

/// As much of a long name as leaves room for the suffix.
fn cut(name: &str, suffix: usize) -> &str {
    let room = MAX_NAME_BYTES - suffix;
    let end = (0..=room)
        .rev()
        .find(|end| name.is_char_boundary(*end))
        .unwrap_or_default();
    name.get(..end).unwrap_or_default()
}
