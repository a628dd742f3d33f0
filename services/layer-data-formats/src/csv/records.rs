//! Records of a CSV file (RFC 4180).
//!
//! Written by hand because the usual library neither tells an empty text (`""`) from no value at all, which
//! attributes keep apart (R104), nor stops at a quote that is never closed before the whole file is in memory.

use std::io::{self, BufRead, BufReader, Read};

use crate::{
    error::{Fault, FileError, RowFault},
    format::Limits,
    meter::Meter,
};

/// A value of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// The text without its quotes.
    pub(super) text: String,
    /// Whether it stood in quotes.
    pub(super) quoted: bool,
}

/// A record, or what is wrong with it. The next one can be read all the same.
pub(super) type Record = Result<Vec<Field>, RowFault>;

/// The records of a file, blank lines left out.
pub(super) struct Records<R: Read> {
    input: BufReader<Meter<R>>,
    limits: Limits,
    delimiter: u8,
    read: u64,
    position: u64,
}

impl<R: Read> Records<R> {
    pub(super) fn new(input: R, delimiter: u8, limits: Limits) -> Self {
        let input = BufReader::new(Meter::new(input, limits.row_bytes));
        Self {
            input,
            limits,
            delimiter,
            read: 0,
            position: 0,
        }
    }

    /// The next record; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Record>, FileError> {
        loop {
            self.input.get_mut().reset();
            let mut splitter = Splitter::new(self.delimiter);
            let ended = self.feed(&mut splitter)?;
            if splitter.is_blank() {
                if ended {
                    return Ok(None);
                }
                continue;
            }
            self.read += 1;
            return Ok(Some(splitter.record()));
        }
    }

    /// Feeds a record's bytes; whether the file ended.
    fn feed(&mut self, splitter: &mut Splitter) -> Result<bool, FileError> {
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if Meter::<R>::is_used_up(&error) => {
                    return Err(self.too_large(self.limits.row_bytes, "bytes"));
                }
                Err(error) => return Err(FileError::Io(error)),
            };
            if bytes.is_empty() {
                return self.finish(splitter).map(|()| true);
            }
            let taken = bytes.iter().position(|byte| splitter.push(*byte));
            let count = taken.map_or(bytes.len(), |last| last + 1);
            self.input.consume(count);
            self.position += u64::try_from(count).unwrap_or_default();
            if splitter.fields.len() > self.limits.columns {
                return Err(self.too_large(self.limits.columns, "columns"));
            }
            if taken.is_some() {
                return Ok(false);
            }
        }
    }

    fn finish(&self, splitter: &mut Splitter) -> Result<(), FileError> {
        if splitter.state == State::Quoted {
            let what = "a quoted value does not end".to_owned();
            return Err(FileError::Broken(Fault {
                what,
                byte: self.position,
            }));
        }
        splitter.end_line();
        Ok(())
    }

    const fn too_large(&self, limit: usize, unit: &'static str) -> FileError {
        // The header is the first record and no row.
        FileError::TooLarge {
            row: self.read,
            limit,
            unit,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a value.
    Start,
    /// In a value without quotes.
    Plain,
    /// In a value with quotes.
    Quoted,
    /// Behind a quote that ends the value, or is one half of a quote within it.
    Quote,
}

/// Takes a record's bytes one by one.
struct Splitter {
    delimiter: u8,
    state: State,
    quoted: bool,
    bytes: Vec<u8>,
    fields: Vec<Field>,
    fault: Option<RowFault>,
}

impl Splitter {
    const fn new(delimiter: u8) -> Self {
        Self {
            delimiter,
            state: State::Start,
            quoted: false,
            bytes: Vec::new(),
            fields: Vec::new(),
            fault: None,
        }
    }

    /// Takes a byte; whether it ended the record.
    fn push(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (State::Quoted, b'"') => self.state = State::Quote,
            (State::Quoted, _) => self.bytes.push(byte),
            (State::Start, b'"') => {
                self.state = State::Quoted;
                self.quoted = true;
            }
            (State::Quote, b'"') => {
                self.bytes.push(byte);
                self.state = State::Quoted;
            }
            (State::Start | State::Plain | State::Quote, b'\n') => {
                self.end_line();
                return true;
            }
            (State::Start | State::Plain | State::Quote, _) if byte == self.delimiter => {
                self.end_field();
            }
            // Half of a line break; anything else behind the closing quote is a mistake.
            (State::Quote, b'\r') => {}
            (State::Quote, _) => self.fault = Some(RowFault::Quote),
            (State::Start | State::Plain, _) => {
                self.bytes.push(byte);
                self.state = State::Plain;
            }
        }
        false
    }

    fn end_line(&mut self) {
        if !self.quoted && self.bytes.last() == Some(&b'\r') {
            self.bytes.pop();
        }
        self.end_field();
    }

    fn end_field(&mut self) {
        let text = String::from_utf8(std::mem::take(&mut self.bytes)).unwrap_or_else(|_| {
            self.fault = Some(RowFault::NotUtf8);
            String::new()
        });
        self.fields.push(Field {
            text,
            quoted: self.quoted,
        });
        self.quoted = false;
        self.state = State::Start;
    }

    fn is_blank(&self) -> bool {
        match self.fields.as_slice() {
            [] => true,
            [only] => only.text.is_empty() && !only.quoted && self.fault.is_none(),
            _ => false,
        }
    }

    fn record(self) -> Record {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.fields),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Vec<String>> {
        let mut records = Records::new(text.as_bytes(), b',', Limits::default());
        let mut all = Vec::new();
        while let Some(record) = records.next().unwrap() {
            // A quoted value shows its quotes here.
            let show = |field: Field| {
                if field.quoted {
                    format!("<{}>", field.text)
                } else {
                    field.text
                }
            };
            all.push(record.unwrap().into_iter().map(show).collect());
        }
        all
    }

    #[test]
    fn quotes_keep_commas_quotes_and_line_breaks() {
        assert_eq!(
            records("a,\"b,\"\"c\"\"\r\n\",d\r\ne,f,\n"),
            [vec!["a", "<b,\"c\"\r\n>", "d"], vec!["e", "f", ""]]
        );
    }

    #[test]
    fn a_line_break_in_quotes_is_kept_at_the_end_of_a_record_too() {
        assert_eq!(records("a,\"b\r\"\r\n"), [["a", "<b\r>"]]);
    }

    #[test]
    fn an_empty_text_is_not_no_value() {
        // R104.
        assert_eq!(records("\"\",\n"), [["<>", ""]]);
    }

    #[test]
    fn blank_lines_and_a_missing_last_line_break_do_not_matter() {
        assert_eq!(records("\na,b\r\n\r\nc,d"), [["a", "b"], ["c", "d"]]);
        assert!(records("").is_empty());
    }

    #[test]
    fn text_behind_a_closing_quote_spoils_its_record_only() {
        let mut records = Records::new("\"a\"b,c\nd,e\n".as_bytes(), b',', Limits::default());
        assert_eq!(records.next().unwrap(), Some(Err(RowFault::Quote)));
        assert!(records.next().unwrap().unwrap().is_ok());
    }

    #[test]
    fn a_quote_that_is_never_closed_is_refused_within_the_limits() {
        let limits = Limits {
            row_bytes: 100_000,
            ..Limits::default()
        };
        let endless = io::Cursor::new("a,\"b").chain(io::repeat(b'x'));
        let mut records = Records::new(endless, b',', limits);
        assert!(matches!(
            records.next(),
            Err(FileError::TooLarge {
                limit: 100_000,
                unit: "bytes",
                ..
            })
        ));
        let mut records = Records::new("a,\"b".as_bytes(), b',', limits);
        assert!(matches!(records.next(), Err(FileError::Broken(_))));
    }

    #[test]
    fn a_line_of_commas_is_refused_within_the_limits() {
        let mut records = Records::new(io::repeat(b','), b',', Limits::default());
        assert!(matches!(
            records.next(),
            Err(FileError::TooLarge {
                unit: "columns",
                ..
            })
        ));
    }
}
