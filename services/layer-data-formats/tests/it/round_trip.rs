//! What is written reads back as it was.

use std::sync::Arc;

use jmap_domain::{DataRevision, ElementId};
use layer_data_core::{
    crs::Crs,
    definition::{GeometryType, LayerDefinition, LayerDraft, ZPolicy},
    element::{Element, Stamps},
    value::{Date, DateTime, Value},
};
use layer_data_formats::{Format, WriteError, Writer};
use proptest::prelude::*;

use crate::support::{all_types, attribute, draft, element, layer, open, rows};

pub(crate) fn stored(id: i64, wkb: Vec<u8>, values: Vec<Value>) -> Element {
    let time = DateTime::from_millis(0).unwrap();
    Element {
        id: ElementId::new(id).unwrap(),
        revision: DataRevision::new(1).unwrap(),
        geometry: Some(wkb),
        values,
        stamps: Stamps {
            created_by: None,
            updated_by: None,
            create_time: time,
            update_time: time,
        },
    }
}

pub(crate) fn written(
    format: Format,
    layer: &Arc<LayerDefinition>,
    elements: &[Element],
) -> String {
    let mut writer = Writer::new(format, Arc::clone(layer), layer.geometry().crs).unwrap();
    let mut text = Vec::new();
    writer.header(&mut text);
    for element in elements {
        // Each piece may be sent and forgotten.
        let mut piece = Vec::new();
        writer.element(element, &mut piece).unwrap();
        text.extend(piece);
    }
    writer.footer(&mut text);
    String::from_utf8(text).unwrap()
}

/// The elements of a file, as they would be stored under the ids that it gives them.
pub(crate) fn read(format: Format, text: &str, layer: &Arc<LayerDefinition>) -> Vec<Element> {
    let stored = |row: layer_data_formats::Row| {
        let id = row.id.unwrap().get();
        let element = element(row, layer);
        stored(
            id,
            element.geometry().wkb().to_vec(),
            element.values().to_vec(),
        )
    };
    rows(open(format, text, layer))
        .into_iter()
        .map(|row| stored(row.unwrap()))
        .collect()
}

fn layer_of(epsg: i32, z: ZPolicy) -> Arc<LayerDefinition> {
    layer(LayerDraft {
        // What is read back is what was written, whatever it looks like.
        invalid: layer_data_core::geometry::InvalidPolygons::Accept,
        keep_history: None,
        geometry_type: GeometryType::Any,
        z,
        epsg,
        attributes: all_types(),
    })
}

/// Bytes of positions, or of lists of them with their counts before.
fn positions(z: ZPolicy) -> BoxedStrategy<Vec<u8>> {
    let height = match z {
        ZPolicy::Forbidden => Just(None).boxed(),
        ZPolicy::Mandatory => (-1e4..1e4_f64).prop_map(Some).boxed(),
    };
    let bytes = |(x, y, z): (f64, f64, Option<f64>)| {
        [Some(x), Some(y), z]
            .into_iter()
            .flatten()
            .flat_map(f64::to_le_bytes)
            .collect()
    };
    (-180.0..=180.0_f64, -85.0..=85.0_f64, height)
        .prop_map(bytes)
        .boxed()
}

fn counted(items: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let items: Vec<_> = items.into_iter().collect();
    let count = u32::try_from(items.len()).unwrap().to_le_bytes();
    count
        .into_iter()
        .chain(items.into_iter().flatten())
        .collect()
}

fn lists(items: BoxedStrategy<Vec<u8>>, least: usize) -> BoxedStrategy<Vec<u8>> {
    prop::collection::vec(items, least..least + 3)
        .prop_map(counted)
        .boxed()
}

fn rings(z: ZPolicy) -> BoxedStrategy<Vec<u8>> {
    let closed = |mut ring: Vec<Vec<u8>>| {
        ring.push(ring[0].clone());
        counted(ring)
    };
    prop::collection::vec(positions(z), 3..6)
        .prop_map(closed)
        .boxed()
}

