//! One attribute: its name, its constraints, and whether a value satisfies them (R64, R105).

use std::{cmp::Ordering, collections::HashSet, fmt};

use jmap_domain::{AttributeId, fold, normalize};

use super::DefinitionError;
use crate::value::{AttributeType, Value};

/// Most bytes of an attribute's name in UTF-8: what PostgreSQL keeps of a column's name (R64).
const MAX_NAME_BYTES: usize = 63;

/// Names that storage engines use themselves (R64).
const RESERVED: [&str; 10] = [
    "fid", "geom", "rowid", "oid", "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax",
];

/// Most bytes of a label, a description, an input hint or a label of an allowed value.
const MAX_TEXT_BYTES: usize = 4096;

/// Most values that an attribute may be limited to.
const MAX_ALLOWED_VALUES: usize = 10_000;

/// An attribute's name: NFC, 1 to 63 bytes of UTF-8, without control characters, not reserved (R64). It is also
/// the name of the column, so stores quote it. Uniqueness is by [`AttributeName::key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AttributeName(String);

/// Why a text is not an attribute's name (R64).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// No character at all.
    #[error("a name needs at least one character")]
    Empty,
    /// More than 63 bytes of UTF-8.
    #[error("the name `{0}` has more than {MAX_NAME_BYTES} bytes")]
    TooLong(String),
    /// A control character, such as a line break.
    #[error("a name has no control characters")]
    ControlCharacter,
    /// Used by storage engines, or beginning with `_`.
    #[error("the name `{0}` is reserved")]
    Reserved(String),
}

impl AttributeName {
    /// Normalises a text to NFC and checks it.
    ///
    /// # Errors
    /// [`NameFault`].
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let name = Self(normalize(text));
        if name.0.chars().any(char::is_control) {
            return Err(NameFault::ControlCharacter);
        }
        match name.0.len() {
            0 => Err(NameFault::Empty),
            1..=MAX_NAME_BYTES if name.is_reserved() => Err(NameFault::Reserved(name.0)),
            1..=MAX_NAME_BYTES => Ok(name),
            _ => Err(NameFault::TooLong(name.0)),
        }
    }

    /// The name as its giver wrote it, normalised.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key that is unique in the layer: case-folded, then normalised again (R64).
    #[must_use]
    pub fn key(&self) -> String {
        Self::key_of(&self.0)
    }

    /// The key that a name would have.
    #[must_use]
    pub fn key_of(name: &str) -> String {
        normalize(&fold(&normalize(name)))
    }

    fn is_reserved(&self) -> bool {
        self.0.starts_with('_') || RESERVED.contains(&self.key().as_str())
    }
}

impl fmt::Display for AttributeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

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
}

/// A value that an attribute may have.
#[derive(Clone, Debug, PartialEq)]
pub struct AllowedValue {
    /// The value.
    pub value: Value,
    /// What people read instead of it; empty means the value itself.
    pub label: String,
}

/// What a call asks an attribute to be, not yet checked.
#[derive(Clone, Debug)]
pub struct AttributeDraft {
    /// The name (R64).
    pub name: String,
    /// What people read instead of the name; empty means the name.
    pub label: String,
    /// What the attribute means.
    pub description: String,
    /// The type of its values.
    pub kind: AttributeType,
    /// The value of elements that are created without one.
    pub default: Value,
    /// Whether null is refused.
    pub required: bool,
    /// Whether clients may not set it.
    pub read_only: bool,
    /// What values must satisfy.
    pub constraints: AttributeConstraints,
    /// How a form should ask for it; not enforced.
    pub input_hint: String,
}

/// An attribute of a layer. Its position is its place in [`super::LayerDefinition::attributes`].
#[derive(Clone, Debug, PartialEq)]
pub struct AttributeDefinition {
    /// Its id, never reused; renames keep it (R114).
    pub id: AttributeId,
    /// Its name, and the column's.
    pub name: AttributeName,
    /// What people read instead of the name; empty means the name.
    pub label: String,
    /// What the attribute means.
    pub description: String,
    /// The type of its values.
    pub kind: AttributeType,
    /// The value of elements that are created without one; it satisfies the constraints.
    pub default: Value,
    /// Whether null is refused.
    pub required: bool,
    /// Whether clients may not set it. Defaults and administrators' imports may (R105).
    pub read_only: bool,
    /// What values must satisfy.
    pub constraints: AttributeConstraints,
    /// How a form should ask for it; not enforced.
    pub input_hint: String,
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

impl AttributeDefinition {
    /// Whether a value is one of this attribute's (R105). Read-only is the caller's business, because defaults
    /// and administrators' imports may set such attributes.
    ///
    /// # Errors
    /// [`ValueFault`].
    pub fn check(&self, value: &Value) -> Result<(), ValueFault> {
        let Some(found) = value.kind() else {
            return if self.required {
                Err(ValueFault::Required)
            } else {
                Ok(())
            };
        };
        if found != self.kind {
            return Err(ValueFault::WrongType {
                expected: self.kind,
                found,
            });
        }
        self.constraints.check(value)
    }
}

impl AttributeConstraints {
    fn check(&self, value: &Value) -> Result<(), ValueFault> {
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
    fn fit(&self, kind: AttributeType) -> Result<(), ConstraintError> {
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
        self.fit_together()
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

impl AttributeDraft {
    /// Checks the draft; `keys` holds the names that other attributes of the layer have taken.
    pub(super) fn define(
        self,
        id: AttributeId,
        index: usize,
        keys: &mut HashSet<String>,
    ) -> Result<AttributeDefinition, DefinitionError> {
        let name = AttributeName::parse(&self.name)
            .map_err(|fault| DefinitionError::Name { index, fault })?;
        if !keys.insert(name.key()) {
            return Err(DefinitionError::DuplicateName {
                index,
                name: name.0,
            });
        }
        let definition = AttributeDefinition {
            id,
            name,
            label: self.label,
            description: self.description,
            kind: self.kind,
            default: self.default,
            required: self.required,
            read_only: self.read_only,
            constraints: self.constraints,
            input_hint: self.input_hint,
        };
        match definition.consistent() {
            Ok(()) => Ok(definition),
            Err(fault) => Err(DefinitionError::Constraint {
                index,
                name: definition.name.0,
                fault,
            }),
        }
    }
}

impl AttributeDefinition {
    fn consistent(&self) -> Result<(), ConstraintError> {
        let labels = self
            .constraints
            .allowed
            .iter()
            .map(|allowed| &allowed.label);
        let mut texts = [&self.label, &self.description, &self.input_hint]
            .into_iter()
            .chain(labels);
        if texts.any(|text| text.len() > MAX_TEXT_BYTES) {
            return Err(ConstraintError::TextTooLong);
        }
        self.constraints.fit(self.kind)?;
        if !self.default.is_null() {
            return self.check(&self.default).map_err(ConstraintError::Default);
        }
        // A required attribute without default is filled in by whoever creates the element, if it can be.
        if self.required && self.read_only {
            Err(ConstraintError::NeverSet)
        } else {
            Ok(())
        }
    }
}
