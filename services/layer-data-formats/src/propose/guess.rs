//! The narrowest type that holds all values of a column.

use layer_data_core::value::{AttributeType, Date, DateTime};

use crate::row::Cell;

/// What the values of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guess {
    /// Only nulls so far.
    Nothing,
    /// Values of a type.
    Values(AttributeType),
    /// Arrays or objects, which no attribute holds.
    Nested,
}

impl Guess {
    pub(super) const fn and(self, other: Self) -> Self {
        use AttributeType::{Double, Integer, String};
        match (self, other) {
            (Self::Nested, _) | (_, Self::Nested) => Self::Nested,
            (Self::Nothing, guess) | (guess, Self::Nothing) => guess,
            (Self::Values(Integer), Self::Values(Integer)) => Self::Values(Integer),
            (Self::Values(Integer | Double), Self::Values(Integer | Double)) => {
                Self::Values(Double)
            }
            (Self::Values(AttributeType::Boolean), Self::Values(AttributeType::Boolean)) => {
                Self::Values(AttributeType::Boolean)
            }
            (Self::Values(AttributeType::Date), Self::Values(AttributeType::Date)) => {
                Self::Values(AttributeType::Date)
            }
            (Self::Values(AttributeType::DateTime), Self::Values(AttributeType::DateTime)) => {
                Self::Values(AttributeType::DateTime)
            }
            (Self::Values(_), Self::Values(_)) => Self::Values(String),
        }
    }

    pub(super) fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Null => Self::Nothing,
            Cell::Boolean(_) => Self::Values(AttributeType::Boolean),
            Cell::Integer(_) => Self::Values(AttributeType::Integer),
            Cell::Double(_) => Self::Values(AttributeType::Double),
            Cell::Text(text) => Self::Values(text_type(text)),
            Cell::Untyped(text) if text.is_empty() => Self::Nothing,
            Cell::Untyped(text) => Self::Values(untyped_type(text.trim())),
            Cell::Numbers(_) | Cell::List(_) | Cell::Object(_) => Self::Nested,
        }
    }
}

fn text_type(text: &str) -> AttributeType {
    if Date::parse(text).is_ok() {
        AttributeType::Date
    } else if DateTime::parse(text).is_ok() {
        AttributeType::DateTime
    } else {
        AttributeType::String
    }
}

/// The type of a CSV field. What only looks like a number is left a text: codes such as `007`, words such as
/// `nan`.
fn untyped_type(text: &str) -> AttributeType {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let is_numeric = digits.starts_with(|c: char| c.is_ascii_digit()) && !is_code;
    if is_numeric && text.parse::<i64>().is_ok() {
        AttributeType::Integer
    } else if is_numeric && text.parse::<f64>().is_ok_and(f64::is_finite) {
        AttributeType::Double
    } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        AttributeType::Boolean
    } else {
        text_type(text)
    }
}
