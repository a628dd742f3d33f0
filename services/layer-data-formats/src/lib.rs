//! File formats: streaming readers and writers of GeoJSON and CSV.
//!
//! A file is read row by row and written piece by piece, so memory does not grow with its size, and what a hostile
//! file may claim is bounded by [`Limits`]. A row that cannot be taken is reported with its number, its field and the
//! reason, and the next one is read; a broken file ends the reading. Nothing here waits or runs in the background:
//! the readers block as their input does.

mod convert;
mod csv;
mod error;
mod format;
mod geometry;
mod json;
mod meter;
mod propose;
mod reader;
mod row;
mod source;
mod write;

pub use csv::{CsvOptions, GeometryColumns};
pub use error::{Fault, FileError, ReadError, RowError, RowFault};
pub use format::{Format, Limits};
pub use geometry::ShapeError;
pub use propose::{Proposal, propose};
pub use reader::{ReadOptions, Reader, Row};
pub use write::{WriteError, Writer};
