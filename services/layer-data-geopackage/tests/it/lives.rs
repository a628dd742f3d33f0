//! A layer to which anything may happen is what a naive model says.

use layer_data_core::conformance::lives::{a_layer_is_what_was_done_to_it, lives};
use proptest::prelude::*;

use crate::fixture::fresh;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// R103, R106, R109, R110, R112, R114.
    #[test]
    fn a_layer_is_what_was_done(acts in lives()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = fresh().await;
            a_layer_is_what_was_done_to_it(store, acts).await;
        });
    }
}
