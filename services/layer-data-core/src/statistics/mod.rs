//! Statistics of attribute values, as a whole or by groups, over the elements that a selection means (R110, R113, R115).
//!
//! Stores only find the elements; what is counted and summed is decided here, so that it is alike on every engine.

mod moments;
mod tally;

use std::num::{NonZeroU32, NonZeroU64};

use jmap_domain::{AttributeId, DataRevision, LayerId};

pub use moments::{GREATEST_SUMMED, Moments, Sum};
pub use tally::{MAX_BYTES, Tally, TallyError};

use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::AttributeRef,
    geometry::Bounds,
    query::{CheckedQuery, GeometryOutput, OutputInput, QueryError, QueryInput, SelectionInput},
    value::{AttributeType, Value},
};

/// Most attributes in one question.
pub const MAX_ATTRIBUTES: usize = 32;
/// Most attributes to group by.
pub const MAX_GROUP_KEYS: usize = 4;
/// Most groups; more are an error, never a cut (R112).
pub const MAX_GROUPS: usize = 1_000;
/// Most distinct values of an attribute that are told, for each group.
pub const MAX_DISTINCT: u32 = 1_000;

/// A question for statistics, not yet checked against the layer.
#[derive(Clone, Debug)]
pub struct StatisticsInput {
    /// The layer.
    pub layer: LayerId,
    /// Which elements.
    pub selection: SelectionInput,
    /// The attributes whose values are summed up.
    pub attributes: Vec<AttributeRef>,
    /// The attributes whose values make the groups; none means one group of all.
    pub group_by: Vec<AttributeRef>,
    /// Most distinct values to tell, at most [`MAX_DISTINCT`]; `None` when they are not wanted.
    pub distinct: Option<NonZeroU32>,
    /// Whether the extents of the groups are wanted.
    pub extent: GeometryOutput,
}

/// Why a question for statistics makes no sense for the layer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StatisticsFault {
    /// An attribute that the layer does not have.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownAttribute(String),
    /// An attribute to group by that the layer does not have.
    #[error("attribute `{0}` does not exist in the layer")]
    UnknownGroupKey(String),
    /// An attribute that is named twice.
    #[error("attribute `{0}` is named twice")]
    RepeatedAttribute(String),
    /// An attribute to group by that is named twice.
    #[error("elements are grouped by attribute `{0}` twice")]
    RepeatedGroupKey(String),
    /// Too many attributes.
    #[error("statistics are of at most {MAX_ATTRIBUTES} attributes")]
    TooManyAttributes,
    /// Too many attributes to group by.
    #[error("elements are grouped by at most {MAX_GROUP_KEYS} attributes")]
    TooManyGroupKeys,
    /// The selection makes no sense.
    #[error(transparent)]
    Query(#[from] QueryError),
}

/// What is summed up of an element: the places of its values.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Layout {
    /// How many of the values, from the first on, make the group.
    keys: Vec<AttributeId>,
    /// The attributes that are summed up.
    summed: Vec<Summed>,
    distinct: Option<NonZeroU32>,
}

/// An attribute that is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Summed {
    attribute: AttributeId,
    kind: AttributeType,
    /// Where its value stands among those of an element.
    place: usize,
}

/// The statistics of a selection.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The groups, in the order of their keys, null last.
    pub groups: Vec<Group>,
    /// The attributes that made them.
    pub group_by: Vec<AttributeId>,
    /// The attributes that were summed up.
    pub attributes: Vec<AttributeId>,
    /// The revision of the layer's data that they were taken at.
    pub revision: DataRevision,
}

/// The elements of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The values that they share, in the order of the attributes that make the groups. Null makes a group as well.
    pub keys: Vec<Value>,
    /// How many there are.
    pub count: u64,
    /// The smallest box around them, in the layer's reference system; `None` without elements, or when not asked for.
    pub extent: Option<Bounds>,
    /// One for each attribute that was asked for, in that order.
    pub attributes: Vec<AttributeStatistics>,
}

/// What the values of an attribute have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeStatistics {
    /// How many elements have a value.
    pub count: u64,
    /// The least value; `None` without values, and for booleans and bytes, which have no least.
    pub least: Option<Value>,
    /// The greatest value, likewise.
    pub greatest: Option<Value>,
    /// Sum, mean and deviation; `None` without values, for values other than numbers, and for doubles of which one is
    /// beyond [`GREATEST_SUMMED`].
    pub moments: Option<Moments>,
    /// The distinct values; `None` when not asked for.
    pub distinct: Option<Distinct>,
}

/// The distinct values of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    /// All of them, ascending, each with the number of elements that have it. Null is none of them.
    Values(Vec<(Value, u64)>),
    /// There are more than were wanted.
    TooMany,
}

impl StatisticsInput {
    /// Whether the answer tells values of many elements one by one, as a read does.
    #[must_use]
    pub const fn lists_values(&self) -> bool {
        !self.group_by.is_empty() || self.distinct.is_some()
    }

    /// Checks the question against the layer's definition. The tally takes no more elements than the maximum.
    ///
    /// # Errors
    /// [`StatisticsFault`], for the first thing that is wrong.
    pub fn check(
        self,
        definition: &LayerDefinition,
        maximum: Option<NonZeroU64>,
    ) -> Result<(CheckedQuery, Tally), StatisticsFault> {
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(StatisticsFault::TooManyAttributes);
        }
        if self.group_by.len() > MAX_GROUP_KEYS {
            return Err(StatisticsFault::TooManyGroupKeys);
        }
        let keys = find(&self.group_by, definition).map_err(|fault| match fault {
            Fault::Unknown(name) => StatisticsFault::UnknownGroupKey(name),
            Fault::Repeated(name) => StatisticsFault::RepeatedGroupKey(name),
        })?;
        let summed = find(&self.attributes, definition).map_err(|fault| match fault {
            Fault::Unknown(name) => StatisticsFault::UnknownAttribute(name),
            Fault::Repeated(name) => StatisticsFault::RepeatedAttribute(name),
        })?;
        let keys: Vec<AttributeId> = keys.iter().map(|key| key.id).collect();
        let mut read = keys.clone();
        let summed = summed.into_iter().map(|attribute| {
            let known = read.iter().position(|id| *id == attribute.id);
            let place = known.unwrap_or_else(|| {
                read.push(attribute.id);
                read.len() - 1
            });
            Summed {
                attribute: attribute.id,
                kind: attribute.kind,
                place,
            }
        });
        let layout = Layout {
            summed: summed.collect(),
            keys,
            distinct: self.distinct,
        };
        let query = QueryInput {
            layer: self.layer,
            selection: self.selection,
            output: OutputInput {
                geometry: self.extent,
                attributes: Some(read.into_iter().map(AttributeRef::Id).collect()),
                ..OutputInput::default()
            },
            maximum: None,
        };
        Ok((query.check(definition)?, Tally::new(layout, maximum)))
    }
}

enum Fault {
    Unknown(String),
    Repeated(String),
}

fn find<'d>(
    wanted: &[AttributeRef],
    definition: &'d LayerDefinition,
) -> Result<Vec<&'d AttributeDefinition>, Fault> {
    let mut found: Vec<&AttributeDefinition> = Vec::with_capacity(wanted.len());
    for attribute in wanted {
        let Some((_, known)) = attribute.find(definition) else {
            return Err(Fault::Unknown(attribute.to_string()));
        };
        if found.iter().any(|other| other.id == known.id) {
            return Err(Fault::Repeated(attribute.to_string()));
        }
        found.push(known);
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
