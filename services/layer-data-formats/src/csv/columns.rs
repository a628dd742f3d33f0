//! Which columns of a CSV file hold the geometry.

use crate::{
    error::FileError,
    geometry::{Coordinates, Kind, Position, Shape, ShapeError, from_wkt},
};

/// Our own name of a WKT column. GDAL knows it, and no attribute's name begins with `_` (R64).
pub(crate) const WKT_COLUMN: &str = "_wkt";

/// The names that exports use for a WKT column, the least ambiguous first.
const WKT_NAMES: [&str; 6] = [
    WKT_COLUMN, "wkt", "wkt_geom", "geometry", "geom", "the_geom",
];
const POSITION_NAMES: [(&str, &str); 5] = [
    ("longitude", "latitude"),
    ("lon", "lat"),
    ("lng", "lat"),
    ("long", "lat"),
    ("x", "y"),
];
const Z_NAME: &str = "z";

/// The columns of a CSV file that hold the geometry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GeometryColumns {
    /// One column of WKT.
    Wkt(String),
    /// A column for each coordinate of a point.
    Position {
        /// Easting or longitude.
        x: String,
        /// Northing or latitude.
        y: String,
        /// Height, where there is one.
        z: Option<String>,
    },
}

/// Where the geometry stands in a row, by the columns' places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Wkt(usize),
    Position {
        x: usize,
        y: usize,
        z: Option<usize>,
    },
}

impl GeometryColumns {
    /// The places of the named columns.
    pub(super) fn place(&self, header: &[String]) -> Result<Place, FileError> {
        let place = match self {
            Self::Wkt(name) => find(header, name).map(Place::Wkt),
            Self::Position { x, y, z } => position(header, x, y, z.as_deref()),
        };
        place.ok_or(FileError::NoGeometryColumn)
    }
}

/// Finds the geometry by the usual names.
pub(super) fn guess(header: &[String]) -> Result<Place, FileError> {
    let wkt = WKT_NAMES
        .into_iter()
        .find_map(|name| find(header, name))
        .map(Place::Wkt);
    let z = find(header, Z_NAME).map(|_| Z_NAME);
    let positions = || {
        POSITION_NAMES
            .into_iter()
            .find_map(|(x, y)| position(header, x, y, z))
    };
    wkt.or_else(positions).ok_or(FileError::NoGeometryColumn)
}

fn position(header: &[String], x: &str, y: &str, z: Option<&str>) -> Option<Place> {
    let z = match z {
        Some(name) => Some(find(header, name)?),
        None => None,
    };
    Some(Place::Position {
        x: find(header, x)?,
        y: find(header, y)?,
        z,
    })
}

fn find(header: &[String], name: &str) -> Option<usize> {
    header
        .iter()
        .position(|column| column.trim().eq_ignore_ascii_case(name))
}

impl Place {
    pub(super) fn holds(self, column: usize) -> bool {
        match self {
            Self::Wkt(place) => column == place,
            Self::Position { x, y, z } => column == x || column == y || Some(column) == z,
        }
    }

    /// The place that errors name.
    pub(super) const fn first(self) -> usize {
        match self {
            Self::Wkt(place) => place,
            Self::Position { x, .. } => x,
        }
    }

    /// The shape in a row; `value` gives a column's text. `None` where nothing is said.
    pub(super) fn shape<'a>(
        self,
        value: impl Fn(usize) -> &'a str,
    ) -> Result<Option<Shape>, ShapeError> {
        match self {
            Self::Wkt(place) if value(place).trim().is_empty() => Ok(None),
            Self::Wkt(place) => from_wkt(value(place)).map(Some),
            Self::Position { x, y, .. }
                if value(x).trim().is_empty() && value(y).trim().is_empty() =>
            {
                Ok(None)
            }
            Self::Position { x, y, z } => {
                let number = |place| {
                    value(place)
                        .trim()
                        .parse::<f64>()
                        .or(Err(ShapeError::NotANumber))
                };
                let position = Position {
                    x: number(x)?,
                    y: number(y)?,
                    z: z.map(number).transpose()?,
                };
                Shape::new(Kind::Point, Coordinates::Position(position)).map(Some)
            }
        }
    }
}
