//! The conformance suite, one test for each of its functions.

use layer_data_core::conformance::{
    conditions, edits, feed, history, layers, order, pruning, reads, reversals, spatial,
    statistics, structure, unique,
};

use crate::fixture::fresh;

macro_rules! conforms {
    ($($module:ident :: $fact:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $fact() {
            let (_folder, store) = fresh().await;
            $module::$fact(&store).await;
        }
    )+};
}

layer_data_core::for_each_conformance_fact!(conforms);
