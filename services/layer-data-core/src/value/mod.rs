//! Attribute values: what a value of each type may be, alike on every engine (R104, R115).

mod time;
mod widening;

use std::{
    cmp::Ordering,
    fmt::{self, Write},
};

use jmap_domain::fold;

pub use time::{Date, DateTime};
pub use widening::MAX_EXACT;

/// The type of an attribute's values (R104).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AttributeType {
    /// Unicode text without U+0000.
    String,
    /// A signed 64-bit integer.
    Integer,
    /// A finite double-precision number.
    Double,
    /// True or false.
    Boolean,
    /// A calendar day, years 0001 to 9999.
    Date,
    /// An instant in UTC with milliseconds, years 0001 to 9999.
    DateTime,
    /// Bytes.
    Binary,
}

impl AttributeType {
    /// All seven, in the order of the contract.
    pub const ALL: [Self; 7] = [
        Self::String,
        Self::Integer,
        Self::Double,
        Self::Boolean,
        Self::Date,
        Self::DateTime,
        Self::Binary,
    ];

    /// The word that people and stored definitions use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Binary => "binary",
        }
    }

    /// The type that a word stands for; `None` for an unknown word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether values have a smaller and a greater, so that ranges make sense.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        match self {
            Self::String | Self::Integer | Self::Double | Self::Date | Self::DateTime => true,
            Self::Boolean | Self::Binary => false,
        }
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why something is not a value of any layer (R115).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// A text with the character U+0000.
    #[error("a text must not contain the character U+0000")]
    NulCharacter,
    /// A double that is infinite or not a number.
    #[error("a number must be finite")]
    NotFinite,
    /// A day or an instant outside the years 0001 to 9999.
    #[error("a date must be within the years 0001 to 9999")]
    YearOutOfRange,
    /// A text that is not a day such as `2024-02-29`.
    #[error("a date looks like `2024-02-29`")]
    NotADate,
    /// A text that is not an instant such as `2024-02-29T12:30:00Z`.
    #[error("a datetime looks like `2024-02-29T12:30:00Z`")]
    NotADateTime,
}

/// Unicode text without U+0000 (R115).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(String);

impl Text {
    /// Takes a text.
    ///
    /// # Errors
    /// [`ValueError::NulCharacter`].
    pub fn new(text: impl Into<String>) -> Result<Self, ValueError> {
        let text = text.into();
        if text.contains('\0') {
            Err(ValueError::NulCharacter)
        } else {
            Ok(Self(text))
        }
    }

    /// The text by which it is compared when case is ignored (R115).
    #[must_use]
    pub fn folded(&self) -> Self {
        // Folding makes letters of letters, never U+0000.
        Self(fold(&self.0))
    }

    /// The text, no more than so many characters of it.
    #[must_use]
    pub fn cut(&self, length: usize) -> Self {
        Self(self.0.chars().take(length).collect())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A finite double (R115). Minus zero becomes zero, because not every engine keeps it apart.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Finite(f64);

impl Finite {
    /// Takes a number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`].
    pub const fn new(number: f64) -> Result<Self, ValueError> {
        if number.is_finite() {
            Ok(Self(number + 0.0))
        } else {
            Err(ValueError::NotFinite)
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A value of an attribute. Null is distinct from an empty text and from empty bytes (R104).
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// A text.
    String(Text),
    /// An integer.
    Integer(i64),
    /// A finite number.
    Double(Finite),
    /// True or false.
    Boolean(bool),
    /// A day.
    Date(Date),
    /// An instant.
    DateTime(DateTime),
    /// Bytes.
    Binary(Vec<u8>),
}

impl Value {
    /// A text value.
    ///
    /// # Errors
    /// [`ValueError::NulCharacter`].
    pub fn text(text: impl Into<String>) -> Result<Self, ValueError> {
        Text::new(text).map(Self::String)
    }

    /// A number.
    ///
    /// # Errors
    /// [`ValueError::NotFinite`].
    pub fn double(number: f64) -> Result<Self, ValueError> {
        Finite::new(number).map(Self::Double)
    }

    /// The type that the value has; `None` for null, which every type has.
    #[must_use]
    pub const fn kind(&self) -> Option<AttributeType> {
        match self {
            Self::Null => None,
            Self::String(_) => Some(AttributeType::String),
            Self::Integer(_) => Some(AttributeType::Integer),
            Self::Double(_) => Some(AttributeType::Double),
            Self::Boolean(_) => Some(AttributeType::Boolean),
            Self::Date(_) => Some(AttributeType::Date),
            Self::DateTime(_) => Some(AttributeType::DateTime),
            Self::Binary(_) => Some(AttributeType::Binary),
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        self.kind().is_none()
    }

    /// How two values of the same type compare, text by code point (R115); `None` when either is null or the
    /// types differ.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            (Self::Integer(a), Self::Integer(b)) => Some(a.cmp(b)),
            (Self::Double(a), Self::Double(b)) => a.partial_cmp(b),
            (Self::Boolean(a), Self::Boolean(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::DateTime(a), Self::DateTime(b)) => Some(a.cmp(b)),
            (Self::Binary(a), Self::Binary(b)) => Some(a.cmp(b)),
            _ => None,
        }
    }

    /// How two values of the same type are ordered: a null comes after all others.
    #[must_use]
    pub fn compare_nulls_last(&self, other: &Self) -> Ordering {
        self.compare(other)
            .unwrap_or_else(|| self.is_null().cmp(&other.is_null()))
    }

    /// The value, of a text no more than so many characters and of bytes no more than so many.
    #[must_use]
    pub fn cut(&self, length: usize) -> Self {
        match self {
            Self::String(text) => Self::String(text.cut(length)),
            Self::Binary(bytes) => Self::Binary(bytes.iter().copied().take(length).collect()),
            Self::Null
            | Self::Integer(_)
            | Self::Double(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::DateTime(_) => self.clone(),
        }
    }

    /// Roughly how many bytes the value takes, for limits on memory.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::String(text) => text.as_str().len(),
            Self::Binary(bytes) => bytes.len(),
            Self::Null
            | Self::Integer(_)
            | Self::Double(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::DateTime(_) => 8,
        }
    }
}

/// Bytes as hexadecimal digits, in which SQL writes them.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        // Writing into a text does not fail.
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests;
