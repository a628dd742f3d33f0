//! GDAL reads the live file.

use std::process::Command;

use jmap_domain::LayerId;
use layer_data_core::{
    conformance::{creation, definition, edit, make_layer, named},
    ports::{LayerStore, NewLayer},
};

use crate::fixture::fresh;

/// What `ogrinfo` says of the file; `None`, loudly, where it is not installed. A run of the whole suite must have it.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn ogrinfo(arguments: &[&str]) -> Option<String> {
    match Command::new("ogrinfo").args(arguments).output() {
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(
                output.status.success() && errors.is_empty(),
                "ogrinfo complains: {errors}"
            );
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) => {
            assert!(std::env::var("CI").is_err(), "ogrinfo is missing: {error}");
            eprintln!("SKIPPED: ogrinfo is missing: {error}");
            None
        }
    }
}

#[tokio::test]
async fn ogrinfo_lists_the_layers_and_nothing_else_with_the_right_counts() {
    // R65.
    let (folder, store) = fresh().await;
    make_layer(&store).await;
    edit(
        &store,
        (0..5)
            .map(|n| creation(f64::from(n), 47.0, named("ä \"quoted\"")))
            .collect(),
    )
    .await;
    let new = NewLayer {
        layer: LayerId::new(8).unwrap(),
        label: "conformance".to_owned(),
        definition: definition(),
    };
    store.create_layer(new).await.unwrap();
    let path = folder.path().join("layers.gpkg");
    let path = path.to_str().unwrap();
    let Some(list) = ogrinfo(&["-ro", "-q", path]) else {
        return;
    };
    let layers: Vec<&str> = list.lines().collect();
    assert_eq!(layers, ["1: l_7", "2: l_8"]);
    let Some(summary) = ogrinfo(&["-ro", "-so", path, "l_7"]) else {
        return;
    };
    assert!(summary.contains("Feature Count: 5"), "{summary}");
    assert!(summary.contains("EPSG\",4326"), "{summary}");
    for column in [
        "string: String",
        "integer: Integer64",
        "double: Real",
        "boolean: Integer(Boolean)",
        "date: Date",
    ] {
        assert!(summary.contains(column), "{column}: {summary}");
    }
    let Some(features) = ogrinfo(&["-ro", "-al", "-spat", "1.5", "46", "2.5", "48", path, "l_7"])
    else {
        return;
    };
    assert!(
        features.contains("POINT (2 47)") && !features.contains("POINT (1 47)"),
        "{features}"
    );
}
