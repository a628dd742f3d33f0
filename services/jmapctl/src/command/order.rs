//! What elements are sorted by.

use std::str::FromStr;

use jmap_proto::{
    layerdata::{SortDirection, SortKey},
    types::AttributeDefinition,
};

use crate::{condition, error::Failure};

/// An attribute to sort by: `population`, or `-population` for the greatest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortSpec {
    attribute: String,
    direction: SortDirection,
}

impl FromStr for SortSpec {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (attribute, direction) = match text.strip_prefix('-') {
            Some(attribute) => (attribute, SortDirection::Descending),
            None => (text, SortDirection::Ascending),
        };
        if attribute.is_empty() {
            return Err("write it as ATTRIBUTE, or -ATTRIBUTE for the greatest first".to_owned());
        }
        Ok(Self {
            attribute: attribute.to_owned(),
            direction,
        })
    }
}

/// The keys of the contract.
pub(super) fn bind(
    sort: &[SortSpec],
    attributes: &[AttributeDefinition],
) -> Result<Vec<SortKey>, Failure> {
    let key = |spec: &SortSpec| {
        let attribute = condition::find(&spec.attribute, attributes)?;
        Ok(SortKey {
            attribute: Some(condition::reference(attribute)),
            direction: spec.direction.into(),
        })
    };
    sort.iter()
        .map(key)
        .collect::<Result<_, String>>()
        .map_err(Failure::usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minus_turns_the_order() {
        let spec = |text: &str| text.parse::<SortSpec>();
        assert_eq!(spec("-pop").unwrap().direction, SortDirection::Descending);
        assert_eq!(spec("pop").unwrap().direction, SortDirection::Ascending);
        assert_eq!(spec("-pop").unwrap().attribute, "pop");
        assert!(spec("-").is_err() && spec("").is_err());
    }

    #[test]
    fn an_unknown_attribute_is_named() {
        let refusal = bind(&["size".parse().unwrap()], &[]).unwrap_err();
        assert!(refusal.to_string().contains("size"));
    }
}
