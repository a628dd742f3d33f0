//! Conditions mean in SQL what they mean in the core.

use layer_data_core::{
    conformance::{conditions, layer},
    ports::{LayerStore, Removal},
};
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::fresh;

/// R104, R110, R111, R115.
#[tokio::test(flavor = "multi_thread")]
async fn sql_finds_what_the_core_says_holds() {
    let Some(fresh) = fresh("conditions").await else {
        return;
    };
    let runtime = tokio::runtime::Handle::current();
    let decided = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 24,
            ..Config::default()
        };
        TestRunner::new(config).run(&conditions::cases(), |case| {
            runtime.block_on(async {
                let removal = Removal { layer: layer() };
                fresh.store.drop_layer(removal).await.unwrap();
                conditions::are_decided_as_by_the_core(&fresh.store, case).await;
            });
            Ok(())
        })
    });
    decided.await.unwrap().unwrap();
}
