//! What the planner says of elements that are too many to count.

use layer_data_core::{
    conformance::{creation, definition, edit, later, make_layer, named, query},
    ports::{Count, LayerStore},
    query::{BoxInput, SelectionInput},
};

use crate::fixture::{TABLE, fresh, run};

/// Elements, 80 from west to east in each of 50 rows.
const MANY: u32 = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_estimate_is_of_what_was_selected() {
    // R113.
    let Some(fresh) = fresh("counts").await else {
        return;
    };
    make_layer(&fresh.store).await;
    let place = |n: u32| (f64::from(n % 80), f64::from(n / 80));
    let places = (0..MANY).map(place);
    let places = places.map(|(x, y)| creation(x, y, named("a")));
    edit(&fresh.store, places.collect()).await;
    run(&mut fresh.other().await, &format!("analyze {TABLE}")).await;
    let half = SelectionInput {
        bbox: Some(BoxInput {
            min_x: -1.0,
            min_y: -1.0,
            max_x: 39.5,
            max_y: 60.0,
            epsg: None,
        }),
        ..SelectionInput::default()
    };
    for (selection, expected) in [(SelectionInput::default(), MANY), (half, MANY / 2)] {
        let checked = query(selection).check(&definition()).unwrap();
        let cap = 100.try_into().unwrap();
        let counted = fresh.store.count(&checked, cap, later()).await.unwrap().0;
        let Count::About(count) = counted else {
            panic!("{counted:?}")
        };
        let expected = u64::from(expected);
        let near = expected / 2..=expected * 2;
        assert!(near.contains(&count), "{count} instead of {expected}");
    }
}
