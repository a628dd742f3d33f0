//! GeoJSON.

use std::io::{self, Write};

use layer_data_core::{definition::LayerDefinition, element::Element, value::Value};

use crate::{
    convert::text_of,
    geometry::{Shape, write_geojson},
    json::GEOJSON_EPSG,
};

/// RFC 7946 knows one reference system. For others the member of 2008 is written, which GDAL and QGIS still read.
pub(super) fn header(epsg: i32, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"FeatureCollection","#);
    if epsg != GEOJSON_EPSG {
        let crs = format!(
            r#""crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::{epsg}"}}}},"#
        );
        out.extend_from_slice(crs.as_bytes());
    }
    out.extend_from_slice(br#""features":["#);
}

pub(super) fn feature(
    definition: &LayerDefinition,
    element: &Element,
    shape: &Shape,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    write!(
        out,
        r#"{{"type":"Feature","id":{},"properties":{{"#,
        element.id
    )?;
    for (index, (attribute, value)) in definition
        .attributes()
        .iter()
        .zip(&element.values)
        .enumerate()
    {
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut *out, attribute.name.as_str())?;
        out.push(b':');
        json_value(value, out)?;
    }
    out.extend_from_slice(br#"},"geometry":"#);
    write_geojson(shape, out)?;
    out.push(b'}');
    Ok(())
}

fn json_value(value: &Value, out: &mut Vec<u8>) -> io::Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Integer(number) => write!(out, "{number}")?,
        Value::Double(number) => serde_json::to_writer(out, &number.get())?,
        Value::Boolean(truth) => write!(out, "{truth}")?,
        Value::String(_) | Value::Date(_) | Value::DateTime(_) | Value::Binary(_) => {
            serde_json::to_writer(out, &text_of(value))?;
        }
    }
    Ok(())
}
