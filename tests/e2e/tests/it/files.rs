//! Files in and out, and the live GeoPackage read by an outsider (R38, R39, R65).

use std::{env, fs, path::Path, process::Command};

use jmap_proto::{
    layerdata::{CreateLayerRequest, FileFormat, LayerDefinition, create_layer_request::Placement},
    types::{AttributeType, GeometryType, InvalidPolygonPolicy, LayerGrant, Permission},
};
use testkit::{Caller, Stage, wire, world::Outcome};

const TOWN: &str = "
world: one who exports and another who does not
users: [ana, ben]
projects: [{ project: city, open: [ana, ben] }]
layers: [{ layer: source, editing: true }, { layer: target, editing: true }]
grants:
  - { layer: source, to: ana, give: [export] }
  - { layer: target, to: ben, give: [add] }
elements:
  - { element: one, in: source, by: ana }
  - { element: two, in: source, by: ben, at: POINT(-7.25 8.5) }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn copying_by_a_file_needs_export_here_and_add_there() {
    // R38, R39.
    let mut stage = Stage::set(TOWN).await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let (source, target) = (stage.layer("source"), stage.layer("target"));
    let refused = ben.export(source).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    let (file, count) = ana.export(source).await.unwrap();
    assert_eq!(count, 2);
    let refused = ana
        .import(target, FileFormat::Geojson, &file)
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    assert_eq!(ana.count(target).await.unwrap(), 0);
    crate::change(
        &mut stage,
        "{ grant: { layer: target, to: ana, give: [add] } }",
    )
    .await;
    let summary = ana
        .import(target, FileFormat::Geojson, &file)
        .await
        .unwrap();
    assert_eq!((summary.created_elements, summary.failed_rows), (2, 0));
    // R54: whoever imports is the creator.
    let copied = ana.get(target, 2).await.unwrap().unwrap();
    assert_eq!(copied.stamps.unwrap().created_by, stage.floor.user("ana"));
    assert_eq!(copied.geometry, wire::wkb("POINT(-7.25 8.5)"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_are_reported_and_good_ones_kept() {
    // R105, R66, R109.
    let stage = Stage::set(TOWN).await;
    let (ben, target) = (stage.caller("ben").await, stage.layer("target"));
    let file = "name,longitude,latitude\ngood,1,2\nbad,1,north\nfar,999,0\nalso good,3,4\n";
    let summary = ben
        .import(target, FileFormat::Csv, file.as_bytes())
        .await
        .unwrap();
    assert_eq!((summary.created_elements, summary.failed_rows), (2, 2));
    assert_eq!(ben.count(target).await.unwrap(), 2);
    let broken = ben
        .import(target, FileFormat::Geojson, b"{ \"type\": \"Feature")
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&broken),
        Outcome::refused("INVALID_ARGUMENT", "INVALID_FILE")
    );
    assert_eq!(ben.count(target).await.unwrap(), 2);
}

/// GDAL, unless this machine has none and nobody insists.
pub(crate) fn gdal() -> bool {
    let there = Command::new("ogrinfo").arg("--version").output().is_ok();
    assert!(there || env::var_os("CI").is_none(), "CI needs gdal-bin");
    there
}

/// How many features GDAL finds in a layer of a file.
fn counted(file: &Path, layer: &str) -> i64 {
    let told = Command::new("ogrinfo")
        .args(["-ro", "-so"])
        .arg(file)
        .arg(layer)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&told.stdout);
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("Feature Count: "));
    let errors = String::from_utf8_lossy(&told.stderr);
    line.unwrap_or_else(|| panic!("{text}{errors}"))
        .trim()
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gdal_reads_real_data_out_of_the_live_geopackage() {
    // R65: in the server's own database, in a form that others read.
    if !gdal() {
        return;
    }
    let stage = Stage::set(
        "
world: a project for real data
projects: [{ project: earth }]
",
    )
    .await;
    let administrator = stage.caller("administrator").await;
    let project = stage.floor.project("earth");
    let kinds = [
        ("cities", GeometryType::Point, 5000),
        ("countries", GeometryType::MultiPolygon, 241),
        ("rivers", GeometryType::Any, 886),
    ];
    for (name, kind, count) in kinds {
        let layer = real_layer(&administrator, project, name, kind).await;
        assert_eq!(administrator.count(layer).await.unwrap(), count);
        assert_eq!(
            counted(&stage.pair.home().geopackage(), &format!("l_{layer}")),
            count,
            "{name}"
        );
    }
}

/// A layer with the real data of a file, every row of it.
pub(crate) async fn real_layer(by: &Caller, project: i64, name: &str, kind: GeometryType) -> i64 {
    let layer = layer_for(by, project, name, kind).await;
    let file = crate::architecture::root().join(format!("tests/data/{name}.geojson"));
    let file = fs::read(file).unwrap();
    let imported = by.import(layer, FileFormat::Geojson, &file).await;
    assert_eq!(imported.unwrap().failed_rows, 0, "{name}");
    layer
}

/// A layer of names and populations, with whose elements its maker may do anything.
pub(crate) async fn layer_for(by: &Caller, project: i64, name: &str, kind: GeometryType) -> i64 {
    let rights = [
        Permission::View,
        Permission::AddElements,
        Permission::ModifyElements,
        Permission::ModifyAttributes,
        Permission::DeleteElements,
        Permission::CopyExport,
    ];
    let request = CreateLayerRequest {
        placement: Some(Placement::ProjectId(project)),
        name: name.to_owned(),
        definition: Some(LayerDefinition {
            geometry_type: kind.into(),
            attributes: vec![
                wire::text_attribute("name"),
                wire::attribute("population", AttributeType::Integer),
            ],
            // Three countries cross themselves.
            invalid_polygons: InvalidPolygonPolicy::Repair.into(),
            ..LayerDefinition::default()
        }),
        editing_enabled: Some(true),
        initial_grants: vec![LayerGrant {
            principal: wire::user(1),
            permissions: rights.into_iter().map(i32::from).collect(),
            only_own: false,
        }],
        ..CreateLayerRequest::default()
    };
    let made = by
        .layers()
        .create_layer(request)
        .await
        .unwrap()
        .into_inner();
    made.layer.unwrap().layer_id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gdal_reads_an_export() {
    // R38.
    if !gdal() {
        return;
    }
    let stage = Stage::set(TOWN).await;
    let (file, count) = stage
        .caller("ana")
        .await
        .export(stage.layer("source"))
        .await
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source.geojson");
    fs::write(&path, file).unwrap();
    assert_eq!(counted(&path, "source"), count);
}
