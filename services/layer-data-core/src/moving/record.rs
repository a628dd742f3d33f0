//! What is kept of layers and elements as bytes, alike for every store.

use jmap_domain::ActorId;

use crate::{
    element::{Element, Stamps},
    history::{Version, VersionEnd},
    ports::{LayerRecord, StoreError},
    value::Value,
};

/// Whether two stores keep the same of a layer, but for what people call it.
pub(super) fn same(one: &LayerRecord, other: &LayerRecord) -> Result<bool, StoreError> {
    Ok(of_layer(one)? == of_layer(other)?)
}

/// A layer without its elements and its label.
pub(super) fn of_layer(record: &LayerRecord) -> Result<Vec<u8>, StoreError> {
    let LayerRecord {
        layer,
        label: _,
        definition,
        created,
        revision,
        next_element,
        edited,
        history,
    } = record;
    let definition = definition.to_json();
    let definition = definition.map_err(|error| StoreError::Unexpected(error.into()))?;
    let mut out = Vec::new();
    let numbers = [layer.get(), created.millis(), revision.get(), *next_element];
    let times = [edited, &history.time].map(|time| time.millis());
    for number in numbers
        .into_iter()
        .chain(times)
        .chain([history.revision.get()])
    {
        out.extend_from_slice(&number.to_be_bytes());
    }
    put_bytes(&mut out, definition.as_bytes());
    Ok(out)
}

/// Replaces what is in the buffer by an element.
pub(super) fn put_element(element: &Element, out: &mut Vec<u8>) {
    let Element {
        id,
        revision,
        geometry,
        values,
        stamps,
    } = element;
    let Stamps {
        created_by,
        updated_by,
        create_time,
        update_time,
    } = stamps;
    // Ids are positive, so 0 is nobody.
    let actors = [created_by, updated_by].map(|actor| actor.map_or(0, ActorId::get));
    let times = [create_time, update_time].map(|time| time.millis());
    out.clear();
    for number in [id.get(), revision.get()]
        .into_iter()
        .chain(actors)
        .chain(times)
    {
        out.extend_from_slice(&number.to_be_bytes());
    }
    put_bytes(out, geometry.as_deref().unwrap_or_default());
    for value in values {
        put_value(out, value);
    }
}

/// Replaces what is in the buffer by a version that was replaced.
pub(super) fn put_version(version: &Version, out: &mut Vec<u8>) {
    let Version { element, end } = version;
    put_element(element, out);
    if let Some(VersionEnd { revision, by, time }) = end {
        for number in [revision.get(), by.get(), time.millis()] {
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// A value behind a mark for its type.
fn put_value(out: &mut Vec<u8>, value: &Value) {
    let mut put = |mark: u8, bytes: &[u8]| {
        out.push(mark);
        put_bytes(out, bytes);
    };
    match value {
        Value::Null => put(0, &[]),
        Value::String(text) => put(1, text.as_str().as_bytes()),
        Value::Integer(number) => put(2, &number.to_be_bytes()),
        Value::Double(number) => put(3, &number.get().to_be_bytes()),
        Value::Boolean(flag) => put(4, &[u8::from(*flag)]),
        Value::Date(day) => put(5, &day.days().to_be_bytes()),
        Value::DateTime(instant) => put(6, &instant.millis().to_be_bytes()),
        Value::Binary(bytes) => put(7, bytes),
    }
}

/// Bytes behind their length, so that no two different rows are the same bytes.
fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}
