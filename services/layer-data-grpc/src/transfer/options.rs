//! How a file is read or written.

use jmap_proto::layerdata::{FileFormat, ImportOptions as WireOptions};
use jmap_wire::{FieldPath, FieldViolation, Violation, enumeration};
use layer_data_core::{crs::Crs, edit::EditMode};
use layer_data_formats::{CsvOptions, Format, GeometryColumns, ReadOptions};

use crate::parse::{edit_mode, known_crs};

/// How a file is to be imported.
#[derive(Clone, Debug)]
pub(super) struct ImportOptions {
    pub(super) format: Format,
    /// The reference system of the file's positions, whatever the file says.
    pub(super) epsg: Option<i32>,
    pub(super) csv: CsvOptions,
    pub(super) mode: EditMode,
}

impl ImportOptions {
    pub(super) fn parse(path: &FieldPath, options: WireOptions) -> Result<Self, FieldViolation> {
        let WireOptions {
            format: number,
            epsg,
            wkt_column,
            x_column,
            y_column,
            mode,
        } = options;
        let csv = CsvOptions {
            geometry: geometry_columns(path, wkt_column, (x_column, y_column))?,
            ..CsvOptions::default()
        };
        Ok(Self {
            format: format(path.field("format"), number)?,
            epsg: known_crs(path.field("epsg"), epsg)?.map(Crs::epsg),
            csv,
            mode: edit_mode(path.field("mode"), mode, EditMode::Partial)?,
        })
    }

    pub(super) fn reading(&self) -> ReadOptions {
        ReadOptions {
            epsg: self.epsg,
            csv: self.csv.clone(),
            ..ReadOptions::default()
        }
    }
}

/// Parses a file format; those of the contract that are not built are said to be so.
pub(super) fn format(path: FieldPath, number: i32) -> Result<Format, FieldViolation> {
    match enumeration(path.clone(), number, Some)? {
        FileFormat::Unspecified => Err(path.violates(Violation::Missing)),
        FileFormat::Geojson => Ok(Format::GeoJson),
        FileFormat::GeojsonSeq => Ok(Format::GeoJsonSequence),
        FileFormat::Csv => Ok(Format::Csv),
        FileFormat::Flatgeobuf | FileFormat::Geopackage | FileFormat::Shapefile => {
            Err(path.violates(Violation::NotBuilt))
        }
    }
}

fn geometry_columns(
    path: &FieldPath,
    wkt: String,
    (x, y): (String, String),
) -> Result<Option<GeometryColumns>, FieldViolation> {
    match (wkt.is_empty(), x.is_empty(), y.is_empty()) {
        (true, true, true) => Ok(None),
        (false, true, true) => Ok(Some(GeometryColumns::Wkt(wkt))),
        (true, false, false) => Ok(Some(GeometryColumns::Position { x, y, z: None })),
        (true, true, false) => Err(path.field("x_column").violates(Violation::Missing)),
        (true, false, true) => Err(path.field("y_column").violates(Violation::Missing)),
        (false, _, _) => Err(path
            .field("wkt_column")
            .invalid("stands beside `x_column` or `y_column`")),
    }
}
