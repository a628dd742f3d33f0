//! Requests into words of the core: every field is looked at, and a wrong one is named by its path.

mod as_of;
mod definition;
mod edit;
mod filter;
mod layer;
mod order;
mod query;
mod shape;
mod statistics;
mod structure;
mod value;
mod watch;

pub(crate) use as_of::as_of;
pub(crate) use definition::draft;
pub(crate) use edit::{
    batch_edit, change, each_element_once, edit_mode, expected, intent, new_element, upsert_edit,
};
pub(crate) use layer::reservation;
pub(crate) use order::order_by;
pub(crate) use query::{Mask, Stamps, element_ids, known_crs, limited_maximum, mask, selection};
pub(crate) use shape::{Shape, shape};
pub(crate) use statistics::{attribute_refs, distinct_limit};
pub(crate) use structure::structure_change;
pub(crate) use value::{attribute_ref, value};
pub(crate) use watch::{Start, Watched, watched_layers};
