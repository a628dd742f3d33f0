//! Whose values go where in a copy.

use jmap_domain::AttributeId;

use crate::{
    definition::{AttributeDefinition, LayerDefinition},
    element::{AttributeRef, ValueSource},
    value::AttributeType,
};

/// Whose values go where, as it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapping {
    /// To the attribute of the same name, where there is one.
    ByName,
    /// From the first of each pair to the second, and no others.
    Given(Vec<(AttributeRef, AttributeRef)>),
}

/// The values of one attribute go to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The attribute of the layer that is copied from.
    pub source: AttributeId,
    /// The attribute of the layer that is copied to.
    pub target: AttributeId,
}

/// Why values do not go from the one layer to the other like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MappingFault {
    /// An attribute that the source does not have.
    #[error("attribute `{0}` does not exist in the layer that is copied from")]
    UnknownSource(String),
    /// An attribute that the target does not have.
    #[error("attribute `{0}` does not exist in the layer that is copied to")]
    UnknownTarget(String),
    /// An attribute of the target that is to get the values of two.
    #[error("attribute `{0}` is to get the values of two attributes")]
    RepeatedTarget(String),
    /// Attributes of different types, of which the target's is not the wider one.
    #[error("attribute `{name}` takes {expected} values, and would get {found} values")]
    WrongType {
        /// The attribute of the target.
        name: String,
        /// Its type.
        expected: AttributeType,
        /// That of the source's attribute.
        found: AttributeType,
    },
    /// A read-only attribute, for a caller who may not set it (R105).
    #[error("attribute `{0}` is read-only")]
    ReadOnly(String),
    /// A required attribute without default that gets no values (R105).
    #[error("attribute `{0}` is required, and would get no value")]
    Unfilled(String),
}

impl MappingFault {
    /// The attribute that it is about.
    #[must_use]
    pub fn attribute(&self) -> &str {
        match self {
            Self::UnknownSource(name)
            | Self::UnknownTarget(name)
            | Self::RepeatedTarget(name)
            | Self::ReadOnly(name)
            | Self::Unfilled(name)
            | Self::WrongType {
                name,
                expected: _,
                found: _,
            } => name,
        }
    }
}

/// The attributes that values are read of, each once.
pub(super) fn sources(pairs: &[Pair]) -> Vec<AttributeId> {
    let mut sources = Vec::with_capacity(pairs.len());
    for pair in pairs {
        if !sources.contains(&pair.source) {
            sources.push(pair.source);
        }
    }
    sources
}

impl Mapping {
    /// Checks the mapping between two layers; answers the pairs, and the names of the source's attributes whose values
    /// go nowhere.
    pub(super) fn resolve(
        &self,
        (from, to): (&LayerDefinition, &LayerDefinition),
        setter: ValueSource,
    ) -> Result<(Vec<Pair>, Vec<String>), MappingFault> {
        let found = match self {
            Self::ByName => by_name(from, to),
            Self::Given(pairs) => pairs
                .iter()
                .map(|pair| given(pair, (from, to)))
                .collect::<Result<_, _>>()?,
        };
        let mut pairs: Vec<Pair> = Vec::with_capacity(found.len());
        for (source, target) in found {
            fit(source, target, setter)?;
            if pairs.iter().any(|pair| pair.target == target.id) {
                return Err(MappingFault::RepeatedTarget(target.name.to_string()));
            }
            pairs.push(Pair {
                source: source.id,
                target: target.id,
            });
        }
        let is_filled = |target: &&AttributeDefinition| {
            !target.default.is_null() || pairs.iter().any(|pair| pair.target == target.id)
        };
        let mut required = to.attributes().iter().filter(|target| target.required);
        if let Some(empty) = required.find(|target| !is_filled(target)) {
            return Err(MappingFault::Unfilled(empty.name.to_string()));
        }
        let is_ignored =
            |source: &&AttributeDefinition| pairs.iter().all(|pair| pair.source != source.id);
        let ignored = from.attributes().iter().filter(is_ignored);
        let ignored = ignored.map(|source| source.name.to_string()).collect();
        Ok((pairs, ignored))
    }
}

type Found<'a> = (&'a AttributeDefinition, &'a AttributeDefinition);

fn by_name<'a>(from: &'a LayerDefinition, to: &'a LayerDefinition) -> Vec<Found<'a>> {
    let pair = |source: &'a AttributeDefinition| {
        let named = |target: &&AttributeDefinition| target.name == source.name;
        Some((source, to.attributes().iter().find(named)?))
    };
    from.attributes().iter().filter_map(pair).collect()
}

fn given<'a>(
    (source, target): &(AttributeRef, AttributeRef),
    (from, to): (&'a LayerDefinition, &'a LayerDefinition),
) -> Result<Found<'a>, MappingFault> {
    let source_found = source.find(from).map(|(_, found)| found);
    let target_found = target.find(to).map(|(_, found)| found);
    Ok((
        source_found.ok_or_else(|| MappingFault::UnknownSource(source.to_string()))?,
        target_found.ok_or_else(|| MappingFault::UnknownTarget(target.to_string()))?,
    ))
}

fn fit(
    source: &AttributeDefinition,
    target: &AttributeDefinition,
    setter: ValueSource,
) -> Result<(), MappingFault> {
    let name = target.name.to_string();
    if source.kind != target.kind && !source.kind.widens_to(target.kind) {
        return Err(MappingFault::WrongType {
            name,
            expected: target.kind,
            found: source.kind,
        });
    }
    if target.read_only && setter == ValueSource::Client {
        return Err(MappingFault::ReadOnly(name));
    }
    Ok(())
}
