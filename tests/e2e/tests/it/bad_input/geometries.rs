//! Geometries that are none, or do not fit the layer (R66, R115).

use jmap_proto::layerdata::NewElement;
use testkit::wire;

use super::{FIELD, GEOMETRY, Ground, discreet, field_of};

/// A point with these coordinates as WKB, whatever they are.
fn raw_point(x: f64, y: f64) -> Vec<u8> {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend(x.to_le_bytes());
    wkb.extend(y.to_le_bytes());
    wkb
}

/// A polygon with one ring as WKB, closed or not.
fn raw_polygon(ring: &[(f64, f64)]) -> Vec<u8> {
    let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0];
    wkb.extend(u32::try_from(ring.len()).unwrap().to_le_bytes());
    for (x, y) in ring {
        wkb.extend(x.to_le_bytes());
        wkb.extend(y.to_le_bytes());
    }
    wkb
}

/// A point with a height as ISO WKB.
fn raw_height(z: f64) -> Vec<u8> {
    let mut wkb = vec![1];
    wkb.extend(1001_u32.to_le_bytes());
    for coordinate in [1.0, 2.0, z] {
        wkb.extend(f64::to_le_bytes(coordinate));
    }
    wkb
}

const SQUARE: [(f64, f64); 4] = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];

fn of(geometry: Vec<u8>) -> NewElement {
    let (geometry, values) = (geometry.into(), Vec::new());
    NewElement { geometry, values }
}

/// Each fails to create an element in the layer, and says that it is the geometry's fault.
async fn refuse_each(ground: &Ground, layer: i64, geometries: Vec<Vec<u8>>) {
    for geometry in geometries {
        let shown = format!("{geometry:?} in {layer}");
        let result = ground.editor.create(layer, of(geometry), "").await;
        let status = result.expect_err(&shown);
        let outcome = wire::outcome_of(&status).to_string();
        let fits = outcome == GEOMETRY || outcome == FIELD;
        assert!(fits, "{outcome} for {shown}: {}", status.message());
        assert_eq!(field_of(&status), "element.geometry", "{shown}");
        discreet(&status);
    }
    assert_eq!(ground.editor.count(layer).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_that_are_none_are_refused() {
    // R66, R115.
    let ground = Ground::lay().await;
    let mut trailing = raw_point(1.0, 2.0);
    trailing.push(0);
    let bad = vec![
        Vec::new(),
        b"garbage".to_vec(),
        trailing,
        raw_point(f64::NAN, f64::NAN),
        raw_point(f64::NAN, 0.0),
        raw_point(f64::INFINITY, 0.0),
        // Outside the bounds of the reference system.
        raw_point(180.1, 0.0),
        raw_point(0.0, -90.1),
        wire::wkb("LINESTRING(0 0,1 1)"),
        // Single to multi is promoted by import alone, and multi to single by nothing.
        wire::wkb("MULTIPOINT(1 1)"),
        raw_height(3.0),
    ];
    refuse_each(&ground, ground.points, bad).await;
    let bad = vec![raw_point(1.0, 2.0), raw_height(f64::NAN)];
    refuse_each(&ground, ground.heights, bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_and_rings_that_are_none_are_refused() {
    // R66, R115.
    let ground = Ground::lay().await;
    let mut truncated = wire::wkb("LINESTRING(0 0,1 1)");
    truncated.truncate(20);
    // As many vertices as nobody could hold.
    let mut endless = vec![1, 2, 0, 0, 0];
    endless.extend(u32::MAX.to_le_bytes());
    let empty = wire::wkb("LINESTRING EMPTY");
    let bad = vec![truncated, endless, empty, wire::wkb("POINT(0 0)")];
    refuse_each(&ground, ground.lines, bad).await;
    let flat = [(0.0, 0.0), (1.0, 0.0), (0.0, 0.0)];
    let bad = vec![raw_polygon(&SQUARE), raw_polygon(&flat), raw_polygon(&[])];
    refuse_each(&ground, ground.polygons, bad).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn geometries_that_fit_are_taken() {
    // R66.
    let ground = Ground::lay().await;
    let mut ring = SQUARE.to_vec();
    ring.push(SQUARE[0]);
    let good = [
        (ground.polygons, raw_polygon(&ring)),
        (ground.lines, wire::wkb("LINESTRING(0 0,1 1)")),
        (ground.heights, raw_height(3.0)),
        (ground.points, raw_point(180.0, -90.0)),
    ];
    for (layer, geometry) in good {
        ground.editor.create(layer, of(geometry), "").await.unwrap();
        assert_eq!(ground.editor.count(layer).await.unwrap(), 1);
    }
}
