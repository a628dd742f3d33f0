//! Filters in the form of OGC CQL2 (21-065r2), as text and as JSON (R111).
//!
//! Both forms are read into the same expression and then written as [`Condition`]s and [`SpatialInput`]s. The reading is
//! ours, because the library that there is for it (`cql2` 0.6) reads every number as a double, so that long integers
//! become others, and takes twice the time for every bracket that stays open.
//!
//! CQL2 is three-valued: what is said of null is neither true nor false, nor is its negation, and only elements for which
//! the filter is true are found. So `not` goes inwards, down to what is false of a value that is there.

mod bind;
mod json;
mod scan;
mod text;
mod truth;

use super::{Condition, PatternError, SpatialInput};
use crate::{
    element::AttributeRef,
    value::{Date, DateTime, ValueError},
};

/// Most bytes of a filter in the form of CQL2.
pub const MAX_CQL2_BYTES: usize = 64 * 1024;
/// How deep brackets, lists and calls may nest. What they mean has a limit of its own
/// ([`MAX_DEPTH`](super::MAX_DEPTH)).
const MAX_NESTING: usize = 64;
/// The names by which filters speak of an element's geometry.
const GEOMETRY_NAMES: [&str; 2] = ["geometry", "geom"];

/// A filter that was read, and not yet bound to a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cql2(Expr);

/// Why a filter in the form of CQL2 is not one, or not one that this server decides.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Cql2Error {
    /// Too many bytes.
    #[error("a filter has at most {MAX_CQL2_BYTES} bytes")]
    TooLong,
    /// Nested too deep.
    #[error("brackets, lists and calls nest at most {MAX_NESTING} deep")]
    TooDeep,
    /// Something else was expected.
    #[error("expected {expected} at character {place}")]
    Unexpected {
        /// What.
        expected: &'static str,
        /// Where, counted from 1.
        place: usize,
    },
    /// Not JSON.
    #[error("the filter is not JSON: line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// JSON, and no expression of CQL2.
    #[error("expected {0} in the filter")]
    NotCql2(&'static str),
    /// A day or an instant that is none.
    #[error("`{text}` in the filter: {fault}")]
    Value {
        /// What was given.
        text: String,
        /// What is wrong with it.
        fault: ValueError,
    },
    /// A geometry that is none.
    #[error("a geometry in the filter cannot be read")]
    Geometry,
    /// A geometry with heights or measures.
    #[error("a geometry in the filter has other coordinates than x and y")]
    Dimensions,
    /// A function or an operator that this server does not decide.
    #[error("function or operator `{0}` is not supported in filters")]
    Unsupported(String),
    /// A function or an operator with operands that it does not take here.
    #[error("`{name}` takes {expected}")]
    Operands {
        /// The function or operator.
        name: String,
        /// What it takes.
        expected: &'static str,
    },
    /// Something that is neither true nor false.
    #[error("expected a condition such as `name = 'x'`, found {0}")]
    NotACondition(&'static str),
    /// A spatial function within something else than conjunctions.
    #[error("`{0}` must hold by itself or together with others (`and`), not within `or` or `not`")]
    Buried(String),
    /// A pattern that is none.
    #[error(transparent)]
    Pattern(#[from] PatternError),
}

/// What a filter says of a layer.
#[derive(Debug, Default)]
pub(super) struct Bound {
    /// What must hold of the values; nothing when nothing is said of them.
    pub(super) condition: Option<Condition<AttributeRef>>,
    /// The relations that elements must have.
    pub(super) shapes: Vec<SpatialInput>,
}

/// An expression of CQL2: both forms alike.
#[derive(Clone, Debug, PartialEq)]
enum Expr {
    /// An operator or a function, by its name in CQL2 JSON and in lower case.
    Call {
        name: String,
        operands: Vec<Expr>,
    },
    Property(String),
    Integer(i64),
    Double(f64),
    Text(String),
    Boolean(bool),
    Date(Date),
    Instant(DateTime),
    /// From one end to the other, which are nothing where it is open.
    Interval {
        from: Option<Box<Expr>>,
        to: Option<Box<Expr>>,
    },
    List(Vec<Expr>),
    /// ISO WKB.
    Geometry(Vec<u8>),
}

impl Expr {
    fn call(name: &str, operands: Vec<Self>) -> Self {
        let name = name.to_ascii_lowercase();
        Self::Call { name, operands }
    }

    fn date(text: &str) -> Result<Self, Cql2Error> {
        Date::parse(text).map(Self::Date).map_err(not_a(text))
    }

    fn instant(text: &str) -> Result<Self, Cql2Error> {
        DateTime::parse(text)
            .map(Self::Instant)
            .map_err(not_a(text))
    }

    /// An end of an interval: a day, an instant, or `..` for none.
    fn end(text: &str) -> Result<Option<Box<Self>>, Cql2Error> {
        match text {
            ".." => Ok(None),
            _ if text.contains(['T', 't']) => Self::instant(text).map(Box::new).map(Some),
            _ => Self::date(text).map(Box::new).map(Some),
        }
    }

    /// The area of a box with these edges. One over the antimeridian comes in two parts, as other shapes do.
    fn area(edges: Option<Vec<f64>>) -> Result<Self, Cql2Error> {
        let edges = edges.and_then(|edges| <[f64; 4]>::try_from(edges).ok());
        let ordered = edges.filter(|[min_x, min_y, max_x, max_y]| min_x <= max_x && min_y <= max_y);
        let Some([min_x, min_y, max_x, max_y]) = ordered else {
            return Err(Cql2Error::Operands {
                name: "bbox".to_owned(),
                expected: "four numbers: min_x, min_y, max_x, max_y, the least before the greatest",
            });
        };
        let corners = [
            (min_x, min_y),
            (max_x, min_y),
            (max_x, max_y),
            (min_x, max_y),
            (min_x, min_y),
        ];
        let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0];
        for (x, y) in corners {
            wkb.extend(x.to_le_bytes());
            wkb.extend(y.to_le_bytes());
        }
        Ok(Self::Geometry(wkb))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "coordinates and attributes of type double are doubles"
    )]
    const fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Double(number) => Some(*number),
            Self::Call { .. }
            | Self::Property(_)
            | Self::Text(_)
            | Self::Boolean(_)
            | Self::Date(_)
            | Self::Instant(_)
            | Self::Interval { .. }
            | Self::List(_)
            | Self::Geometry(_) => None,
        }
    }

    /// What it is, in the words of errors.
    const fn kind(&self) -> &'static str {
        match self {
            Self::Call { .. } => "a function",
            Self::Property(_) => "an attribute",
            Self::Integer(_) | Self::Double(_) => "a number",
            Self::Text(_) => "a text",
            Self::Boolean(_) => "a boolean",
            Self::Date(_) => "a date",
            Self::Instant(_) => "a timestamp",
            Self::Interval { .. } => "an interval",
            Self::List(_) => "a list",
            Self::Geometry(_) => "a geometry",
        }
    }
}

