//! JSON values out of a stream.

use std::io::{ErrorKind, Read};

use struson::reader::{
    JsonReader, JsonReaderPosition, JsonStreamReader, JsonSyntaxError, ReaderError, ReaderSettings,
    ValueType,
};

use crate::{
    error::{Fault, FileError},
    format::Limits,
    meter::Meter,
    row::Cell,
};

/// A stream of JSON whose rows are counted and bounded.
pub(super) struct Json<R: Read> {
    reader: JsonStreamReader<Meter<R>>,
    limits: Limits,
    row: u64,
    values: u32,
}

impl<R: Read> Json<R> {
    pub(super) fn new(reader: R, limits: Limits) -> Self {
        let settings = ReaderSettings {
            track_path: false,
            max_nesting_depth: Some(limits.depth),
            // A number is read into 64 bits, so its length costs nothing but the row's bytes.
            restrict_number_values: false,
            ..ReaderSettings::default()
        };
        let reader = JsonStreamReader::new_custom(Meter::new(reader, limits.row_bytes), settings);
        Self {
            reader,
            limits,
            row: 0,
            values: 0,
        }
    }

    /// Tells that a row begins, and which.
    pub(super) fn begin_row(&mut self, row: u64) {
        self.row = row;
        self.values = 0;
        self.reader.reader_mut().reset();
    }

    /// What comes next.
    pub(super) fn peek(&mut self) -> Result<ValueType, FileError> {
        self.reader.peek().map_err(|error| self.fault(error))
    }

    pub(super) fn begin_object(&mut self) -> Result<(), FileError> {
        self.reader
            .begin_object()
            .map_err(|error| self.fault(error))
    }

    pub(super) fn end_object(&mut self) -> Result<(), FileError> {
        self.reader.end_object().map_err(|error| self.fault(error))
    }

    pub(super) fn begin_array(&mut self) -> Result<(), FileError> {
        self.reader.begin_array().map_err(|error| self.fault(error))
    }

    pub(super) fn end_array(&mut self) -> Result<(), FileError> {
        self.reader.end_array().map_err(|error| self.fault(error))
    }

    pub(super) fn has_next(&mut self) -> Result<bool, FileError> {
        self.reader.has_next().map_err(|error| self.fault(error))
    }

    pub(super) fn name(&mut self) -> Result<String, FileError> {
        self.reader
            .next_name_owned()
            .map_err(|error| self.fault(error))
    }

    /// How many bytes have been read, roughly.
    pub(super) fn position(&self) -> u64 {
        self.reader
            .current_position(false)
            .data_pos
            .unwrap_or_default()
    }

    /// Passes over a value without holding it. It counts as a part of the row all the same.
    pub(super) fn skip(&mut self) -> Result<(), FileError> {
        self.reader.skip_value().map_err(|error| self.fault(error))
    }

    /// Makes sure that nothing but white space follows.
    pub(super) fn finish(self) -> Result<(), FileError> {
        let Self {
            reader,
            limits,
            row,
            ..
        } = self;
        reader
            .consume_trailing_whitespace()
            .map_err(|error| fault_of::<R>(error, limits, row))
    }

    /// The next value, whatever it is. Depth and number of values are bounded, so this may call itself.
    pub(super) fn value(&mut self) -> Result<Cell, FileError> {
        self.count()?;
        match self.peek()? {
            ValueType::Array => self.array(),
            ValueType::Object => self.object(),
            ValueType::String => self
                .reader
                .next_string()
                .map(Cell::Text)
                .map_err(|error| self.fault(error)),
            ValueType::Number => self.number(),
            ValueType::Boolean => self
                .reader
                .next_bool()
                .map(Cell::Boolean)
                .map_err(|error| self.fault(error)),
            ValueType::Null => self
                .reader
                .next_null()
                .map(|()| Cell::Null)
                .map_err(|error| self.fault(error)),
        }
    }

    fn number(&mut self) -> Result<Cell, FileError> {
        let text = match self.reader.next_number_as_str() {
            Ok(text) => text,
            Err(error) => return Err(self.fault(error)),
        };
        // What JSON calls a number is one to Rust as well; one too large becomes infinite and is refused later.
        let cell = text.parse().map(Cell::Integer);
        Ok(cell.unwrap_or_else(|_| Cell::Double(text.parse().unwrap_or(f64::NAN))))
    }

    fn array(&mut self) -> Result<Cell, FileError> {
        self.begin_array()?;
        let (mut numbers, mut cells) = (Vec::new(), Vec::new());
        while self.has_next()? {
            if cells.is_empty() && self.peek()? == ValueType::Number {
                self.count()?;
                let number = self
                    .reader
                    .next_number::<f64>()
                    .map_err(|error| self.fault(error))?;
                numbers.push(number.unwrap_or(f64::NAN));
            } else {
                cells.extend(numbers.drain(..).map(Cell::Double));
                cells.push(self.value()?);
            }
        }
        self.end_array()?;
        Ok(if cells.is_empty() {
            Cell::Numbers(numbers)
        } else {
            Cell::List(cells)
        })
    }

    fn object(&mut self) -> Result<Cell, FileError> {
        self.begin_object()?;
        let mut members = Vec::new();
        while self.has_next()? {
            let name = self.name()?;
            members.push((name, self.value()?));
        }
        self.end_object()?;
        Ok(Cell::Object(members))
    }

    fn count(&mut self) -> Result<(), FileError> {
        self.values += 1;
        if self.values > self.limits.row_values {
            let limit = usize::try_from(self.limits.row_values).unwrap_or(usize::MAX);
            return Err(FileError::TooLarge {
                row: self.row,
                limit,
                unit: "values",
            });
        }
        Ok(())
    }

    fn fault(&self, error: ReaderError) -> FileError {
        fault_of::<R>(error, self.limits, self.row)
    }
}

fn fault_of<R: Read>(error: ReaderError, limits: Limits, row: u64) -> FileError {
    match error {
        ReaderError::SyntaxError(JsonSyntaxError { kind, location }) => {
            broken(format!("broken JSON ({kind})"), &location)
        }
        ReaderError::MaxNestingDepthExceeded {
            max_nesting_depth,
            location,
        } => broken(
            format!("more than {max_nesting_depth} arrays and objects inside each other"),
            &location,
        ),
        ReaderError::UnexpectedValueType {
            expected,
            actual,
            location,
        } => broken(format!("{actual} where {expected} must stand"), &location),
        ReaderError::UnexpectedStructure { kind, location } => {
            broken(format!("unexpected structure ({kind})"), &location)
        }
        ReaderError::UnsupportedNumberValue { location, .. } => {
            broken("unsupported number".into(), &location)
        }
        ReaderError::IoError { error, .. } if Meter::<R>::is_used_up(&error) => {
            FileError::TooLarge {
                row,
                limit: limits.row_bytes,
                unit: "bytes",
            }
        }
        ReaderError::IoError { error, location } if error.kind() == ErrorKind::InvalidData => {
            broken("text that is not UTF-8".into(), &location)
        }
        ReaderError::IoError { error, .. } => FileError::Io(error),
        other => FileError::Io(std::io::Error::other(other)),
    }
}

fn broken(what: String, location: &JsonReaderPosition) -> FileError {
    FileError::Broken(Fault {
        what,
        byte: location.data_pos.unwrap_or_default(),
    })
}