fn geometry(z: ZPolicy) -> BoxedStrategy<Vec<u8>> {
    let tagged = move |code: u32, body: BoxedStrategy<Vec<u8>>| {
        let code = code + if z == ZPolicy::Mandatory { 1000 } else { 0 };
        body.prop_map(move |body| [vec![1], code.to_le_bytes().to_vec(), body].concat())
            .boxed()
    };
    let point = || tagged(1, positions(z));
    let line = || tagged(2, lists(positions(z), 2));
    let polygon = || tagged(3, lists(rings(z), 1));
    prop_oneof![
        point(),
        line(),
        polygon(),
        tagged(4, lists(point(), 1)),
        tagged(5, lists(line(), 1)),
        tagged(6, lists(polygon(), 1)),
    ]
    .boxed()
}

fn or_null(values: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop_oneof![1 => Just(Value::Null), 4 => values]
}

/// A value of each type, in the order of the types.
fn values() -> impl Strategy<Value = Vec<Value>> {
    let text = "\\PC{0,8}|[ \",;\r\n\t\\\\\u{1}\u{feff}'a]{0,6}"
        .prop_map(|text: String| Value::text(text).unwrap());
    let double = any::<f64>().prop_filter_map("finite", |number| Value::double(number).ok());
    (
        or_null(text),
        or_null(any::<i64>().prop_map(Value::Integer)),
        or_null(double),
        or_null(any::<bool>().prop_map(Value::Boolean)),
        or_null(
            (-719_162..=2_932_896_i32).prop_map(|days| Value::Date(Date::from_days(days).unwrap())),
        ),
        or_null(
            (-62_135_596_800_000..=253_402_300_799_999_i64)
                .prop_map(|millis| Value::DateTime(DateTime::from_millis(millis).unwrap())),
        ),
        or_null(prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Binary)),
    )
        .prop_map(|(a, b, c, d, e, f, g)| vec![a, b, c, d, e, f, g])
}

fn elements() -> impl Strategy<Value = (ZPolicy, Vec<Element>)> {
    prop_oneof![Just(ZPolicy::Forbidden), Just(ZPolicy::Mandatory)].prop_flat_map(|z| {
        let element = (1..1_i64 << 53, geometry(z), values())
            .prop_map(|(id, wkb, values)| stored(id, wkb, values));
        prop::collection::vec(element, 0..4).prop_map(move |elements| (z, elements))
    })
}

proptest! {
    /// R104, R115: ids, values and coordinates come back bit by bit.
    #[test]
    fn files_read_back_as_written((z, elements) in elements()) {
        let projected = layer_of(3857, z);
        for format in [Format::GeoJson, Format::Csv] {
            prop_assert_eq!(&read(format, &written(format, &projected, &elements), &projected), &elements);
        }
    }

    /// In EPSG:4326 the rings of GeoJSON are wound as the RFC asks, and all else comes back bit by bit.
    #[test]
    fn wound_files_read_back_as_written((z, elements) in elements()) {
        let layer = layer_of(4326, z);
        prop_assert_eq!(&read(Format::Csv, &written(Format::Csv, &layer, &elements), &layer), &elements);
        for format in [Format::GeoJson, Format::GeoJsonSequence] {
            let text = written(format, &layer, &elements);
            let wound = read(format, &text, &layer);
            let values = |elements: &[Element]| elements.iter().map(|e| e.values.clone()).collect::<Vec<_>>();
            prop_assert_eq!(values(&wound), values(&elements));
            prop_assert_eq!(written(format, &layer, &wound), text);
        }
    }
}

const POINT: [u8; 21] = [
    1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 64,
];

