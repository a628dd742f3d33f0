//! What the values of an attribute must satisfy (R105).

use std::{cmp::Ordering, collections::HashSet};

use crate::value::{AttributeType, Value};

/// Most bytes of a label, a description, an input hint or a label of an allowed value.
pub(super) const MAX_TEXT_BYTES: usize = 4096;

/// Most values that an attribute may be limited to.
const MAX_ALLOWED_VALUES: usize = 10_000;

/// Most characters of a unique string: as many bytes as they may have fit into an index of every engine.
pub const MAX_UNIQUE_LENGTH: u32 = 500;

/// What the values of an attribute must satisfy; null satisfies all of it (R105).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeConstraints {
    /// The least number of characters (string) or bytes (binary).
    pub min_length: Option<u32>,
    /// The greatest number of characters (string) or bytes (binary).
    pub max_length: Option<u32>,
    /// The least value: integer, double, date or datetime.
    pub min_value: Option<Value>,
    /// The greatest value: integer, double, date or datetime.
    pub max_value: Option<Value>,
    /// The only values allowed; empty means any.
    pub allowed: Vec<AllowedValue>,
    /// Whether no two elements of the layer may have the same value: strings of a limited length, integers, dates and
    /// datetimes.
    pub unique: bool,
}

/// A value that an attribute may have.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedValue {
    /// The value.
    pub value: Value,
    /// What people read instead of it; empty means the value itself.
    pub label: String,
}

/// Why constraints cannot stand.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConstraintError {
    /// A length limit on a type without length.
    #[error("only strings and binaries have a length")]
    LengthOfOtherType,
    /// A range on a type without order, or on strings.
    #[error("only integers, doubles, dates and datetimes have a range")]
    RangeOfOtherType,
    /// A bound or an allowed value that is null or of another type.
    #[error("bounds and allowed values must be of the attribute's type")]
    WrongType,
    /// A least length or value above the greatest.
    #[error("the least is above the greatest")]
    EmptyRange,
    /// The same allowed value twice.
    #[error("an allowed value is listed twice")]
    DuplicateAllowedValue,
    /// More allowed values than the server keeps.
    #[error("at most {MAX_ALLOWED_VALUES} allowed values")]
    TooManyAllowedValues,
    /// A label, description or hint that is too long.
    #[error("labels, descriptions and hints have at most {MAX_TEXT_BYTES} bytes")]
    TextTooLong,
    /// Uniqueness of a type of which values are not told apart, or too few.
    #[error("only strings, integers, dates and datetimes can be unique")]
    UniqueOfOtherType,
    /// Unique strings without a limit.
    #[error("a unique string needs a greatest length of at most {MAX_UNIQUE_LENGTH}")]
    UniqueTooLong,
    /// A default of a unique attribute, which only one element could have.
    #[error("a unique attribute has no default")]
    UniqueDefault,
    /// The default does not satisfy the constraints.
    #[error("the default: {0}")]
    Default(ValueFault),
    /// Clients cannot set it, and it must have a value, and no default gives one.
    #[error("a required read-only attribute needs a default")]
    NeverSet,
}

/// Why a value is not one of an attribute (R105).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// A value of another type.
    #[error("is {found}, must be {expected}")]
    WrongType {
        /// The attribute's type.
        expected: AttributeType,
        /// The value's type.
        found: AttributeType,
    },
    /// Null, where a value is required.
    #[error("is required")]
    Required,
    /// Clients cannot set it.
    #[error("is read-only")]
    ReadOnly,
    /// Fewer characters or bytes than allowed.
    #[error("has length {length}, must have at least {limit}")]
    TooShort {
        /// Its characters or bytes.
        length: usize,
        /// The least allowed.
        limit: u32,
    },
    /// More characters or bytes than allowed.
    #[error("has length {length}, must have at most {limit}")]
    TooLong {
        /// Its characters or bytes.
        length: usize,
        /// The greatest allowed.
        limit: u32,
    },
    /// Below the least value.
    #[error("is below the least value allowed")]
    BelowRange,
    /// Above the greatest value.
    #[error("is above the greatest value allowed")]
    AboveRange,
    /// Not among the allowed values.
    #[error("is not among the allowed values")]
    NotAllowed,
}

