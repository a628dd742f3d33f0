//! Requests into words of the core: every field is looked at, and a wrong one is named by its path.

mod definition;
mod edit;
mod filter;
mod layer;
mod query;
mod structure;
mod value;

pub(crate) use definition::draft;
pub(crate) use edit::{batch_edit, change, each_element_once, edit_mode, expected, new_element};
pub(crate) use layer::reservation;
pub(crate) use query::{
    Mask, Stamps, element_ids, known_crs, limited_maximum, mask, no_reprojection, selection,
};
pub(crate) use structure::structure_change;
pub(crate) use value::{attribute_ref, value};
