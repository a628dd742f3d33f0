//! Geometries are compared away from the threads that serve calls.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use jmap_domain::ElementId;
use layer_data_core::{
    conformance::{creation, edit, make_layer, named, query, read, rows},
    query::{Relation, SelectionInput, ShapeInput, SpatialInput},
};

use crate::fixture::fresh;

/// A square around the origin.
fn square(half: f64) -> SelectionInput {
    let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0];
    for (x, y) in [
        (-1.0, -1.0),
        (1.0, -1.0),
        (1.0, 1.0),
        (-1.0, 1.0),
        (-1.0, -1.0),
    ] {
        wkb.extend(f64::to_le_bytes(x * half));
        wkb.extend(f64::to_le_bytes(y * half));
    }
    let spatial = Some(SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Geometry(wkb),
        epsg: None,
    });
    SelectionInput {
        spatial,
        ..SelectionInput::default()
    }
}

#[test]
fn a_comparison_blocks_no_thread_that_serves() {
    let started = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&started);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(move || {
            counter.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    runtime.block_on(async {
        let (_folder, store) = fresh().await;
        make_layer(&store).await;
        edit(&store, vec![creation(0.0, 0.0, named("in"))]).await;
        let before = started.load(Ordering::SeqCst);
        assert_eq!(before, 0, "nothing else needs such a thread");
        assert_eq!(read(&store, query(square(1.0)), rows(10)).await.len(), 1);
        assert_eq!(started.load(Ordering::SeqCst), 1);
    });
}

#[tokio::test]
async fn more_candidates_than_are_compared_at_once_come_in_order_and_each_once() {
    let (_folder, store) = fresh().await;
    make_layer(&store).await;
    let points = (0..300).map(|n| creation(f64::from(n % 3), 0.0, named("x")));
    edit(&store, points.collect()).await;
    let ids = |elements: Vec<layer_data_core::element::Element>| -> Vec<ElementId> {
        elements.into_iter().map(|element| element.id).collect()
    };
    let expected: Vec<ElementId> = (0..300)
        .filter(|n| n % 3 < 2)
        .map(|n| ElementId::new(n + 1).unwrap())
        .collect();
    for size in [1, 7, 1_000] {
        let found = read(&store, query(square(1.5)), rows(size)).await;
        assert_eq!(ids(found), expected, "in chunks of {size}");
    }
}
