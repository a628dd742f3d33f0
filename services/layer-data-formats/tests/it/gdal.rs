//! GDAL as an outside reader: what it makes of our files, we read back as it was.

use std::{fs, path::Path, process::Command, sync::Arc};

use layer_data_core::{
    definition::{GeometryType, LayerDefinition},
    element::Element,
    value::{Date, DateTime, Value},
};
use layer_data_formats::{Format, Row};

use crate::{
    round_trip::{stored, written},
    support::{all_types, draft, element, layer, open, rows},
};

/// Runs a GDAL program; `None`, with a loud word, where there is none. CI must have it.
#[expect(
    clippy::print_stderr,
    reason = "a skipped test is not a passed one, and somebody should see it"
)]
fn gdal(program: &str, arguments: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(program).args(arguments).output() else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "CI needs {program} of gdal-bin"
        );
        eprintln!("SKIPPED: {program} is not installed (Debian: gdal-bin)");
        return None;
    };
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Some(String::from_utf8(output.stdout).unwrap())
}

fn polygons() -> Arc<LayerDefinition> {
    layer(draft(GeometryType::MultiPolygon, all_types()))
}

fn elements(layer: &Arc<LayerDefinition>) -> Vec<Element> {
    let wkt = "\"MULTIPOLYGON (((0 0,10.25 0,10.25 10,0 0),(2 1,3 2,3 1,2 1)),((20 20,21 20,21 21,20 20)))\"";
    let text = format!("fid,wkt\n7,{wkt}\n9,{wkt}\n");
    let mut rows = rows(open(Format::Csv, &text, layer))
        .into_iter()
        .map(Result::unwrap);
    let full = vec![
        Value::text("quote \" comma , line\nbreak é 中").unwrap(),
        Value::Integer(9_007_199_254_740_993),
        Value::double(0.1).unwrap(),
        Value::Boolean(true),
        Value::Date(Date::parse("2024-02-29").unwrap()),
        Value::DateTime(DateTime::parse("2024-02-29T12:30:00.25Z").unwrap()),
        Value::Binary(vec![0, 1, 255]),
    ];
    let mut stored = |values| {
        let row = rows.next().unwrap();
        stored(
            row.id.unwrap().get(),
            element(row, layer).geometry().wkb().to_vec(),
            values,
        )
    };
    vec![stored(full), stored(vec![Value::Null; 7])]
}

fn save(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn gdal_counts_and_types_our_geojson() {
    let (folder, layer) = (tempfile::tempdir().unwrap(), polygons());
    let path = save(
        folder.path(),
        "areas.geojson",
        &written(Format::GeoJson, &layer, &elements(&layer)),
    );
    let Some(report) = gdal("ogrinfo", &["-ro", "-so", "-al", &path]) else {
        return;
    };
    for expected in [
        "Geometry: Multi Polygon",
        "Feature Count: 2",
        "Extent: (0.000000, 0.000000) - (21.000000, 21.000000)",
        "ID[\"EPSG\",4326]",
        "integer: Integer64",
        "double: Real",
        "boolean: Integer(Boolean)",
        "date: Date",
        "datetime: DateTime",
    ] {
        assert!(report.contains(expected), "{expected} is not in:\n{report}");
    }
}

#[test]
fn gdal_knows_the_reference_system_of_our_geojson() {
    let mut draft = draft(GeometryType::Point, Vec::new());
    draft.epsg = 2056;
    let layer = layer(draft);
    let row = rows(open(Format::Csv, "wkt\nPOINT (2600000 1200000)\n", &layer))
        .remove(0)
        .unwrap();
    let element = stored(1, row.element.geometry, Vec::new());
    let folder = tempfile::tempdir().unwrap();
    let path = save(
        folder.path(),
        "swiss.geojson",
        &written(Format::GeoJson, &layer, &[element]),
    );
    let Some(report) = gdal("ogrinfo", &["-ro", "-so", "-al", &path]) else {
        return;
    };
    assert!(report.contains("ID[\"EPSG\",2056]"), "{report}");
}

#[test]
fn what_gdal_makes_of_our_files_reads_back_as_it_was() {
    // R104: GDAL's CSV cannot tell null from an empty text, so nulls go through GeoJSON only.
    let (folder, layer) = (tempfile::tempdir().unwrap(), polygons());
    let stored = elements(&layer);
    let geojson = save(
        folder.path(),
        "areas.geojson",
        &written(Format::GeoJson, &layer, &stored),
    );
    let csv = save(
        folder.path(),
        "areas.csv",
        &written(Format::Csv, &layer, &stored[..1]),
    );
    let sequence = save(
        folder.path(),
        "areas.geojsonl",
        &written(Format::GeoJsonSequence, &layer, &stored),
    );
    let precise = ["-lco", "COORDINATE_PRECISION=15"];
    let wkt = ["-lco", "GEOMETRY=AS_WKT"];
    for (from, driver, format, options) in [
        (&geojson, "GeoJSON", Format::GeoJson, precise),
        (&sequence, "GeoJSON", Format::GeoJson, precise),
        (&geojson, "GeoJSONSeq", Format::GeoJsonSequence, precise),
        (&csv, "CSV", Format::Csv, wkt),
    ] {
        let to = folder.path().join(format!("from-gdal.{driver}"));
        let _ = fs::remove_file(&to);
        let to = to.to_str().unwrap();
        if gdal(
            "ogr2ogr",
            &[&["-f", driver, to, from.as_str()], options.as_slice()].concat(),
        )
        .is_none()
        {
            return;
        }
        let text = fs::read_to_string(to).unwrap();
        let read: Vec<Row> = rows(open(format, &text, &layer))
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(
            read.len(),
            if format == Format::Csv { 1 } else { 2 },
            "{driver}"
        );
        for (row, stored) in read.into_iter().zip(&stored) {
            let element = element(row, &layer);
            assert_eq!(element.values(), stored.values, "{driver}:\n{text}");
            assert_eq!(
                Some(element.geometry().wkb()),
                stored.geometry.as_deref(),
                "{driver}:\n{text}"
            );
        }
    }
}
