//! A file's rows as elements to be.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
    sync::Arc,
};

use jmap_domain::ElementId;
use layer_data_core::{
    crs::Crs,
    definition::LayerDefinition,
    element::{AttributeRef, ElementInput},
    value::Value,
};

use crate::{
    convert::value_of,
    csv::CsvOptions,
    error::{FileError, ReadError, RowError, RowFault},
    format::{Format, Limits},
    geometry::to_wkb,
    row::{Cell, RawRow, Source},
    source::AnySource,
};

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// How much of it may be in memory.
    pub limits: Limits,
    /// The EPSG code of the file's positions, whatever the file says. Without it, the file's own: EPSG:4326 for
    /// GeoJSON that names none, the layer's for CSV.
    pub epsg: Option<i32>,
    /// How CSV is to be understood.
    pub csv: CsvOptions,
    /// The attribute that a column or property belongs to, where their names differ: what the file says, what
    /// the layer says.
    pub renamed: HashMap<String, String>,
}

/// An element to be, out of one row. Its geometry is stated in ISO WKB and still to be checked against the
/// layer; its values are of the attributes' types, and still to be checked against their constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which row of the file, from 1.
    pub number: u64,
    /// The id that the file gives it, where it is one (R116).
    pub id: Option<ElementId>,
    /// The element.
    pub element: ElementInput,
}

/// Reads a file row by row. A row that cannot be taken is reported and passed over; a broken file ends it.
///
/// The reader blocks as its input does, and holds one row at a time.
#[derive(Debug)]
pub struct Reader<R: Read> {
    source: AnySource<R>,
    definition: Arc<LayerDefinition>,
    epsg: Option<i32>,
    renamed: HashMap<String, String>,
    limits: Limits,
    columns: HashMap<String, Option<usize>>,
    ignored: Vec<String>,
    ended: bool,
}

impl<R: Read> Reader<R> {
    /// Begins to read. Of a CSV file this reads the header.
    ///
    /// # Errors
    /// [`FileError`] when the file cannot be read or has no usable header.
    pub fn open(
        format: Format,
        input: R,
        definition: Arc<LayerDefinition>,
        options: ReadOptions,
    ) -> Result<Self, FileError> {
        let ReadOptions {
            limits,
            epsg,
            csv,
            renamed,
        } = options;
        let source = AnySource::open(format, input, &csv, limits)?;
        let (columns, ignored) = (HashMap::new(), Vec::new());
        Ok(Self {
            source,
            definition,
            epsg,
            renamed,
            limits,
            columns,
            ignored,
            ended: false,
        })
    }

    /// The columns or properties so far that belong to no attribute of the layer, and were left out.
    #[must_use]
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    fn advance(&mut self) -> Option<Result<Row, ReadError>> {
        Some(self.source.next_row()?.and_then(|row| self.row(row)))
    }

    fn row(&mut self, raw: RawRow) -> Result<Row, ReadError> {
        let RawRow {
            number,
            id,
            shape,
            shape_field,
            fields,
        } = raw;
        let crs = self.crs()?;
        let shape = shape.map_err(RowFault::Shape).and_then(|shape| {
            let shape = shape.ok_or(RowFault::NoGeometry)?;
            Ok(shape.transformed(crs, self.definition.geometry().crs)?)
        });
        let shape = shape.map_err(|fault| RowError {
            row: number,
            field: Some(shape_field),
            fault,
        })?;
        let values = self.values(number, fields)?;
        Ok(Row {
            number,
            id: id_of(&id),
            element: ElementInput {
                geometry: to_wkb(&shape),
                values,
            },
        })
    }

    /// The reference system of the file's positions.
    fn crs(&self) -> Result<&'static Crs, FileError> {
        match self.epsg.or_else(|| self.source.epsg()) {
            Some(epsg) => {
                Crs::known(epsg).ok_or_else(|| FileError::UnknownCrs(format!("EPSG:{epsg}")))
            }
            None => Ok(self.definition.geometry().crs),
        }
    }

    fn values(
        &mut self,
        row: u64,
        fields: Vec<(String, Cell)>,
    ) -> Result<Vec<(AttributeRef, Value)>, ReadError> {
        let definition = Arc::clone(&self.definition);
        let mut given = HashSet::new();
        let mut values = Vec::new();
        for (name, cell) in fields {
            let place = self.place_of(&name, row)?;
            let Some(attribute) = place.and_then(|place| definition.attributes().get(place)) else {
                continue;
            };
            let fault = |fault| RowError {
                row,
                field: Some(name.clone()),
                fault,
            };
            if !given.insert(attribute.id) {
                return Err(fault(RowFault::DuplicateField).into());
            }
            let value = value_of(cell, attribute.kind).map_err(fault)?;
            values.push((AttributeRef::Id(attribute.id), value));
        }
        Ok(values)
    }

    /// The attribute of a column, looked up once for each column of the file.
    fn place_of(&mut self, column: &str, row: u64) -> Result<Option<usize>, FileError> {
        if let Some(place) = self.columns.get(column) {
            return Ok(*place);
        }
        if self.columns.len() >= self.limits.columns {
            return Err(FileError::TooLarge {
                row,
                limit: self.limits.columns,
                unit: "columns",
            });
        }
        let name = self.renamed.get(column).map_or(column, String::as_str);
        let attribute = self.definition.attribute_named(name);
        let place = attribute
            .and_then(|attribute| self.definition.attribute(attribute.id))
            .map(|(place, _)| place);
        if place.is_none() {
            self.ignored.push(column.to_owned());
        }
        self.columns.insert(column.to_owned(), place);
        Ok(place)
    }
}

impl<R: Read> Iterator for Reader<R> {
    type Item = Result<Row, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let row = self.advance();
        self.ended = matches!(row, None | Some(Err(ReadError::File(_))));
        row
    }
}

/// Any text may stand for an id in a file; only a positive integer can be kept.
fn id_of(cell: &Cell) -> Option<ElementId> {
    let number = match cell {
        Cell::Integer(number) => Some(*number),
        Cell::Untyped(text) | Cell::Text(text) => text.trim().parse().ok(),
        Cell::Null
        | Cell::Boolean(_)
        | Cell::Double(_)
        | Cell::Numbers(_)
        | Cell::List(_)
        | Cell::Object(_) => None,
    };
    number.and_then(|number| ElementId::new(number).ok())
}
