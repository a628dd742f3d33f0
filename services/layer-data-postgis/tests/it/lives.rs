//! A layer to which anything may happen is what a naive model says.

use layer_data_core::conformance::lives;
use proptest::test_runner::{Config, TestRunner};

use crate::fixture::{Fresh, fresh};

/// R103, R106, R109, R110, R112, R114. Each life has a database of its own, as histories of definitions have.
#[tokio::test(flavor = "multi_thread")]
async fn a_layer_is_what_was_done() {
    let runtime = tokio::runtime::Handle::current();
    let lived = tokio::task::spawn_blocking(move || {
        let config = Config {
            cases: 16,
            ..Config::default()
        };
        TestRunner::new(config).run(&lives::lives(), |acts| {
            runtime.block_on(async {
                if let Some(Fresh { store, database }) = fresh("lives").await {
                    lives::a_layer_is_what_was_done_to_it(store, acts).await;
                    drop(database);
                }
            });
            Ok(())
        })
    });
    lived.await.unwrap().unwrap();
}
