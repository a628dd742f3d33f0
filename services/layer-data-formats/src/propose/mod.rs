//! What a layer could look like that takes a file: attributes proposed from the file's first rows.

mod guess;
mod names;

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use layer_data_core::{
    definition::{
        AttributeConstraints, AttributeDraft, GeometryType, LayerDraft, MAX_ATTRIBUTES, ZPolicy,
    },
    value::{AttributeType, Value},
};

use guess::Guess;
use names::free_name;

use crate::{
    error::{FileError, ReadError},
    format::Format,
    geometry::{Kind, Shape},
    reader::ReadOptions,
    row::{Cell, Source},
    source::AnySource,
};

/// The reference system of a file that names none.
const DEFAULT_EPSG: i32 = 4326;

/// A layer that takes a file's rows, as far as they were looked at.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The layer's definition to be.
    pub draft: LayerDraft,
    /// The columns whose names an attribute may not have: what the file says, what the draft says (R64). To be
    /// given to [`ReadOptions::renamed`] when the file is read.
    pub renamed: HashMap<String, String>,
    /// The columns that no attribute can hold: nested values, and more than a layer may have (R64).
    pub left_out: Vec<String>,
    /// How many rows were looked at, broken ones left out.
    pub rows: u64,
}

/// Proposes a layer from the first rows of a file. All attributes may be null.
///
/// # Errors
/// [`FileError`] when the file cannot be read that far.
pub fn propose<R: Read>(
    format: Format,
    input: R,
    rows: usize,
    options: &ReadOptions,
) -> Result<Proposal, FileError> {
    let mut source = AnySource::open(format, input, &options.csv, options.limits)?;
    let mut survey = Survey::default();
    for _ in 0..rows {
        match source.next_row() {
            None => break,
            Some(Err(ReadError::Row(_))) => {}
            Some(Err(ReadError::File(error))) => return Err(error),
            Some(Ok(row)) => {
                survey.rows += 1;
                if let Ok(Some(shape)) = &row.shape {
                    survey.see_shape(shape);
                }
                for (name, cell) in row.fields {
                    survey.see(name, &cell, options.limits.columns);
                }
            }
        }
    }
    let epsg = options.epsg.or_else(|| source.epsg());
    Ok(survey.proposal(epsg.unwrap_or(DEFAULT_EPSG)))
}

/// What the rows so far have shown.
#[derive(Default)]
struct Survey {
    rows: u64,
    geometry: Option<GeometryType>,
    flat: bool,
    raised: bool,
    /// In the order of the file.
    columns: Vec<(String, Guess)>,
    places: HashMap<String, usize>,
}

impl Survey {
    fn see(&mut self, name: String, cell: &Cell, most: usize) {
        let guess = Guess::of(cell);
        let next = self.columns.len();
        let place = self.places.get(&name).copied().unwrap_or(next);
        if let Some((_, seen)) = self.columns.get_mut(place) {
            *seen = seen.and(guess);
        } else if next < most {
            self.places.insert(name.clone(), next);
            self.columns.push((name, guess));
        }
    }

    fn see_shape(&mut self, shape: &Shape) {
        let seen = geometry_type(shape.kind());
        self.geometry = Some(self.geometry.map_or(seen, |before| common(before, seen)));
        self.flat |= !shape.has_z();
        self.raised |= shape.has_z();
    }

    fn proposal(self, epsg: i32) -> Proposal {
        let (mut attributes, mut left_out) = (Vec::new(), Vec::new());
        let (mut renamed, mut taken) = (HashMap::new(), HashSet::new());
        for (column, guess) in self.columns {
            let kind = match guess {
                Guess::Nothing => AttributeType::String,
                Guess::Values(kind) => kind,
                Guess::Nested => {
                    left_out.push(column);
                    continue;
                }
            };
            if attributes.len() == MAX_ATTRIBUTES {
                left_out.push(column);
                continue;
            }
            let name = free_name(&column, &mut taken);
            attributes.push(attribute(name.as_str(), kind));
            if name.as_str() != column {
                renamed.insert(column, name.as_str().to_owned());
            }
        }
        let geometry_type = self.geometry.unwrap_or(GeometryType::Any);
        let z = if self.raised && !self.flat {
            ZPolicy::Mandatory
        } else {
            ZPolicy::Forbidden
        };
        let draft = LayerDraft {
            invalid: layer_data_core::geometry::InvalidPolygons::Reject,
            keep_history: None,
            geometry_type,
            z,
            epsg,
            attributes,
        };
        Proposal {
            draft,
            renamed,
            left_out,
            rows: self.rows,
        }
    }
}

fn attribute(name: &str, kind: AttributeType) -> AttributeDraft {
    AttributeDraft {
        name: name.to_owned(),
        label: String::new(),
        description: String::new(),
        kind,
        default: Value::Null,
        required: false,
        read_only: false,
        constraints: AttributeConstraints::default(),
        input_hint: String::new(),
    }
}

const fn geometry_type(kind: Kind) -> GeometryType {
    match kind {
        Kind::Point => GeometryType::Point,
        Kind::LineString => GeometryType::LineString,
        Kind::Polygon => GeometryType::Polygon,
        Kind::MultiPoint => GeometryType::MultiPoint,
        Kind::MultiLineString => GeometryType::MultiLineString,
        Kind::MultiPolygon => GeometryType::MultiPolygon,
    }
}

/// The type that takes both: single geometries are promoted by imports.
fn common(a: GeometryType, b: GeometryType) -> GeometryType {
    if a == b {
        return a;
    }
    if multi(a) == multi(b) {
        multi(a)
    } else {
        GeometryType::Any
    }
}

const fn multi(kind: GeometryType) -> GeometryType {
    match kind {
        GeometryType::Point | GeometryType::MultiPoint => GeometryType::MultiPoint,
        GeometryType::LineString | GeometryType::MultiLineString => GeometryType::MultiLineString,
        GeometryType::Polygon | GeometryType::MultiPolygon => GeometryType::MultiPolygon,
        GeometryType::Any => GeometryType::Any,
    }
}
