//! The store in memory conforms.

use super::run;
use crate::{
    conformance::{
        conditions, edits, feed, history, layers, order, reads, reversals, spatial, statistics,
        structure, unique,
    },
    memory::MemoryStore,
};

macro_rules! conforms {
    ($($module:ident :: $fact:ident),+ $(,)?) => {$(
        #[test]
        fn $fact() {
            run($module::$fact(&MemoryStore::default()));
        }
    )+};
}

crate::for_each_conformance_fact!(conforms);

proptest::proptest! {
    /// R112, R115.
    #[test]
    fn pages_join_to_the_sorted_whole(case in order::cases()) {
        run(order::pages_join_to_the_sorted_whole(&MemoryStore::default(), case));
    }
}
