//! Orders mean in SQL what they mean in the core.

use layer_data_core::{
    conformance::{layer, order},
    ports::{LayerStore, Removal},
};
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::fresh;

/// R112, R115.
#[tokio::test(flavor = "multi_thread")]
async fn pages_join_to_the_sorted_whole() {
    let Some(fresh) = fresh("order").await else {
        return;
    };
    let runtime = tokio::runtime::Handle::current();
    let paged = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 24,
            ..Config::default()
        };
        TestRunner::new(config).run(&order::cases(), |case| {
            runtime.block_on(async {
                let removal = Removal { layer: layer() };
                fresh.store.drop_layer(removal).await.unwrap();
                order::pages_join_to_the_sorted_whole(&fresh.store, case).await;
            });
            Ok(())
        })
    });
    paged.await.unwrap().unwrap();
}