impl AttributeConstraints {
    /// Whether a value of the attribute's type satisfies the constraints.
    pub(super) fn check(&self, value: &Value) -> Result<(), ValueFault> {
        self.check_length(value)?;
        if let Some(least) = &self.min_value
            && value.compare(least) == Some(Ordering::Less)
        {
            return Err(ValueFault::BelowRange);
        }
        if let Some(greatest) = &self.max_value
            && value.compare(greatest) == Some(Ordering::Greater)
        {
            return Err(ValueFault::AboveRange);
        }
        if self.allowed.is_empty() || self.allowed.iter().any(|allowed| allowed.value == *value) {
            Ok(())
        } else {
            Err(ValueFault::NotAllowed)
        }
    }

    fn check_length(&self, value: &Value) -> Result<(), ValueFault> {
        let Some(length) = length_of(value) else {
            return Ok(());
        };
        let beyond = |limit: u32| usize::try_from(limit).ok();
        if let Some(limit) = self.min_length
            && beyond(limit).is_some_and(|least| length < least)
        {
            return Err(ValueFault::TooShort { length, limit });
        }
        if let Some(limit) = self.max_length
            && beyond(limit).is_some_and(|greatest| length > greatest)
        {
            return Err(ValueFault::TooLong { length, limit });
        }
        Ok(())
    }

    /// Whether the constraints make sense for a type.
    pub(super) fn fit(&self, kind: AttributeType) -> Result<(), ConstraintError> {
        let has_length = matches!(kind, AttributeType::String | AttributeType::Binary);
        if !has_length && (self.min_length.is_some() || self.max_length.is_some()) {
            return Err(ConstraintError::LengthOfOtherType);
        }
        let has_range = kind.is_ordered() && !has_length;
        if !has_range && (self.min_value.is_some() || self.max_value.is_some()) {
            return Err(ConstraintError::RangeOfOtherType);
        }
        if self.allowed.len() > MAX_ALLOWED_VALUES {
            return Err(ConstraintError::TooManyAllowedValues);
        }
        if self.values().any(|value| value.kind() != Some(kind)) {
            return Err(ConstraintError::WrongType);
        }
        if self.unique {
            self.fit_index(kind)?;
        }
        self.fit_together()
    }

    /// Whether the values of a unique attribute of a type can be told apart, and fit into an index.
    fn fit_index(&self, kind: AttributeType) -> Result<(), ConstraintError> {
        match kind {
            AttributeType::Integer | AttributeType::Date | AttributeType::DateTime => Ok(()),
            AttributeType::String => match self.max_length {
                Some(..=MAX_UNIQUE_LENGTH) => Ok(()),
                Some(_) | None => Err(ConstraintError::UniqueTooLong),
            },
            AttributeType::Double | AttributeType::Boolean | AttributeType::Binary => {
                Err(ConstraintError::UniqueOfOtherType)
            }
        }
    }

    fn fit_together(&self) -> Result<(), ConstraintError> {
        let lengths = self
            .min_length
            .zip(self.max_length)
            .is_some_and(|(least, most)| least > most);
        let values = self.min_value.as_ref().zip(self.max_value.as_ref());
        if lengths
            || values.is_some_and(|(least, most)| least.compare(most) == Some(Ordering::Greater))
        {
            return Err(ConstraintError::EmptyRange);
        }
        let mut seen = HashSet::new();
        // The text of a value is as distinct as the value: all of them have the same type.
        if self
            .allowed
            .iter()
            .all(|allowed| seen.insert(format!("{:?}", allowed.value)))
        {
            Ok(())
        } else {
            Err(ConstraintError::DuplicateAllowedValue)
        }
    }

    /// The same of a wider type; `None` where a bound or an allowed value is none of it.
    pub(super) fn widened(&self, to: AttributeType) -> Option<Self> {
        let bound = |bound: &Option<Value>| match bound {
            Some(value) => value.widened(to).map(Some),
            None => Some(None),
        };
        let allowed = self.allowed.iter().map(|allowed| {
            let value = allowed.value.widened(to)?;
            let label = allowed.label.clone();
            Some(AllowedValue { value, label })
        });
        Some(Self {
            min_value: bound(&self.min_value)?,
            max_value: bound(&self.max_value)?,
            allowed: allowed.collect::<Option<_>>()?,
            ..*self
        })
    }

    fn values(&self) -> impl Iterator<Item = &Value> {
        let bounds = self.min_value.iter().chain(&self.max_value);
        bounds.chain(self.allowed.iter().map(|allowed| &allowed.value))
    }
}

fn length_of(value: &Value) -> Option<usize> {
    match value {
        Value::String(text) => Some(text.as_str().chars().count()),
        Value::Binary(bytes) => Some(bytes.len()),
        Value::Null
        | Value::Integer(_)
        | Value::Double(_)
        | Value::Boolean(_)
        | Value::Date(_)
        | Value::DateTime(_) => None,
    }
}
