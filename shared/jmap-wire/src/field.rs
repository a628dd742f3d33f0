//! Field paths, and the parsers of single fields.

use std::fmt;

use jmap_domain::IdError;
use smallvec::SmallVec;
use tonic_types::FieldViolation as StatusViolation;

/// The path of a field in a request, such as `edits[3].create.geometry`. It costs next to nothing until it is shown,
/// because most fields are what they must be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct FieldPath(SmallVec<[Step; 4]>);

impl Clone for FieldPath {
    // What is derived would copy step by step.
    fn clone(&self) -> Self {
        Self(SmallVec::from_slice(&self.0))
    }
}

/// One step of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Field(&'static str),
    Item(usize),
}

impl FieldPath {
    /// The path of a field of the request itself.
    #[must_use]
    pub fn of(name: &'static str) -> Self {
        Self::default().field(name)
    }

    /// The path of a field of the message at this path.
    #[must_use]
    pub fn field(&self, name: &'static str) -> Self {
        self.then(Step::Field(name))
    }

    /// The path of an item of the list at this path, counted from 0.
    #[must_use]
    pub fn item(&self, index: usize) -> Self {
        self.then(Step::Item(index))
    }

    fn then(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }

    /// The violation of what the field must satisfy.
    #[must_use]
    pub fn violates(self, violation: Violation) -> FieldViolation {
        FieldViolation {
            path: self,
            violation,
        }
    }

