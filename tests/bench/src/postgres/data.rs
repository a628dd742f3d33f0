//! The real data, which `tests/bench/data.sh` fetches.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, ensure};
use jmap_proto::{
    layerdata::{LayerDefinition, NewElement},
    types::{AttributeType, GeometryType, value::Kind as Wire},
};
use testkit::wire;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-data");

/// Which data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Populated places.
    Points,
    /// Shores and rivers.
    Lines,
}

/// A box around an element: least x and y, greatest x and y.
pub(crate) type Extent = [f64; 4];

/// Elements, ready to be sent, each with its box.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// What an import sends.
    pub(crate) elements: Vec<NewElement>,
    /// Their boxes, in the same order.
    pub(crate) extents: Vec<Extent>,
}

impl Kind {
    /// What people call them.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Lines => "lines",
        }
    }

    /// A layer for them.
    pub(crate) fn definition(self) -> LayerDefinition {
        let (geometry, attributes) = match self {
            Self::Points => (
                GeometryType::Point,
                vec![
                    wire::text_attribute("name"),
                    wire::text_attribute("country"),
                    wire::attribute("population", AttributeType::Integer),
                ],
            ),
            Self::Lines => (
                GeometryType::LineString,
                vec![wire::attribute("number", AttributeType::Integer)],
            ),
        };
        LayerDefinition {
            geometry_type: geometry.into(),
            attributes,
            ..LayerDefinition::default()
        }
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// When they have not been fetched.
    pub(crate) fn read(self) -> anyhow::Result<Data> {
        match self {
            Self::Points => points(),
            Self::Lines => lines(),
        }
    }
}

fn file(name: &str) -> anyhow::Result<Vec<u8>> {
    let path = Path::new(FOLDER).join(name);
    fs::read(&path).with_context(|| {
        let path = path.display();
        format!("read {path}, which tests/bench/data.sh fetches")
    })
}

#[derive(serde::Deserialize)]
struct City {
    name: String,
    countrycode: String,
    population: i64,
    longitude: f64,
    latitude: f64,
}

fn points() -> anyhow::Result<Data> {
    let cities: BTreeMap<String, City> = serde_json::from_slice(&file("cities.json")?)?;
    let element = |city: &City| NewElement {
        geometry: wkb(1, &[[city.longitude, city.latitude]]).into(),
        values: vec![
            wire::set_text("name", &city.name),
            wire::set_text("country", &city.countrycode),
            wire::set("population", Wire::Integer(city.population)),
        ],
    };
    let extent = |city: &City| {
        let (x, y) = (city.longitude, city.latitude);
        [x, y, x, y]
    };
    Ok(Data {
        elements: cities.values().map(element).collect(),
        extents: cities.values().map(extent).collect(),
    })
}

/// Pairs of doubles, with a pair of NaN before each line.
fn lines() -> anyhow::Result<Data> {
    let bytes = file("lines.f64")?;
    let (numbers, rest) = bytes.as_chunks::<8>();
    let (positions, odd) = numbers.as_chunks::<2>();
    ensure!(rest.is_empty() && odd.is_empty(), "lines.f64 is damaged");
    let positions: Vec<[f64; 2]> = positions
        .iter()
        .map(|position| position.map(f64::from_le_bytes))
        .collect();
    let mut data = Data {
        elements: Vec::new(),
        extents: Vec::new(),
    };
    for (number, line) in (1..).zip(positions.split(|[x, _]| x.is_nan()).skip(1)) {
        data.extents.push(extent(line));
        data.elements.push(NewElement {
            geometry: wkb(2, line).into(),
            values: vec![wire::set("number", Wire::Integer(number))],
        });
    }
    Ok(data)
}

fn extent(line: &[[f64; 2]]) -> Extent {
    let nowhere = [f64::MAX, f64::MAX, f64::MIN, f64::MIN];
    line.iter().fold(nowhere, |[a, b, c, d], [x, y]| {
        [a.min(*x), b.min(*y), c.max(*x), d.max(*y)]
    })
}

/// A point (1) or a line (2) as ISO WKB.
fn wkb(kind: u8, positions: &[[f64; 2]]) -> Vec<u8> {
    let mut wkb = vec![1, kind, 0, 0, 0];
    if kind == 2 {
        let count = u32::try_from(positions.len()).unwrap_or(u32::MAX);
        wkb.extend_from_slice(&count.to_le_bytes());
    }
    for number in positions.as_flattened() {
        wkb.extend_from_slice(&number.to_le_bytes());
    }
    wkb
}
