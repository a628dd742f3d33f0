//! What was moved, as programs and people read it.

use std::fmt::Write as _;

use authorization_server::MovedTable;
use layer_data_core::moving::MovedLayer;
use serde::Serialize;

use crate::{
    error::Failure,
    output::{Report, View, rows},
};

/// What is the same at both places.
#[derive(Debug, Default, Serialize)]
pub(super) struct MoveView {
    /// Authorization's tables; none unless they were moved.
    pub(super) authorization: Vec<TableView>,
    /// The layers; none unless they were moved.
    pub(super) layers: Vec<LayerView>,
    /// Answers that a retried request gets again.
    pub(super) remembered_requests: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct TableView {
    table: &'static str,
    rows: u64,
    sha256: String,
}

#[derive(Debug, Serialize)]
pub(super) struct LayerView {
    layer_id: i64,
    name: String,
    elements: u64,
    sha256: String,
}

impl From<MovedTable> for TableView {
    fn from(moved: MovedTable) -> Self {
        let MovedTable {
            name,
            rows,
            checksum,
        } = moved;
        Self {
            table: name,
            rows,
            sha256: hexadecimal(&checksum),
        }
    }
}

impl From<MovedLayer> for LayerView {
    fn from(moved: MovedLayer) -> Self {
        let MovedLayer {
            layer,
            label,
            elements,
            checksum,
        } = moved;
        Self {
            layer_id: layer.get(),
            name: label,
            elements,
            sha256: hexadecimal(&checksum),
        }
    }
}

impl View for TableView {
    const COLUMNS: &'static [&'static str] = &["table", "rows", "sha256"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.table.to_owned(),
            self.rows.to_string(),
            shortened(&self.sha256),
        ]
    }
}

impl View for LayerView {
    const COLUMNS: &'static [&'static str] = &["layer", "name", "elements", "sha256"];

    fn cells(&self) -> Vec<String> {
        vec![
            self.layer_id.to_string(),
            self.name.clone(),
            self.elements.to_string(),
            shortened(&self.sha256),
        ]
    }
}

impl MoveView {
    pub(super) fn report(&self) -> Result<Report, Failure> {
        let parts = [
            table(&self.authorization),
            table(&self.layers),
            Some(
                "moved: both places were read back and are the same; start the services on the new one"
                    .to_owned(),
            ),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        Report::new(parts.join("\n\n"), self)
    }
}

/// A table for people; nothing without rows.
fn table<T: View>(items: &[T]) -> Option<String> {
    (!items.is_empty()).then(|| rows(T::COLUMNS, items.iter().map(View::cells)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Enough to compare by eye.
fn shortened(sum: &str) -> String {
    sum.chars().take(12).collect()
}
