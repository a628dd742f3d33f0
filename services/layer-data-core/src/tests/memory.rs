//! The store in memory conforms.

use super::run;
use crate::{
    conformance::{edits, layers, reads},
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

conforms! {
    edits::a_created_element_reads_back,
    edits::stamps_are_the_servers,
    edits::an_update_changes_only_what_it_names,
    edits::a_stale_revision_is_refused,
    edits::own_reaches_only_own_elements,
    edits::an_absent_element_is_neither_foreign_nor_stale,
    edits::an_atomic_batch_is_all_or_nothing,
    edits::a_partial_batch_reports_each_edit,
    edits::a_call_takes_one_revision,
    edits::a_retried_request_is_done_once,
    edits::validating_changes_nothing,
    edits::an_expired_permit_commits_nothing,
    edits::a_missing_layer_is_refused,
    layers::making_a_layer_twice_makes_it_once,
    layers::labels_may_repeat,
    layers::a_dropped_layer_is_gone,
    layers::another_installation_is_refused,
    reads::chunks_join_to_the_whole,
    reads::ids_select_what_exists,
    reads::boxes_are_exact,
    reads::boxes_cross_the_antimeridian,
    reads::boxes_come_in_other_reference_systems,
    reads::geometries_intersect_exactly,
    reads::text_compares_alike_everywhere,
    reads::output_is_what_was_asked_for,
    reads::summaries_are_exact,
}
