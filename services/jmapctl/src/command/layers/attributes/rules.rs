//! What values must satisfy, as the command line says it.

use clap::Args;
use jmap_proto::{
    layerdata::ConstrainAttribute,
    types::{AllowedValue, AttributeConstraints, AttributeDefinition, AttributeType, Value},
};

use crate::{
    attribute::make_unique,
    error::Failure,
    value::{null, parse},
};

/// What values must satisfy; what is not said stays.
#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Rules {
    /// Refuse elements without a value
    #[arg(long, conflicts_with = "optional")]
    required: bool,
    /// Take elements without a value
    #[arg(long)]
    optional: bool,
    /// Let clients not set it
    #[arg(long, conflicts_with = "writable")]
    read_only: bool,
    /// Let clients set it
    #[arg(long)]
    writable: bool,
    /// The value of elements that are created without one
    #[arg(
        long,
        value_name = "VALUE",
        conflicts_with = "no_default",
        allow_hyphen_values = true
    )]
    default: Option<String>,
    /// No value for elements that are created without one
    #[arg(long)]
    no_default: bool,
    /// The least value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    min: Option<String>,
    /// The greatest value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    max: Option<String>,
    /// The least number of characters or bytes
    #[arg(long, value_name = "COUNT")]
    min_length: Option<i32>,
    /// The greatest number of characters or bytes
    #[arg(long, value_name = "COUNT")]
    max_length: Option<i32>,
    /// A value that is allowed, and only those; may be repeated
    #[arg(long = "allow", value_name = "VALUE", allow_hyphen_values = true)]
    allowed: Vec<String>,
    /// Let no two elements have the same value; strings then have at most 500 characters
    #[arg(long, conflicts_with = "not_unique")]
    unique: bool,
    /// Let elements share values
    #[arg(long)]
    not_unique: bool,
    /// First lift every limit there is on length, range and values
    #[arg(long)]
    any: bool,
}

impl Rules {
    /// The change of an attribute that is known. Limits that are not mentioned stay, so all are sent.
    pub(super) fn of(&self, known: &AttributeDefinition) -> Result<ConstrainAttribute, Failure> {
        let kind = known.r#type();
        let default_value = match &self.default {
            Some(text) => Some(read(kind, text)?),
            None => self.no_default.then(null),
        };
        let switch = |on: bool, off: bool| (on || off).then_some(on);
        Ok(ConstrainAttribute {
            attribute_id: known.attribute_id,
            required: switch(self.required, self.optional),
            read_only: switch(self.read_only, self.writable),
            default_value,
            constraints: self.constraints(known)?,
        })
    }

    fn constraints(
        &self,
        known: &AttributeDefinition,
    ) -> Result<Option<AttributeConstraints>, Failure> {
        let kind = known.r#type();
        let limit =
            |text: &Option<String>| text.as_deref().map(|text| read(kind, text)).transpose();
        let before = match (&known.constraints, self.any) {
            (Some(constraints), false) => constraints.clone(),
            (None, _) | (Some(_), true) => AttributeConstraints::default(),
        };
        let mut new = AttributeConstraints {
            min_length: self.min_length.or(before.min_length),
            max_length: self.max_length.or(before.max_length),
            min_value: limit(&self.min)?.or(before.min_value),
            max_value: limit(&self.max)?.or(before.max_value),
            allowed_values: match self.allowed.as_slice() {
                [] => before.allowed_values,
                allowed => allowed_values(kind, allowed)?,
            },
            unique: before.unique && !self.not_unique,
        };
        if self.unique {
            make_unique(kind, &mut new);
        }
        let old = known.constraints.clone().unwrap_or_default();
        Ok((new != old).then_some(new))
    }
}

fn allowed_values(kind: AttributeType, texts: &[String]) -> Result<Vec<AllowedValue>, Failure> {
    let allowed = |text: &String| {
        Ok(AllowedValue {
            value: Some(read(kind, text)?),
            label: String::new(),
        })
    };
    texts.iter().map(allowed).collect()
}

fn read(kind: AttributeType, text: &str) -> Result<Value, Failure> {
    parse(kind, text).map_err(Failure::usage)
}
