//! What can be wrong with a file: with one row, or with the file as a whole.

use layer_data_core::{crs::TransformError, value::ValueError};

use crate::geometry::ShapeError;

/// What stops one row, or all reading.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// One row cannot be taken; the next ones can.
    #[error(transparent)]
    Row(#[from] RowError),
    /// The file cannot be read any further.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why one row cannot be taken. Reading goes on behind it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("row {row}{}: {fault}", .field.as_ref().map(|field| format!(", `{field}`")).unwrap_or_default())]
pub struct RowError {
    /// The row, from 1. A CSV file's header is not counted.
    pub row: u64,
    /// The property or column; `None` when the row as a whole is wrong.
    pub field: Option<String>,
    /// What is wrong.
    pub fault: RowFault,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RowFault {
    /// A value that is not of the attribute's type (R105).
    #[error("{found} is not {expected}")]
    WrongType {
        /// What stands there.
        found: &'static str,
        /// What must stand there.
        expected: &'static str,
    },
    /// A value that no layer takes (R115).
    #[error("{0}")]
    Value(#[from] ValueError),
    /// Two columns or properties for the same attribute.
    #[error("the attribute is given twice")]
    DuplicateField,
    /// No geometry, where every element has one (R115).
    #[error("a geometry is required")]
    NoGeometry,
    /// A text or an object that is no geometry.
    #[error("{0}")]
    Shape(#[from] ShapeError),
    /// A position that does not exist in the layer's reference system.
    #[error("{0}")]
    Transform(#[from] TransformError),
    /// More or fewer values than the header has columns.
    #[error("the row has {found} values and the header has {expected} columns")]
    ColumnCount {
        /// How many values the row has.
        found: usize,
        /// How many columns the header has.
        expected: usize,
    },
    /// Text behind a value's closing quote.
    #[error("text follows a closing quote")]
    Quote,
    /// A line that is not UTF-8.
    #[error("the row is not UTF-8 text")]
    NotUtf8,
    /// A JSON text, one of a sequence, that cannot be read.
    #[error("{0}")]
    Json(Fault),
    /// An object that is not a GeoJSON feature.
    #[error("the row is not a GeoJSON feature")]
    NotAFeature,
}

/// Why a file cannot be read any further. What came before has been read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The bytes cannot be had.
    #[error("could not read the file")]
    Io(#[source] std::io::Error),
    /// The bytes are not what the format demands.
    #[error("{0}")]
    Broken(Fault),
    /// No features.
    #[error("the file is not a GeoJSON feature collection")]
    NotAFeatureCollection,
    /// A row larger than [`crate::Limits`] allows.
    #[error("row {row} has more than {limit} {unit}")]
    TooLarge {
        /// The row, from 1; 0 for what comes before the first.
        row: u64,
        /// The limit.
        limit: usize,
        /// Of what: bytes, values or columns.
        unit: &'static str,
    },
    /// A CSV file without a header line.
    #[error("the file has no header line")]
    NoHeader,
    /// A header with two columns of the same name.
    #[error("the header has two columns `{0}`")]
    DuplicateColumn(String),
    /// A header without a geometry.
    #[error(
        "no column holds a geometry: expected `wkt`, or `longitude` and `latitude`, or `x` and `y`"
    )]
    NoGeometryColumn,
    /// A reference system that is not named by an EPSG code, or that the server does not know.
    #[error("the reference system `{0}` is not known")]
    UnknownCrs(String),
    /// A reference system named behind the features that it is about.
    #[error("the reference system must be named before the features")]
    LateCrs,
}

/// Where a text stops being what its format demands.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {byte}")]
pub struct Fault {
    /// What is wrong, in the format's own words.
    pub what: String,
    /// How many bytes are before it.
    pub byte: u64,
}
