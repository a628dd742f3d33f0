//! File formats as the contract names them.

use std::path::Path;

use clap::ValueEnum;
use jmap_proto::layerdata::FileFormat;
use layer_data_formats::Format;

use crate::error::Failure;

/// A file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FormatWord {
    /// A GeoJSON feature collection
    Geojson,
    /// A GeoJSON feature per line
    Geojsonl,
    /// Comma-separated values with a header row
    Csv,
}

impl FormatWord {
    /// The format of the contract.
    pub(super) const fn format(self) -> FileFormat {
        match self {
            Self::Geojson => FileFormat::Geojson,
            Self::Geojsonl => FileFormat::GeojsonSeq,
            Self::Csv => FileFormat::Csv,
        }
    }

    /// The one that was asked for, or the one that the file's name tells.
    pub(super) fn choose(asked: Option<Self>, path: &Path) -> Result<Self, Failure> {
        let told = || match Format::of_path(path)? {
            Format::GeoJson => Some(Self::Geojson),
            Format::GeoJsonSequence => Some(Self::Geojsonl),
            Format::Csv => Some(Self::Csv),
        };
        asked.or_else(told).ok_or_else(|| unknown_format(path))
    }
}

/// A file whose name tells no format.
pub(super) fn unknown_format(path: &Path) -> Failure {
    Failure::usage(format!(
        "the name of {} tells no known format",
        path.display()
    ))
    .hint("known endings are .geojson, .json, .geojsonl, .ndjson and .csv")
}
