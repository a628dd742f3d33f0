//! GeoJSON that people and programs write.

use std::sync::Arc;

use jmap_domain::ElementId;
use layer_data_core::{
    definition::{GeometryType, LayerDefinition, LayerDraft, ZPolicy},
    value::{AttributeType, Date, DateTime, Value},
};
use layer_data_formats::{FileError, Format, ReadOptions, Reader, Row, RowFault};

use crate::support::{all_types, attribute, broken, draft, element, hydrants, layer, open, rows};

fn collection(features: &str) -> String {
    format!(r#"{{"type":"FeatureCollection","features":[{features}]}}"#)
}

fn feature(properties: &str) -> String {
    let geometry = r#"{"type":"Point","coordinates":[7.5,47.25]}"#;
    format!(r#"{{"type":"Feature","properties":{properties},"geometry":{geometry}}}"#)
}

#[test]
fn values_take_the_attributes_types() {
    // R104, R105.
    let layer = layer(draft(GeometryType::Point, all_types()));
    let text = collection(&feature(
        r#"{"string":"é\u00e9","integer":-9223372036854775808,"double":0.1,"boolean":true,"date":"2024-02-29",
            "datetime":"2024-02-29T14:30:00+02:00","binary":"AAEC/w=="}"#,
    ));
    let row = rows(open(Format::GeoJson, &text, &layer))
        .remove(0)
        .unwrap();
    let expected = [
        Value::text("éé").unwrap(),
        Value::Integer(i64::MIN),
        Value::double(0.1).unwrap(),
        Value::Boolean(true),
        Value::Date(Date::parse("2024-02-29").unwrap()),
        Value::DateTime(DateTime::parse("2024-02-29T12:30:00Z").unwrap()),
        Value::Binary(vec![0, 1, 2, 255]),
    ];
    assert_eq!(element(row, &layer).values(), expected);
}

#[test]
fn null_absent_and_empty_are_three_things() {
    // R104.
    let mut name = attribute("name", AttributeType::String);
    name.default = Value::text("unnamed").unwrap();
    let layer = layer(draft(GeometryType::Point, vec![name]));
    let text = collection(
        &[r#"{"name":null}"#, "{}", r#"{"name":""}"#]
            .map(feature)
            .join(","),
    );
    let elements = rows(open(Format::GeoJson, &text, &layer))
        .into_iter()
        .map(|row| element(row.unwrap(), &layer));
    let values: Vec<_> = elements
        .map(|element| element.values()[0].clone())
        .collect();
    assert_eq!(
        values,
        [
            Value::Null,
            Value::text("unnamed").unwrap(),
            Value::text("").unwrap()
        ]
    );
}

#[test]
fn a_bad_row_is_named_and_the_next_one_is_read() {
    // R105.
    let text = collection(&[
        feature(r#"{"size":"large"}"#),
        r#"{"type":"Feature","properties":{},"geometry":null}"#.to_owned(),
        r#"{"type":"Feature","properties":{},"geometry":{"type":"Point","coordinates":[[1,2]]}}"#.to_owned(),
        r#"{"type":"Polygon"}"#.to_owned(),
        "17".to_owned(),
        feature(r#"{"name":"a","NAME":"b"}"#),
        feature(r#"{"size":7}"#),
    ].join(","));
    let rows = rows(open(Format::GeoJson, &text, &hydrants()));
    let errors: Vec<_> = rows
        .iter()
        .filter_map(|row| row.as_ref().err())
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        errors,
        [
            "row 1, `size`: a text is not an integer",
            "row 2, `geometry`: a geometry is required",
            "row 3, `geometry`: the coordinates are not nested as a `Point` needs",
            "row 4: the row is not a GeoJSON feature",
            "row 5: the row is not a GeoJSON feature",
            "row 6, `NAME`: the attribute is given twice",
        ]
    );
    assert_eq!(rows[6].as_ref().unwrap().number, 7);
}

#[test]
fn properties_that_the_layer_does_not_have_are_left_out_and_reported() {
    // R105.
    let layer = hydrants();
    let text = collection(
        &[
            feature(r#"{"name":"a","color":1}"#),
            feature(r#"{"color":[{}],"age":2}"#),
        ]
        .join(","),
    );
    let mut reader = open(Format::GeoJson, &text, &layer);
    assert_eq!(reader.by_ref().flatten().count(), 2);
    assert_eq!(reader.ignored(), ["color", "age"]);
}

#[test]
fn members_come_in_any_order_and_foreign_ones_do_not_matter() {
    let feature = r#"{"bbox":[0,0,1,1],"geometry":{"coordinates":[1,2],"type":"Point"},"x":{"y":[]},"id":7,
        "properties":null,"type":"Feature"}"#;
    let text = format!(
        "\u{feff}{{\"name\":\"x\",\"features\":[{feature}],\"extra\":[[{{}}]],\"type\":\"FeatureCollection\"}}\n "
    );
    let row = rows(open(Format::GeoJson, &text, &hydrants()))
        .remove(0)
        .unwrap();
    assert_eq!(row.id, ElementId::new(7).ok());
    assert!(row.element.values.is_empty());
}

#[test]
fn an_id_is_kept_only_if_it_can_be_one() {
    // R103, R116.
    let ids = [
        ("1", true),
        ("\"12\"", true),
        ("0", false),
        ("-1", false),
        ("9007199254740992", false),
        ("\"a\"", false),
    ];
    for (id, kept) in ids {
        let text = collection(&feature("{}").replacen('{', &format!("{{\"id\":{id},"), 1));
        let row = rows(open(Format::GeoJson, &text, &hydrants()))
            .remove(0)
            .unwrap();
        assert_eq!(row.id.is_some(), kept, "{id}");
    }
}

#[test]
fn positions_are_taken_from_the_file_s_reference_system_to_the_layer_s() {
    // The expected positions are GDAL's.
    let swiss = layer_in(2056);
    let wgs = collection(&feature("{}"));
    assert_near(first_position(&wgs, &swiss), (2_604_646.06, 1_233_233.64));
    assert_near(
        first_position(&named("urn:ogc:def:crs:EPSG::4326"), &swiss),
        (2_604_646.06, 1_233_233.64),
    );
    let lv95 =
        named("urn:ogc:def:crs:EPSG::2056").replace("[7.5,47.25]", "[2604646.06,1233233.64]");
    assert_eq!(first_position(&lv95, &swiss), (2_604_646.06, 1_233_233.64));
}

#[test]
fn what_the_importer_says_goes_before_what_the_file_says() {
    let swiss = layer_in(2056);
    let lv95 = collection(&feature("{}")).replace("[7.5,47.25]", "[2604646.06,1233233.64]");
    let options = ReadOptions {
        epsg: Some(2056),
        ..ReadOptions::default()
    };
    let reader = Reader::open(Format::GeoJson, lv95.as_bytes(), swiss.clone(), options).unwrap();
    assert_eq!(
        position(rows(reader).remove(0).unwrap(), &swiss),
        (2_604_646.06, 1_233_233.64)
    );
}

#[test]
fn a_reference_system_is_known_by_its_names_or_refused() {
    let layer = hydrants();
    for good in [
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "urn:ogc:def:crs:EPSG::4326",
        "EPSG:4326",
    ] {
        assert_eq!(first_position(&named(good), &layer), (7.5, 47.25), "{good}");
    }
    for bad in ["EPSG:banana", "EPSG:999999", "Lambert"] {
        let (before, error) = broken(open(Format::GeoJson, &named(bad), &layer));
        assert!(
            matches!((before, error), (0, FileError::UnknownCrs(name)) if name == bad),
            "{bad}"
        );
    }
}

#[test]
fn a_position_that_the_layer_s_system_does_not_have_spoils_its_row() {
    let text = collection(&feature("{}")).replace("[7.5,47.25]", "[7.5,123456]");
    let row = rows(open(Format::GeoJson, &text, &layer_in(2056))).remove(0);
    assert!(matches!(row.unwrap_err().fault, RowFault::Transform(_)));
}

fn named(name: &str) -> String {
    let crs = format!(r#""crs":{{"type":"name","properties":{{"name":"{name}"}}}},"features""#);
    collection(&feature("{}")).replacen("\"features\"", &crs, 1)
}

fn first_position(text: &str, layer: &Arc<LayerDefinition>) -> (f64, f64) {
    position(
        rows(open(Format::GeoJson, text, layer)).remove(0).unwrap(),
        layer,
    )
}

fn position(row: Row, layer: &LayerDefinition) -> (f64, f64) {
    let bounds = element(row, layer).geometry().bounds();
    (bounds.min_x, bounds.min_y)
}

/// Within two metres: the datum is shifted by parameters and not by a grid.
fn assert_near(found: (f64, f64), expected: (f64, f64)) {
    assert!(
        (found.0 - expected.0).hypot(found.1 - expected.1) < 2.0,
        "{found:?} is not {expected:?}"
    );
}

fn layer_in(epsg: i32) -> Arc<LayerDefinition> {
    layer(LayerDraft {
        invalid: layer_data_core::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Point,
        z: ZPolicy::Forbidden,
        epsg,
        attributes: Vec::new(),
    })
}

#[test]
fn a_reference_system_named_behind_the_features_must_be_the_one_they_were_read_in() {
    let late = |name: &str| {
        let crs = format!(r#"],"crs":{{"properties":{{"name":"{name}"}}}}}}"#);
        let text = collection(&feature("{}"));
        format!("{}{crs}", text.strip_suffix("]}").unwrap())
    };
    assert_eq!(
        rows(open(Format::GeoJson, &late("EPSG:4326"), &hydrants())).len(),
        1
    );
    let (before, error) = broken(open(Format::GeoJson, &late("EPSG:2056"), &hydrants()));
    assert!(matches!((before, error), (1, FileError::LateCrs)));
}

#[test]
fn a_sequence_is_read_line_by_line_or_by_separators() {
    let layer = hydrants();
    let lines = format!(
        "{}\n\n{}",
        feature(r#"{"size":1}"#),
        feature(r#"{"size":2}"#)
    );
    assert_eq!(rows(open(Format::GeoJsonSequence, &lines, &layer)).len(), 2);
    let pretty = feature(r#"{"size":1}"#).replace(',', ",\n");
    let records = format!("\u{1e}{pretty}\n\u{1e}{pretty}\n");
    assert!(
        rows(open(Format::GeoJsonSequence, &records, &layer))
            .iter()
            .all(Result::is_ok)
    );
}

#[test]
fn a_broken_text_of_a_sequence_spoils_its_own_row_only() {
    let text = format!("{{\"type\":\n{}\n{{}} {{}}\n", feature("{}"));
    let rows = rows(open(Format::GeoJsonSequence, &text, &hydrants()));
    assert!(matches!(
        rows[0].as_ref().unwrap_err().fault,
        RowFault::Json(_)
    ));
    assert!(rows[1].is_ok());
    assert!(matches!(
        rows[2].as_ref().unwrap_err().fault,
        RowFault::Json(_)
    ));
    assert_eq!(rows.len(), 3);
}
