//! Orders mean in SQL what they mean in the core.

use layer_data_core::conformance::order;
use proptest::prelude::*;

use crate::fixture::fresh;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// R112, R115.
    #[test]
    fn pages_join_to_the_sorted_whole(case in order::cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = fresh().await;
            order::pages_join_to_the_sorted_whole(&store, case).await;
        });
    }
}
