//! A layer that has been through a lot, as GDAL reads it: what it finds is what the service says (R38, R65, R114).

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use jmap_proto::{
    layerdata::{
        AddAttribute, ChangeLayerDefinitionRequest, DefinitionChange, DropAttribute,
        ExportElementsRequest, FileFormat, ListElementsRequest, RenameAttribute,
        RestoreElementsRequest, SummarizeElementsRequest, definition_change::Change,
        export_elements_response::Part,
    },
    types::{AttributeDefinition, AttributeType, GeometryType, Value, value::Kind},
};
use serde_json::{Value as Json, json};
use testkit::{Caller, Stage, wire};

use crate::files::{gdal, layer_for};

const EARTH: &str = "
world: a project for a layer with a past
projects: [{ project: earth }]
";

/// What elements have in an attribute that came later than they; something that files have to quote.
const NO_CANTON: &str = "none, \"yet\"";

type Values = BTreeMap<String, Json>;
/// By id each element's place and its values by name.
type Elements = BTreeMap<i64, ([f64; 2], Values)>;

fn extent(elements: &Elements) -> [f64; 4] {
    let places = elements.values().map(|(place, _)| *place);
    places.fold(
        [f64::MAX, f64::MAX, f64::MIN, f64::MIN],
        |[left, low, right, high], [x, y]| [left.min(x), low.min(y), right.max(x), high.max(y)],
    )
}

/// What the layer has come to.
fn expected() -> Elements {
    let element = |id, place, inhabitants: i64, canton: &str| {
        let values = [
            ("inhabitants".to_owned(), json!(inhabitants)),
            ("canton".to_owned(), json!(canton)),
        ];
        (id, (place, Values::from(values)))
    };
    Elements::from([
        element(1, [8.05, 47.4], 21_000, NO_CANTON),
        element(2, [7.44, 46.95], 137_000, NO_CANTON),
        element(3, [9.53, 46.85], 38_000, "GR"),
    ])
}

/// A layer whose elements were changed, deleted and brought back, and whose definition became another.
async fn with_a_past(by: &Caller, project: i64) -> i64 {
    let layer = layer_for(by, project, "towns", GeometryType::Point).await;
    let people = |count| wire::set("population", Kind::Integer(count));
    for (name, at, count) in [
        ("Aarau", "POINT(8.04 47.39)", 21_000),
        ("Bern", "POINT(7.44 46.95)", 134_000),
        ("Chur", "POINT(9.53 46.85)", 38_000),
        ("Atlantis", "POINT(-30 30)", 0),
    ] {
        let values = vec![wire::set_text("name", name), people(count)];
        by.add_with(layer, at, values).await.unwrap();
    }
    let moved = wire::moved("POINT(8.05 47.4)");
    by.change(layer, 1, moved).await.unwrap();
    let more = wire::revalued(vec![people(137_000)]);
    by.change(layer, 2, more).await.unwrap();
    for gone in [3, 4] {
        by.delete(layer, gone).await.unwrap();
    }
    let back = RestoreElementsRequest {
        layer_id: layer,
        element_ids: vec![3],
        ..RestoreElementsRequest::default()
    };
    let back = by.history().restore_elements(back).await.unwrap();
    assert_eq!(back.into_inner().restored_count, 1);
    redefine(by, layer).await;
    let canton = wire::revalued(vec![wire::set_text("canton", "GR")]);
    by.change(layer, 3, canton).await.unwrap();
    layer
}

/// Drops the names, renames the population, adds the canton.
async fn redefine(by: &Caller, layer_id: i64) {
    let canton = AttributeDefinition {
        required: true,
        default_value: Some(Value {
            kind: Some(Kind::String(NO_CANTON.to_owned())),
        }),
        ..wire::attribute("canton", AttributeType::String)
    };
    let changes = [
        Change::Drop(DropAttribute { attribute_id: 1 }),
        Change::Rename(RenameAttribute {
            attribute_id: 2,
            name: "inhabitants".to_owned(),
        }),
        Change::Add(AddAttribute {
            attribute: Some(canton),
        }),
    ];
    let change = |change| DefinitionChange {
        change: Some(change),
    };
    let request = ChangeLayerDefinitionRequest {
        layer_id,
        expected_version: 1,
        changes: changes.into_iter().map(change).collect(),
        ..ChangeLayerDefinitionRequest::default()
    };
    by.layers().change_layer_definition(request).await.unwrap();
}

/// What the service says.
async fn told(by: &Caller, layer_id: i64) -> Elements {
    let request = ListElementsRequest {
        layer_id,
        ..ListElementsRequest::default()
    };
    let page = by.elements().list_elements(request).await.unwrap();
    let page = page.into_inner();
    let attributes = page.header.unwrap().attributes;
    let names = || attributes.iter().map(|attribute| attribute.name.clone());
    let elements = page.elements.iter().map(|element| {
        let values = names().zip(element.values.iter().map(plain)).collect();
        (element.element_id, (place(&element.geometry), values))
    });
    let elements = elements.collect();
    let request = SummarizeElementsRequest {
        layer_id,
        ..SummarizeElementsRequest::default()
    };
    let summary = by.elements().summarize_elements(request).await.unwrap();
    let whole = summary.into_inner().extent.unwrap();
    let whole = [whole.min_x, whole.min_y, whole.max_x, whole.max_y];
    assert_eq!(format!("{whole:?}"), format!("{:?}", extent(&elements)));
    elements
}

