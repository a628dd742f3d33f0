//! CSV, with the geometry as WKT.

use layer_data_core::{definition::LayerDefinition, element::Element};

use crate::{
    convert::text_of,
    csv::{ID_COLUMN, WKT_COLUMN},
    geometry::{Shape, write_wkt},
};

const LINE_BREAK: &[u8] = b"\r\n";

pub(super) fn header(definition: &LayerDefinition, out: &mut Vec<u8>) {
    out.extend_from_slice(ID_COLUMN.as_bytes());
    for attribute in definition.attributes() {
        field(Some(attribute.name.as_str()), out);
    }
    field(Some(WKT_COLUMN), out);
    out.extend_from_slice(LINE_BREAK);
}

pub(super) fn record(element: &Element, shape: &Shape, out: &mut Vec<u8>) {
    out.extend_from_slice(element.id.to_string().as_bytes());
    for value in &element.values {
        field(text_of(value).as_deref(), out);
    }
    field(Some(&write_wkt(shape)), out);
    out.extend_from_slice(LINE_BREAK);
}

/// Appends a comma and a value. Null is nothing, an empty text is `""` (R104); white space at the ends is kept by
/// quotes, because other programs cut it off.
fn field(text: Option<&str>, out: &mut Vec<u8>) {
    out.push(b',');
    let Some(text) = text else { return };
    if text.is_empty() || text.contains(['"', ',', '\r', '\n']) || text.trim() != text {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}