impl Cql2 {
    /// Reads CQL2 text.
    ///
    /// # Errors
    /// [`Cql2Error`], for the first thing that is wrong.
    pub fn from_text(text: &str) -> Result<Self, Cql2Error> {
        text::parse(within_length(text)?).map(Self)
    }

    /// Reads CQL2 JSON.
    ///
    /// # Errors
    /// [`Cql2Error`], for the first thing that is wrong.
    pub fn from_json(text: &str) -> Result<Self, Cql2Error> {
        json::parse(within_length(text)?).map(Self)
    }
}

const fn within_length(text: &str) -> Result<&str, Cql2Error> {
    if text.len() > MAX_CQL2_BYTES {
        Err(Cql2Error::TooLong)
    } else {
        Ok(text)
    }
}

fn not_a(text: &str) -> impl FnOnce(ValueError) -> Cql2Error {
    let text: String = text.chars().take(40).collect();
    |fault| Cql2Error::Value { text, fault }
}

/// The geometry as ISO WKB.
fn wkb(geometry: &geo_types::Geometry) -> Result<Expr, Cql2Error> {
    use geozero::{CoordDimensions, ToWkb};
    let wkb = geometry.to_wkb(CoordDimensions::xy());
    wkb.map(Expr::Geometry).or(Err(Cql2Error::Geometry))
}

#[cfg(test)]
mod tests;
