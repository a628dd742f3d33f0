//! The store in memory conforms.

use super::run;
use crate::{
    conformance::{conditions, edits, layers, reads, structure},
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
