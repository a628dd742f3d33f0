//! A layer whose definition changes again and again reads as a naive model says.

use layer_data_core::conformance::histories::{
    every_element_reads_right_after_each_act, histories,
};
use proptest::prelude::*;

use crate::fixture::fresh;

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// R114.
    #[test]
    fn every_element_reads_right_after_each_change(acts in histories()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (_folder, store) = fresh().await;
            every_element_reads_right_after_each_act(&store, acts).await;
        });
    }
}