#[test]
fn geojson_is_what_the_rfc_shows() {
    let name = attribute("a \"name\"", layer_data_core::value::AttributeType::String);
    let layer = layer(draft(GeometryType::Point, vec![name]));
    let element = stored(7, POINT.to_vec(), vec![Value::text("line\nbreak").unwrap()]);
    let expected = concat!(
        r#"{"type":"FeatureCollection","features":["#,
        "\n",
        r#"{"type":"Feature","id":7,"properties":{"a \"name\"":"line\nbreak"},"#,
        r#""geometry":{"type":"Point","coordinates":[1.0,2.0]}}"#,
        "\n]}\n"
    );
    assert_eq!(written(Format::GeoJson, &layer, &[element]), expected);
    assert_eq!(
        written(Format::GeoJson, &layer, &[]),
        "{\"type\":\"FeatureCollection\",\"features\":[\n]}\n"
    );
}

#[test]
fn csv_is_what_the_rfc_shows() {
    // R104: null is nothing, an empty text is `""`.
    let layer = layer_of(4326, ZPolicy::Forbidden);
    let mut values = vec![Value::Null; 7];
    let empty = stored(1, POINT.to_vec(), values.clone());
    values[0] = Value::text("").unwrap();
    values[1] = Value::Integer(-5);
    let mut spaced = vec![Value::Null; 7];
    spaced[0] = Value::text(" a").unwrap();
    let text = written(
        Format::Csv,
        &layer,
        &[
            empty,
            stored(2, POINT.to_vec(), values),
            stored(3, POINT.to_vec(), spaced),
        ],
    );
    let lines: Vec<_> = text.split("\r\n").collect();
    assert_eq!(
        lines,
        [
            "fid,string,integer,double,boolean,date,datetime,binary,_wkt",
            "1,,,,,,,,POINT (1 2)",
            "2,\"\",-5,,,,,,POINT (1 2)",
            "3,\" a\",,,,,,,POINT (1 2)",
            ""
        ]
    );
}

#[test]
fn other_reference_systems_are_stated_where_they_can_be() {
    let swiss = layer_of(2056, ZPolicy::Forbidden);
    assert!(written(Format::GeoJson, &swiss, &[]).contains("urn:ogc:def:crs:EPSG::2056"));
    assert!(!written(Format::GeoJson, &layer_of(4326, ZPolicy::Forbidden), &[]).contains("crs"));
    let crs = swiss.geometry().crs;
    let refused = Writer::new(Format::GeoJsonSequence, swiss, crs);
    assert!(matches!(refused, Err(WriteError::CannotStateCrs(2056))));
}

#[test]
fn positions_are_written_in_the_reference_system_that_is_asked_for() {
    let draft = LayerDraft {
        invalid: layer_data_core::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Point,
        z: ZPolicy::Forbidden,
        epsg: 3857,
        attributes: Vec::new(),
    };
    let layer = layer(draft);
    let mut writer =
        Writer::new(Format::GeoJsonSequence, layer, Crs::known(4326).unwrap()).unwrap();
    let mut text = Vec::new();
    // One radian on the equator is the earth's radius.
    let wkb = [
        &[1, 1, 0, 0, 0][..],
        &6_378_137.0_f64.to_le_bytes(),
        &0.0_f64.to_le_bytes(),
    ]
    .concat();
    writer
        .element(&stored(1, wkb, Vec::new()), &mut text)
        .unwrap();
    assert!(String::from_utf8(text).unwrap().contains("[57.29577951308"));
}

#[test]
fn an_element_that_is_not_whole_is_not_written() {
    let layer = layer_of(4326, ZPolicy::Forbidden);
    let crs = layer.geometry().crs;
    let mut writer = Writer::new(Format::GeoJson, layer, crs).unwrap();
    let mut text = Vec::new();
    let mut bare = stored(1, POINT.to_vec(), vec![Value::Null; 7]);
    bare.geometry = None;
    assert!(
        matches!(writer.element(&bare, &mut text), Err(WriteError::Incomplete(id)) if id.get() == 1)
    );
    let short = stored(2, POINT.to_vec(), vec![Value::Null]);
    assert!(matches!(
        writer.element(&short, &mut text),
        Err(WriteError::Incomplete(_))
    ));
    assert!(text.is_empty());
}
