//! A file of any format as rows.

use std::{
    fmt,
    io::{self, Chain, Cursor, Read},
};

use crate::{
    csv::{CsvOptions, Table},
    error::{FileError, ReadError},
    format::{Format, Limits},
    json::{Collection, Sequence},
    row::{RawRow, Source},
};

/// The input without the byte order mark that some programs put before it.
type Input<R> = Chain<Cursor<Vec<u8>>, R>;

/// A source of any format.
pub(crate) enum AnySource<R: Read> {
    Collection(Box<Collection<Input<R>>>),
    Sequence(Sequence<Input<R>>),
    Table(Box<Table<Input<R>>>),
}

impl<R: Read> AnySource<R> {
    pub(crate) fn open(
        format: Format,
        input: R,
        csv: &CsvOptions,
        limits: Limits,
    ) -> Result<Self, FileError> {
        let input = without_mark(input).map_err(FileError::Io)?;
        Ok(match format {
            Format::GeoJson => Self::Collection(Box::new(Collection::new(input, limits))),
            Format::GeoJsonSequence => Self::Sequence(Sequence::new(input, limits)),
            Format::Csv => Self::Table(Box::new(Table::new(input, csv, limits)?)),
        })
    }
}

fn without_mark<R: Read>(mut input: R) -> io::Result<Input<R>> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut start = Vec::new();
    input.by_ref().take(3).read_to_end(&mut start)?;
    if start == MARK {
        start.clear();
    }
    Ok(Cursor::new(start).chain(input))
}

impl<R: Read> fmt::Debug for AnySource<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Collection(_) => "Collection",
            Self::Sequence(_) => "Sequence",
            Self::Table(_) => "Table",
        })
    }
}

impl<R: Read> Source for AnySource<R> {
    fn next_row(&mut self) -> Option<Result<RawRow, ReadError>> {
        match self {
            Self::Collection(source) => source.next_row(),
            Self::Sequence(source) => source.next_row(),
            Self::Table(source) => source.next_row(),
        }
    }

    fn epsg(&self) -> Option<i32> {
        match self {
            Self::Collection(source) => source.epsg(),
            Self::Sequence(source) => source.epsg(),
            Self::Table(source) => source.epsg(),
        }
    }
}