    /// A violation that a parser of the value has put into words.
    #[must_use]
    pub fn invalid(self, why: impl fmt::Display) -> FieldViolation {
        self.violates(Violation::Invalid(why.to_string()))
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Field(name) if place == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Item(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl From<&'static str> for FieldPath {
    fn from(name: &'static str) -> Self {
        Self::of(name)
    }
}

/// The path itself, needed only when something is wrong with the field.
impl From<&Self> for FieldPath {
    fn from(path: &Self) -> Self {
        path.clone()
    }
}

/// A field of the message at a path, needed only when something is wrong with it.
impl From<(&Self, &'static str)> for FieldPath {
    fn from((path, name): (&Self, &'static str)) -> Self {
        path.field(name)
    }
}

/// A field of a message in the request, needed only when something is wrong with it.
impl From<[&'static str; 2]> for FieldPath {
    fn from([message, name]: [&'static str; 2]) -> Self {
        Self::of(message).field(name)
    }
}

/// A field of a message in the message at a path, needed only when something is wrong with it.
impl From<(&Self, [&'static str; 2])> for FieldPath {
    fn from((path, [message, name]): (&Self, [&'static str; 2])) -> Self {
        path.field(message).field(name)
    }
}

/// A field that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}`: {violation}")]
pub struct FieldViolation {
    /// The field.
    pub path: FieldPath,
    /// What is wrong with it.
    pub violation: Violation,
}

impl From<FieldViolation> for StatusViolation {
    fn from(violation: FieldViolation) -> Self {
        Self::new(violation.path.to_string(), violation.violation.to_string())
    }
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// The field is required and not set.
    #[error("is required")]
    Missing,
    /// The number is not an id.
    #[error("{0}")]
    NotAnId(IdError),
    /// The number stands for no value of the enum, or for the unspecified one.
    #[error("`{0}` is not one of the values of the contract")]
    UnknownEnumValue(i32),
    /// The list is too long.
    #[error("has more than {maximum} items")]
    TooMany {
        /// The most items allowed.
        maximum: usize,
    },
    /// The field is in the contract and not built yet.
    #[error("is not built yet")]
    NotBuilt,
    /// A parser's own words.
    #[error("{0}")]
    Invalid(String),
}

/// Parses a required id.
///
/// # Errors
/// A violation at the path when the number is not an id.
pub fn id<T: TryFrom<i64, Error = IdError>>(
    path: impl Into<FieldPath>,
    value: i64,
) -> Result<T, FieldViolation> {
    match value {
        0 => Err(path.into().violates(Violation::Missing)),
        _ => T::try_from(value).map_err(|error| path.into().violates(Violation::NotAnId(error))),
    }
}

/// Parses an id that may be left out, as 0.
///
/// # Errors
/// A violation at the path when the number is neither 0 nor an id.
pub fn optional_id<T: TryFrom<i64, Error = IdError>>(
    path: impl Into<FieldPath>,
    value: i64,
) -> Result<Option<T>, FieldViolation> {
    if value == 0 {
        Ok(None)
    } else {
        id(path, value).map(Some)
    }
}

/// Takes a field that must be set.
///
/// # Errors
/// A violation at the path when it is not.
pub fn required<T>(path: impl Into<FieldPath>, value: Option<T>) -> Result<T, FieldViolation> {
    value.ok_or_else(|| path.into().violates(Violation::Missing))
}

/// Parses an enum value of the contract; the parser answers `None` for the unspecified one.
///
/// # Errors
/// A violation at the path when the number is unknown or stands for the unspecified value.
pub fn enumeration<P: TryFrom<i32>, T>(
    path: impl Into<FieldPath>,
    number: i32,
    parse: impl FnOnce(P) -> Option<T>,
) -> Result<T, FieldViolation> {
    P::try_from(number)
        .ok()
        .and_then(parse)
        .ok_or_else(|| path.into().violates(Violation::UnknownEnumValue(number)))
}

/// Parses a list with at least one item, item by item.
///
/// # Errors
/// A violation at the path when the list is empty or longer than `maximum`, and the first one of an item.
pub fn list<T, U>(
    path: &FieldPath,
    items: Vec<T>,
    maximum: usize,
    parse: impl Fn(&FieldPath, T) -> Result<U, FieldViolation>,
) -> Result<Vec<U>, FieldViolation> {
    match items.len() {
        0 => Err(path.clone().violates(Violation::Missing)),
        length if length > maximum => Err(path.clone().violates(Violation::TooMany { maximum })),
        _ => {
            let each = items.into_iter().enumerate();
            each.map(|(index, item)| parse(&path.item(index), item))
                .collect()
        }
    }
}

/// Parses a request id: a UUID with hyphens, or nothing.
///
/// # Errors
/// A violation at the path when the text is not one.
pub fn request_id(
    path: impl Into<FieldPath>,
    text: &str,
) -> Result<Option<[u8; 16]>, FieldViolation> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
    let well_formed = text.len() == 36
        && digits.len() == 32
        && [8, 13, 18, 23]
            .iter()
            .all(|i| text.as_bytes().get(*i) == Some(&b'-'));
    let number = std::str::from_utf8(&digits).ok().filter(|_| well_formed);
    // A sign would be accepted by the integer parser; hexadecimal digits alone are meant.
    number
        .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
        .and_then(|digits| u128::from_str_radix(digits, 16).ok())
        .map(|number| Some(number.to_be_bytes()))
        .ok_or_else(|| path.into().invalid("is not a UUID"))
}

#[cfg(test)]
mod tests {
    use jmap_domain::LayerId;

    use super::*;

    #[test]
    fn paths_name_nested_fields_and_items() {
        let path = FieldPath::of("edits")
            .item(3)
            .field("create")
            .field("geometry");
        assert_eq!(path.to_string(), "edits[3].create.geometry");
    }

    #[test]
    fn a_missing_id_and_a_wrong_one_are_told_apart() {
        // R120.
        assert_eq!(
            id::<LayerId>("layer_id", 0).unwrap_err().to_string(),
            "`layer_id`: is required"
        );
        assert!(
            id::<LayerId>("layer_id", -1)
                .unwrap_err()
                .to_string()
                .contains("`-1` is not an id")
        );
        assert_eq!(optional_id::<LayerId>("layer_id", 0), Ok(None));
    }

    #[test]
    fn request_ids_are_uuids() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(request_id("r", text).unwrap().unwrap()[15], 0xff);
        assert_eq!(request_id("r", ""), Ok(None));
        for wrong in [
            "x",
            "+0112233-4455-6677-8899-aabbccddeeff",
            "00112233445566778899aabbccddeeff",
        ] {
            assert!(request_id("r", wrong).is_err(), "{wrong}");
        }
    }
}
