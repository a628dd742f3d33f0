//! Which formats there are, and how much of a file is held in memory at a time.

use std::path::Path;

/// A file format that elements are read from and written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One GeoJSON `FeatureCollection` (RFC 7946).
    GeoJson,
    /// GeoJSON features one after the other, a line each or as an RFC 8142 text sequence.
    GeoJsonSequence,
    /// Comma-separated values (RFC 4180) with a WKT column, or with a column for each coordinate.
    Csv,
}

impl Format {
    /// The format that a file's name tells, by its ending and whatever its case.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "geojson" | "json" => Some(Self::GeoJson),
            "geojsons" | "geojsonl" | "ndjson" | "jsonl" => Some(Self::GeoJsonSequence),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

/// How much one row of a file may take. Whatever a file claims, reading it needs no more memory than a small
/// multiple of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most bytes of one feature or of one line. Default 64 MiB, which holds a polygon of a million vertices.
    pub row_bytes: usize,
    /// Most JSON values, numbers included, in one feature. Default 4 million.
    pub row_values: u32,
    /// Most JSON arrays and objects inside each other. Default 32.
    pub depth: u32,
    /// Most columns of a CSV file, and most different properties of a GeoJSON file. Default 4,096.
    pub columns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            row_bytes: 64 << 20,
            row_values: 4_000_000,
            depth: 32,
            columns: 4096,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_ending_tells_its_format() {
        let of = |name: &str| Format::of_path(Path::new(name));
        assert_eq!(of("a/cities.GeoJSON"), Some(Format::GeoJson));
        assert_eq!(of("cities.jsonl"), Some(Format::GeoJsonSequence));
        assert_eq!(of("cities.csv"), Some(Format::Csv));
        assert_eq!(of("cities.shp"), None);
        assert_eq!(of("cities"), None);
    }
}
