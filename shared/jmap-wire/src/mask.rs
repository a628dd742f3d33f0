//! Field masks of updates.

use crate::{FieldPath, FieldViolation, Violation};

/// Parses an update mask into the fields it names, each once, in the order of the mask.
///
/// # Errors
/// A violation at `update_mask` when it is missing or empty, and at `update_mask.paths[n]` when a path is `*`
/// or not one of the known fields: the mask decides the permission asked for, so it must name its fields.
pub fn field_mask<T: Copy + PartialEq>(
    mask: Option<prost_types::FieldMask>,
    known: &[(&str, T)],
) -> Result<Vec<T>, FieldViolation> {
    let path = FieldPath::of("update_mask");
    let prost_types::FieldMask { paths } = mask.unwrap_or_default();
    if paths.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    let mut fields = Vec::with_capacity(paths.len().min(known.len()));
    for (index, name) in paths.iter().enumerate() {
        let found = known
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, field)| *field);
        let field = found.ok_or_else(|| {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            let why = format!("`{name}` is not one of: {}", names.join(", "));
            path.field("paths").item(index).invalid(why)
        })?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(paths: &[&str]) -> Result<Vec<u8>, FieldViolation> {
        let paths = paths.iter().map(ToString::to_string).collect();
        field_mask(
            Some(prost_types::FieldMask { paths }),
            &[("name", 1), ("enabled", 2)],
        )
    }

    #[test]
    fn a_mask_names_known_fields() {
        assert_eq!(parse(&["enabled", "name", "enabled"]), Ok(vec![2, 1]));
    }

    #[test]
    fn a_star_an_unknown_path_and_an_empty_mask_are_refused_with_their_path() {
        // R120.
        assert_eq!(
            parse(&["name", "*"]).unwrap_err().path.to_string(),
            "update_mask.paths[1]"
        );
        assert_eq!(
            parse(&["Name"]).unwrap_err().path.to_string(),
            "update_mask.paths[0]"
        );
        assert_eq!(parse(&[]).unwrap_err().path.to_string(), "update_mask");
    }
}
