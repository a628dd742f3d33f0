//! What a layer could look like that takes a file: attributes proposed from the file's first rows.

use std::{
    collections::{HashMap, HashSet},
    io::Read,
};

use layer_data_core::{
    definition::{
        AttributeConstraints, AttributeDraft, AttributeName, GeometryType, LayerDraft,
        MAX_ATTRIBUTES, NameFault, ZPolicy,
    },
    value::{AttributeType, Date, DateTime, Value},
};

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
/// Most bytes of an attribute's name (R64).
const MAX_NAME_BYTES: usize = 63;

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
                row.shape
                    .ok()
                    .flatten()
                    .iter()
                    .for_each(|shape| survey.see_shape(shape));
                for (name, cell) in row.fields {
                    survey.see(name, &cell, options.limits.columns);
                }
            }
        }
    }
    Ok(survey.proposal(source.epsg().unwrap_or(DEFAULT_EPSG)))
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

/// What the values of a column have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Guess {
    /// Only nulls so far.
    Nothing,
    /// Values of a type.
    Values(AttributeType),
    /// Arrays or objects, which no attribute holds.
    Nested,
}

impl Guess {
    const fn and(self, other: Self) -> Self {
        use AttributeType::{Double, Integer, String};
        match (self, other) {
            (Self::Nested, _) | (_, Self::Nested) => Self::Nested,
            (Self::Nothing, guess) | (guess, Self::Nothing) => guess,
            (Self::Values(Integer), Self::Values(Integer)) => Self::Values(Integer),
            (Self::Values(Integer | Double), Self::Values(Integer | Double)) => {
                Self::Values(Double)
            }
            (Self::Values(AttributeType::Boolean), Self::Values(AttributeType::Boolean)) => {
                Self::Values(AttributeType::Boolean)
            }
            (Self::Values(AttributeType::Date), Self::Values(AttributeType::Date)) => {
                Self::Values(AttributeType::Date)
            }
            (Self::Values(AttributeType::DateTime), Self::Values(AttributeType::DateTime)) => {
                Self::Values(AttributeType::DateTime)
            }
            (Self::Values(_), Self::Values(_)) => Self::Values(String),
        }
    }

    fn of(cell: &Cell) -> Self {
        match cell {
            Cell::Null => Self::Nothing,
            Cell::Boolean(_) => Self::Values(AttributeType::Boolean),
            Cell::Integer(_) => Self::Values(AttributeType::Integer),
            Cell::Double(_) => Self::Values(AttributeType::Double),
            Cell::Text(text) => Self::Values(text_type(text)),
            Cell::Untyped(text) if text.is_empty() => Self::Nothing,
            Cell::Untyped(text) => Self::Values(untyped_type(text.trim())),
            Cell::Numbers(_) | Cell::List(_) | Cell::Object(_) => Self::Nested,
        }
    }
}

fn text_type(text: &str) -> AttributeType {
    if Date::parse(text).is_ok() {
        AttributeType::Date
    } else if DateTime::parse(text).is_ok() {
        AttributeType::DateTime
    } else {
        AttributeType::String
    }
}

/// The type of a CSV field. What only looks like a number is left a text: codes such as `007`, words such as
/// `nan`.
fn untyped_type(text: &str) -> AttributeType {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_code = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let is_numeric = digits.starts_with(|c: char| c.is_ascii_digit()) && !is_code;
    if is_numeric && text.parse::<i64>().is_ok() {
        AttributeType::Integer
    } else if is_numeric && text.parse::<f64>().is_ok_and(f64::is_finite) {
        AttributeType::Double
    } else if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        AttributeType::Boolean
    } else {
        text_type(text)
    }
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

/// The name nearest to the column's that an attribute may have and no other attribute has (R64).
fn free_name(column: &str, taken: &mut HashSet<String>) -> AttributeName {
    let clean: String = column.chars().filter(|c| !c.is_control()).collect();
    let clean = clean.trim().trim_start_matches('_');
    let base = if clean.is_empty() { "column" } else { clean };
    let mut number = 1_u32;
    loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!("_{number}")
        };
        let candidate = match AttributeName::parse(&format!("{base}{suffix}")) {
            Err(NameFault::TooLong(long)) => {
                AttributeName::parse(&format!("{}{suffix}", cut(&long, suffix.len())))
            }
            other => other,
        };
        if let Some(name) = candidate.ok().filter(|name| taken.insert(name.key())) {
            return name;
        }
        number += 1;
    }
}

/// As much of a long name as leaves room for a suffix twice: once it stands in the name already.
fn cut(name: &str, suffix: usize) -> &str {
    let room = MAX_NAME_BYTES - suffix;
    let end = (0..=room)
        .rev()
        .find(|end| name.is_char_boundary(*end))
        .unwrap_or_default();
    name.get(..end).unwrap_or_default()
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
