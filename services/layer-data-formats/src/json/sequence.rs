//! GeoJSON features one after the other: one to a line, or an RFC 8142 text sequence.

use std::io::{BufRead, BufReader, Read};

use super::{GEOJSON_EPSG, feature::row_of, value::Json};
use crate::{
    error::{FileError, ReadError, RowError, RowFault},
    format::Limits,
    meter::Meter,
    row::{Cell, RawRow, Source},
};

/// What stands before each text of an RFC 8142 sequence.
const RECORD_SEPARATOR: u8 = 0x1e;

/// A sequence that is being read. A text that is no JSON spoils its own row only.
pub(crate) struct Sequence<R: Read> {
    input: BufReader<Meter<R>>,
    limits: Limits,
    delimiter: Option<u8>,
    rows: u64,
    ended: bool,
}

impl<R: Read> Sequence<R> {
    pub(crate) fn new(input: R, limits: Limits) -> Self {
        let input = BufReader::new(Meter::new(input, limits.row_bytes));
        Self {
            input,
            limits,
            delimiter: None,
            rows: 0,
            ended: false,
        }
    }

    fn advance(&mut self) -> Result<Option<RawRow>, ReadError> {
        let Some(text) = self.text()? else {
            return Ok(None);
        };
        self.rows += 1;
        let feature = match self.parse(&text) {
            Ok(feature) => feature,
            Err(FileError::Broken(fault)) => {
                let fault = RowFault::Json(fault);
                return Err(RowError {
                    row: self.rows,
                    field: None,
                    fault,
                }
                .into());
            }
            Err(error) => return Err(error.into()),
        };
        row_of(self.rows, feature).map(Some).map_err(ReadError::Row)
    }

    /// The next text that is not blank.
    fn text(&mut self) -> Result<Option<Vec<u8>>, FileError> {
        loop {
            self.input.get_mut().reset();
            let mut text = Vec::new();
            let delimiter = self.delimiter()?;
            let count = self
                .input
                .read_until(delimiter, &mut text)
                .map_err(|error| self.fault(error))?;
            if count == 0 {
                return Ok(None);
            }
            if text.last() == Some(&delimiter) {
                text.pop();
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(text));
            }
        }
    }

    /// The first byte tells the kind of sequence.
    fn delimiter(&mut self) -> Result<u8, FileError> {
        if let Some(delimiter) = self.delimiter {
            return Ok(delimiter);
        }
        let first = self.input.fill_buf().map(|bytes| bytes.first().copied());
        let first = first.map_err(|error| self.fault(error))?;
        let delimiter = if first == Some(RECORD_SEPARATOR) {
            RECORD_SEPARATOR
        } else {
            b'\n'
        };
        self.delimiter = Some(delimiter);
        Ok(delimiter)
    }

    fn parse(&self, text: &[u8]) -> Result<Cell, FileError> {
        let mut json = Json::new(text, self.limits);
        json.begin_row(self.rows);
        let cell = json.value()?;
        json.finish()?;
        Ok(cell)
    }

    fn fault(&self, error: std::io::Error) -> FileError {
        if Meter::<R>::is_used_up(&error) {
            FileError::TooLarge {
                row: self.rows + 1,
                limit: self.limits.row_bytes,
                unit: "bytes",
            }
        } else {
            FileError::Io(error)
        }
    }
}

impl<R: Read> Source for Sequence<R> {
    fn next_row(&mut self) -> Option<Result<RawRow, ReadError>> {
        if self.ended {
            return None;
        }
        let row = self.advance();
        self.ended = matches!(row, Ok(None) | Err(ReadError::File(_)));
        row.transpose()
    }

    fn epsg(&self) -> Option<i32> {
        Some(GEOJSON_EPSG)
    }
}
