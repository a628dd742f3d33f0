//! Layers and rows for the tests.

use std::sync::Arc;

use layer_data_core::{
    definition::{
        AttributeConstraints, AttributeDraft, GeometryType, LayerDefinition, LayerDraft, ZPolicy,
    },
    element::{NewElement, ValueSource},
    geometry::SingleToMulti,
    value::{AttributeType, Value},
};
use layer_data_formats::{FileError, Format, ReadError, ReadOptions, Reader, Row, RowError};

pub(crate) fn attribute(name: &str, kind: AttributeType) -> AttributeDraft {
    AttributeDraft {
        name: name.to_owned(),
        label: String::new(),
        description: String::new(),
        kind,
        default: Value::Null,
        required: false,
        read_only: false,
        constraints: AttributeConstraints::default(),
        input_hint: String::new(),
    }
}

/// One attribute of each type, named after it.
pub(crate) fn all_types() -> Vec<AttributeDraft> {
    AttributeType::ALL
        .map(|kind| attribute(kind.name(), kind))
        .to_vec()
}

pub(crate) fn draft(geometry_type: GeometryType, attributes: Vec<AttributeDraft>) -> LayerDraft {
    LayerDraft {
        invalid: layer_data_core::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type,
        z: ZPolicy::Forbidden,
        epsg: 4326,
        attributes,
    }
}

pub(crate) fn layer(draft: LayerDraft) -> Arc<LayerDefinition> {
    Arc::new(draft.define().unwrap())
}

/// Points with a name and a size.
pub(crate) fn hydrants() -> Arc<LayerDefinition> {
    let attributes = vec![
        attribute("name", AttributeType::String),
        attribute("size", AttributeType::Integer),
    ];
    layer(draft(GeometryType::Point, attributes))
}

pub(crate) fn open<'a>(
    format: Format,
    text: &'a str,
    layer: &Arc<LayerDefinition>,
) -> Reader<&'a [u8]> {
    Reader::open(
        format,
        text.as_bytes(),
        Arc::clone(layer),
        ReadOptions::default(),
    )
    .unwrap()
}

/// All rows of a file that is whole, good and bad.
pub(crate) fn rows(
    reader: impl Iterator<Item = Result<Row, ReadError>>,
) -> Vec<Result<Row, RowError>> {
    let row = |row: Result<Row, ReadError>| match row {
        Ok(row) => Ok(row),
        Err(ReadError::Row(error)) => Err(error),
        Err(ReadError::File(error)) => panic!("the file is broken: {error}"),
    };
    reader.map(row).collect()
}

/// What ended the reading of a broken file, and how many rows came before.
pub(crate) fn broken(reader: impl Iterator<Item = Result<Row, ReadError>>) -> (usize, FileError) {
    let mut rows = 0;
    let mut end = None;
    for row in reader {
        assert!(end.is_none(), "nothing follows a broken file's error");
        match row {
            Err(ReadError::File(error)) => end = Some(error),
            _ => rows += 1,
        }
    }
    (rows, end.expect("the file reads to its end"))
}

/// The row as its layer takes it.
#[expect(
    clippy::needless_pass_by_value,
    reason = "tests hand over the row that they have read"
)]
pub(crate) fn element(row: Row, layer: &LayerDefinition) -> NewElement {
    row.element
        .check(layer, ValueSource::Client, SingleToMulti::Promote)
        .unwrap()
}
