//! Names of attributes, which are the names of columns as well (R64).

use std::fmt;

use jmap_domain::{fold, normalize};

/// Most bytes of an attribute's name in UTF-8: what PostgreSQL keeps of a column's name (R64).
const MAX_NAME_BYTES: usize = 63;

/// Names that storage engines use themselves (R64).
const RESERVED: [&str; 10] = [
    "fid", "geom", "rowid", "oid", "tableoid", "ctid", "xmin", "xmax", "cmin", "cmax",
];

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