fn plain(value: &Value) -> Json {
    let kind = value.kind.as_ref().unwrap();
    if let Kind::String(text) = kind {
        return json!(text);
    }
    let Kind::Integer(number) = kind else {
        panic!("neither text nor a whole number: {kind:?}");
    };
    json!(number)
}

fn place(point: &[u8]) -> [f64; 2] {
    [5, 13].map(|at| f64::from_le_bytes(point[at..at + 8].try_into().unwrap()))
}

async fn export(by: &Caller, layer_id: i64, format: FileFormat) -> Vec<u8> {
    let request = ExportElementsRequest {
        layer_id,
        format: format.into(),
        ..ExportElementsRequest::default()
    };
    let stream = by.transfer().export_elements(request).await.unwrap();
    let (mut stream, mut file) = (stream.into_inner(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        if let Part::Data(data) = message.part.unwrap() {
            file.extend_from_slice(&data);
        }
    }
    file
}

/// Runs a program of GDAL, which has nothing to complain about.
fn run(program: &str, arguments: &[&str]) -> String {
    let told = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(told.stdout).unwrap()
}

/// The elements that GDAL finds in a layer of a file. Columns that begin with `_` are the service's own.
fn found(file: &Path, layer: &str, options: &[&str]) -> Elements {
    let file = file.to_str().unwrap();
    let arguments = ["-f", "GeoJSON", "-preserve_fid", "/vsistdout/", file, layer];
    let text = run("ogr2ogr", &[&arguments, options].concat());
    let mut collection: Json = serde_json::from_str(&text).unwrap();
    let features = collection["features"].as_array_mut().unwrap();
    let elements = features.iter_mut().map(|feature| {
        let mut values: Values = serde_json::from_value(feature["properties"].take()).unwrap();
        values.retain(|name, _| name != "wkt" && !name.starts_with('_'));
        let id = values.remove("fid").unwrap_or_else(|| feature["id"].take());
        let place = serde_json::from_value(feature["geometry"]["coordinates"].take());
        (id.as_i64().unwrap(), (place.unwrap(), values))
    });
    elements.collect()
}

/// What GDAL says of a layer of a file, how many elements and which extent, is so. Of a GeoPackage it takes the extent
/// from the spatial index, which has 32 bits for a number.
fn sums_up(file: &Path, layer: &str, elements: &Elements) {
    let text = run("ogrinfo", &["-ro", "-so", file.to_str().unwrap(), layer]);
    let line = |start| {
        let found = text.lines().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("{text}"))
    };
    assert_eq!(line("Feature Count: "), elements.len().to_string());
    let corners = line("Extent: ")
        .replace(['(', ')', ','], " ")
        .replace(" - ", " ");
    let corners = corners
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    let corners: Vec<f64> = corners.collect();
    assert_eq!(corners.len(), 4, "{text}");
    let mut pairs = corners.iter().zip(extent(elements));
    assert!(
        pairs.all(|(found, told)| (found - told).abs() < 1e-5),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gdal_reads_exports_of_a_layer_with_a_past_as_the_service_tells_it() {
    if !gdal() {
        return;
    }
    let stage = Stage::set(EARTH).await;
    let administrator = stage.caller("administrator").await;
    let layer = with_a_past(&administrator, stage.floor.project("earth")).await;
    let told = told(&administrator, layer).await;
    assert_eq!(told, expected());
    let folder = tempfile::tempdir().unwrap();
    let formats: [(_, _, &[&str]); 2] = [
        (FileFormat::Geojson, "towns.geojson", &[]),
        (
            FileFormat::Csv,
            "towns.csv",
            &["-oo", "AUTODETECT_TYPE=YES"],
        ),
    ];
    for (format, name, options) in formats {
        let path = folder.path().join(name);
        fs::write(&path, export(&administrator, layer, format).await).unwrap();
        assert_eq!(found(&path, "towns", options), told, "{name}");
        sums_up(&path, "towns", &told);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gdal_reads_a_layer_with_a_past_out_of_the_live_geopackage() {
    // The versions before are no layer, and what was dropped is no field under its name.
    if !gdal() {
        return;
    }
    let stage = Stage::set(EARTH).await;
    let administrator = stage.caller("administrator").await;
    let layer = with_a_past(&administrator, stage.floor.project("earth")).await;
    let told = told(&administrator, layer).await;
    let (path, table) = (stage.pair.home().geopackage(), format!("l_{layer}"));
    let layers = run("ogrinfo", &["-ro", "-q", path.to_str().unwrap()]);
    assert_eq!(layers.trim(), format!("1: {table} (Point)"));
    assert_eq!(found(&path, &table, &[]), told);
    sums_up(&path, &table, &told);
}
