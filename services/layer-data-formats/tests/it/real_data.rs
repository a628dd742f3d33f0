//! The bundled real data reads without a single bad row, into the layers that are proposed for it.

use std::{fs::File, io::BufReader, path::PathBuf, sync::Arc};

use layer_data_core::{
    definition::{GeometryType, LayerDraft},
    geometry::InvalidPolygons,
    value::AttributeType::{self, Double, Integer, String},
};
use layer_data_formats::{Format, ReadOptions, Reader, propose};

use crate::support::{element, rows};

fn read(name: &str) -> (GeometryType, Vec<AttributeType>, usize) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/data")
        .join(name);
    let format = Format::of_path(&path).unwrap();
    let file = || BufReader::new(File::open(&path).unwrap());
    let proposal = propose(format, file(), usize::MAX, &ReadOptions::default()).unwrap();
    let options = ReadOptions {
        renamed: proposal.renamed,
        ..ReadOptions::default()
    };
    let geometry_type = proposal.draft.geometry_type;
    // Russia, Fiji and Antarctica cross themselves.
    let draft = LayerDraft {
        invalid: InvalidPolygons::Repair,
        keep_history: None,
        ..proposal.draft
    };
    let layer = Arc::new(draft.define().unwrap());
    let reader = Reader::open(format, file(), Arc::clone(&layer), options).unwrap();
    let elements: Vec<_> = rows(reader)
        .into_iter()
        .map(|row| element(row.unwrap(), &layer))
        .collect();
    (
        geometry_type,
        layer
            .attributes()
            .iter()
            .map(|attribute| attribute.kind)
            .collect(),
        elements.len(),
    )
}

#[test]
fn cities_are_points() {
    let kinds = vec![Integer, String, String, String, Integer, String];
    assert_eq!(
        read("cities.csv"),
        (GeometryType::Point, kinds.clone(), 34_006)
    );
    assert_eq!(read("cities.geojson"), (GeometryType::Point, kinds, 5_000));
}

#[test]
fn countries_are_multi_polygons() {
    let kinds = vec![String, String, String, String, String, Integer, Double];
    assert_eq!(
        read("countries.geojson"),
        (GeometryType::MultiPolygon, kinds, 241)
    );
}

#[test]
fn rivers_are_lines() {
    assert_eq!(
        read("rivers.geojson"),
        (
            GeometryType::LineString,
            vec![Integer, Double, Integer],
            886
        )
    );
}
