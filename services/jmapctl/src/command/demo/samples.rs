//! The real data that the demo brings along; `tests/data/README.md` has their sources and licences.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::error::Failure;

/// A file, and what is in it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sample {
    /// The layer that it goes into.
    pub(super) layer: &'static str,
    /// The file's name.
    pub(super) file: &'static str,
    /// What it shows, for people.
    pub(super) shows: &'static str,
    /// How many elements are in it.
    pub(super) elements: i64,
    /// Further options of the layer.
    pub(super) options: &'static [&'static str],
    bytes: &'static [u8],
}

/// Points, lines and polygons.
pub(super) const SAMPLES: [Sample; 3] = [
    Sample {
        layer: "cities",
        file: "cities.csv",
        shows: "points: places of at least 15,000 inhabitants (GeoNames, CC BY 4.0)",
        elements: 34_006,
        options: &[],
        bytes: include_bytes!("../../../../../tests/data/cities.csv"),
    },
    Sample {
        layer: "rivers",
        file: "rivers.geojson",
        shows: "lines: rivers and lake centre lines (Natural Earth)",
        elements: 886,
        options: &[],
        bytes: include_bytes!("../../../../../tests/data/rivers.geojson"),
    },
    Sample {
        layer: "countries",
        file: "countries.geojson",
        shows: "polygons: countries and dependent areas (Natural Earth, GeoNames)",
        elements: 241,
        // Three of them cross themselves.
        options: &["--geometry-policy", "repair"],
        bytes: include_bytes!("../../../../../tests/data/countries.geojson"),
    },
];

impl Sample {
    /// Writes the file into a folder, so that the commands of the tour are those that anybody would type.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf, Failure> {
        fs::create_dir_all(folder).map_err(Failure::file("create", folder))?;
        let path = folder.join(self.file);
        fs::write(&path, self.bytes).map_err(Failure::file("write", &path))?;
        Ok(path)
    }
}
