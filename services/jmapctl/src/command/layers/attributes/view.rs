//! Dropped attributes as they are shown.

use jmap_proto::layerdata::DroppedAttribute;
use serde::Serialize;

use crate::{output::View, value::type_word};

/// A dropped attribute as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct DroppedView {
    attribute_id: i64,
    name: String,
    r#type: &'static str,
    /// When it was dropped.
    drop_time: String,
}

impl From<DroppedAttribute> for DroppedView {
    fn from(dropped: DroppedAttribute) -> Self {
        let attribute = dropped.attribute.unwrap_or_default();
        Self {
            attribute_id: attribute.attribute_id,
            r#type: type_word(attribute.r#type()),
            name: attribute.name,
            drop_time: dropped
                .drop_time
                .map(|time| time.to_string())
                .unwrap_or_default(),
        }
    }
}

impl View for DroppedView {
    const COLUMNS: &'static [&'static str] = &["id", "attribute", "type", "dropped"];
    fn cells(&self) -> Vec<String> {
        vec![
            self.attribute_id.to_string(),
            self.name.clone(),
            self.r#type.to_owned(),
            self.drop_time.clone(),
        ]
    }
}
