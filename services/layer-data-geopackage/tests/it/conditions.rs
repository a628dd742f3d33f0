//! Conditions mean in SQL what they mean in the core.

use layer_data_core::conformance::conditions;
use proptest::prelude::*;

use crate::fixture::fresh;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// R104, R110, R111, R115.
    #[test]
    fn sql_finds_what_the_core_says_holds(case in conditions::cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = fresh().await;
            conditions::are_decided_as_by_the_core(&store, case).await;
        });
    }
}
