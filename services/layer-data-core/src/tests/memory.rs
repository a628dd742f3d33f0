//! The store in memory conforms.

use super::run;
use crate::{
    conformance::{
        conditions, edits, feed, history, layers, lives, order, pruning, reads, reversals, spatial,
        statistics, structure, unique,
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

    /// R103, R106, R109, R110, R112, R114.
    #[test]
    fn a_layer_is_what_was_done_to_it(acts in lives::lives()) {
        run(lives::a_layer_is_what_was_done_to_it(MemoryStore::default(), acts));
    }
}
