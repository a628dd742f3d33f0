//! Elements as they are shown.

use jmap_proto::layerdata::{Element, ElementHeader};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    command::definition::cells,
    geometry::{geojson_of_wkb, wkt_of_wkb},
    output::rows,
    value,
};

/// Most characters of a geometry in a table.
const GEOMETRY_WIDTH: usize = 40;

/// An element as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ElementView {
    element_id: i64,
    revision: i64,
    own: bool,
    /// WKT; left out when geometries were not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    geometry: Option<String>,
    attributes: Map<String, Value>,
}

impl ElementView {
    /// An element with the names of its header.
    pub(super) fn new(header: &ElementHeader, element: &Element) -> Self {
        Self {
            element_id: element.element_id,
            revision: element.revision,
            own: element.own,
            geometry: wkt_of_wkb(&element.geometry),
            attributes: properties(header, element),
        }
    }
}

fn properties(header: &ElementHeader, element: &Element) -> Map<String, Value> {
    let names = header
        .attributes
        .iter()
        .map(|attribute| attribute.name.clone());
    names.zip(element.values.iter().map(value::json)).collect()
}

/// The element as a feature of GeoJSON.
pub(super) fn feature(header: &ElementHeader, element: &Element) -> Value {
    json!({
        "type": "Feature",
        "id": element.element_id,
        "geometry": geojson_of_wkb(&element.geometry),
        "properties": properties(header, element),
    })
}

/// Elements as a table.
pub(super) fn table(header: &ElementHeader, elements: &[Element]) -> String {
    let headings = headings(header, &["id", "revision", "own"]);
    let cells = |element: &Element| {
        let stamps = [
            element.element_id.to_string(),
            element.revision.to_string(),
            if element.own { "yes" } else { "" }.to_owned(),
        ];
        stamps.into_iter().chain(row(element)).collect()
    };
    rows(&headings, elements.iter().map(cells))
}

/// These headings, then those of what [`row`] tells.
pub(super) fn headings<'h>(header: &'h ElementHeader, first: &[&'h str]) -> Vec<&'h str> {
    let attributes = header.attributes.iter();
    let names = attributes.map(|attribute| attribute.name.as_str());
    first
        .iter()
        .copied()
        .chain(names)
        .chain(["geometry"])
        .collect()
}

/// Values and geometry, as cells of a table.
pub(super) fn row(element: &Element) -> Vec<String> {
    let geometry = wkt_of_wkb(&element.geometry).unwrap_or_default();
    let cells = cells(&element.values);
    cells.chain([shortened(geometry)]).collect()
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(GEOMETRY_WIDTH) {
        None => text,
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use jmap_proto::types::{AttributeDefinition, AttributeType};

    use super::*;
    use crate::geometry::wkb_of_wkt;

    fn paris() -> (ElementHeader, Element) {
        let header = ElementHeader {
            attributes: vec![AttributeDefinition {
                name: "name".to_owned(),
                ..Default::default()
            }],
            ..Default::default()
        };
        let element = Element {
            element_id: 7,
            revision: 3,
            own: true,
            geometry: wkb_of_wkt("POINT(2.35 48.85)").unwrap().into(),
            values: vec![value::parse(AttributeType::String, "Paris").unwrap()],
            ..Default::default()
        };
        (header, element)
    }

    #[test]
    fn programs_get_numbers_wkt_and_attributes_by_name() {
        let (header, element) = paris();
        let expected = json!({
            "element_id": 7, "revision": 3, "own": true,
            "geometry": "POINT(2.35 48.85)", "attributes": {"name": "Paris"},
        });
        let view = serde_json::to_value(ElementView::new(&header, &element)).unwrap();
        assert_eq!(view, expected);
    }

    #[test]
    fn maps_get_features() {
        let (header, element) = paris();
        let expected = json!({
            "type": "Feature", "id": 7, "properties": {"name": "Paris"},
            "geometry": {"type": "Point", "coordinates": [2.35, 48.85]},
        });
        assert_eq!(feature(&header, &element), expected);
    }

    #[test]
    fn people_get_a_table_with_short_geometries() {
        let (header, element) = paris();
        let text = table(&header, &[element]);
        assert!(
            text.contains("Paris") && text.contains("POINT(2.35 48.85)"),
            "{text}"
        );
        assert_eq!(
            shortened("x".repeat(50)).chars().count(),
            GEOMETRY_WIDTH + 1
        );
    }
}
