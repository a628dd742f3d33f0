//! A row as a file states it, before anybody looks at the layer.

use crate::{
    error::ReadError,
    geometry::{Shape, ShapeError},
};

/// A value as a file states it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// JSON's null, or nothing between two commas.
    Null,
    /// JSON's true or false.
    Boolean(bool),
    /// A JSON number without fraction that fits.
    Integer(i64),
    /// Any other JSON number; infinite when it is too large.
    Double(f64),
    /// A JSON string.
    Text(String),
    /// The text of a CSV field, which may stand for a value of any type.
    Untyped(String),
    /// A JSON array of numbers only, kept small because positions are most of a file.
    Numbers(Vec<f64>),
    /// Any other JSON array.
    List(Vec<Cell>),
    /// A JSON object, its members in the order of the file.
    Object(Vec<(String, Cell)>),
}

impl Cell {
    /// What people call it.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "a boolean",
            Self::Integer(_) => "an integer",
            Self::Double(_) => "a number",
            Self::Text(_) | Self::Untyped(_) => "a text",
            Self::Numbers(_) | Self::List(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

/// A row as a file states it.
#[derive(Debug)]
pub(crate) struct RawRow {
    /// From 1.
    pub(crate) number: u64,
    /// The file's own id of the element.
    pub(crate) id: Cell,
    /// The geometry; `None` where there is none.
    pub(crate) shape: Result<Option<Shape>, ShapeError>,
    /// Where the geometry stands: a member's or a column's name.
    pub(crate) shape_field: String,
    /// Names and values in the order of the file.
    pub(crate) fields: Vec<(String, Cell)>,
}

/// A file's rows, one after the other.
pub(crate) trait Source {
    /// The next row; `None` at the end. Nothing comes after a [`crate::FileError`].
    fn next_row(&mut self) -> Option<Result<RawRow, ReadError>>;

    /// The EPSG code that the coordinates are in, as far as the rows so far tell; `None` when the format does
    /// not say.
    fn epsg(&self) -> Option<i32>;
}
