//! Comma-separated values, with the geometry in one WKT column or with a column for each coordinate.

mod columns;
mod records;
mod table;

pub use columns::GeometryColumns;
pub(crate) use columns::WKT_COLUMN;
pub(crate) use table::{ID_COLUMN, Table};

/// How a CSV file is to be understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvOptions {
    /// What stands between two values; a comma unless said otherwise.
    pub delimiter: u8,
    /// Which columns hold the geometry; found by their usual names unless said otherwise.
    pub geometry: Option<GeometryColumns>,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: b',',
            geometry: None,
        }
    }
}
