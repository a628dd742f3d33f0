//! The rows of a CSV file.

use std::{collections::HashSet, io::Read};

use super::{
    CsvOptions,
    columns::{Place, guess},
    records::{Field, Record, Records},
};
use crate::{
    error::{FileError, ReadError, RowError, RowFault},
    format::Limits,
    row::{Cell, RawRow, Source},
};

/// The column of the element's id: no attribute bears the name (R64).
pub(crate) const ID_COLUMN: &str = "fid";

/// A CSV file that is being read.
pub(crate) struct Table<R: Read> {
    records: Records<R>,
    header: Vec<String>,
    place: Place,
    id: Option<usize>,
    rows: u64,
    ended: bool,
}

impl<R: Read> Table<R> {
    /// Reads the header.
    pub(crate) fn new(input: R, options: &CsvOptions, limits: Limits) -> Result<Self, FileError> {
        let mut records = Records::new(input, options.delimiter, limits);
        let first = records
            .next()?
            .and_then(Result::ok)
            .ok_or(FileError::NoHeader)?;
        let header: Vec<String> = first
            .into_iter()
            .map(|field| field.text.trim().to_owned())
            .collect();
        let mut seen = HashSet::new();
        if let Some(twice) = header
            .iter()
            .find(|name| !name.is_empty() && !seen.insert(name.as_str()))
        {
            return Err(FileError::DuplicateColumn(twice.clone()));
        }
        let place = options
            .geometry
            .as_ref()
            .map_or_else(|| guess(&header), |columns| columns.place(&header))?;
        let id = header
            .iter()
            .position(|name| name.eq_ignore_ascii_case(ID_COLUMN));
        Ok(Self {
            records,
            header,
            place,
            id,
            rows: 0,
            ended: false,
        })
    }

    fn advance(&mut self) -> Result<Option<RawRow>, ReadError> {
        let Some(record) = self.records.next()? else {
            return Ok(None);
        };
        self.rows += 1;
        let row = self.row(record);
        row.map(Some).map_err(|fault| {
            ReadError::Row(RowError {
                row: self.rows,
                field: None,
                fault,
            })
        })
    }

    fn row(&self, record: Record) -> Result<RawRow, RowFault> {
        let record = record?;
        if record.len() != self.header.len() {
            return Err(RowFault::ColumnCount {
                found: record.len(),
                expected: self.header.len(),
            });
        }
        let text = |place: usize| record.get(place).map_or("", |field| field.text.as_str());
        let shape = self.place.shape(text);
        let shape_field = self
            .header
            .get(self.place.first())
            .cloned()
            .unwrap_or_default();
        let id = self
            .id
            .map_or(Cell::Null, |place| Cell::Untyped(text(place).to_owned()));
        let named = self.header.iter().zip(record).enumerate();
        let fields = named
            .filter(|(column, (name, _))| {
                !self.place.holds(*column) && Some(*column) != self.id && !name.is_empty()
            })
            .map(|(_, (name, field))| (name.clone(), cell(field)))
            .collect();
        Ok(RawRow {
            number: self.rows,
            id,
            shape,
            shape_field,
            fields,
        })
    }
}

/// Nothing between two commas is no value; two quotes are an empty text (R104).
fn cell(field: Field) -> Cell {
    if field.text.is_empty() && !field.quoted {
        Cell::Null
    } else {
        Cell::Untyped(field.text)
    }
}

impl<R: Read> Source for Table<R> {
    fn next_row(&mut self) -> Option<Result<RawRow, ReadError>> {
        if self.ended {
            return None;
        }
        let row = self.advance();
        self.ended = matches!(row, Ok(None) | Err(ReadError::File(_)));
        row.transpose()
    }

    fn epsg(&self) -> Option<i32> {
        None
    }
}
