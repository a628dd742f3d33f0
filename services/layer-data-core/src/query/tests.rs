//! Queries against a definition.

use super::*;
use crate::{
    definition::{GeometryType, LayerDraft, ZPolicy},
    geometry::GeometryError,
};

fn layer(epsg: i32) -> LayerDefinition {
    let draft = LayerDraft {
        invalid: crate::geometry::InvalidPolygons::Reject,
        keep_history: None,
        geometry_type: GeometryType::Any,
        z: ZPolicy::Forbidden,
        epsg,
        attributes: Vec::new(),
    };
    draft.define().unwrap()
}

fn check(selection: SelectionInput, epsg: i32) -> Result<CheckedQuery, QueryError> {
    let input = QueryInput {
        layer: LayerId::new(1).unwrap(),
        selection,
        output: OutputInput::default(),
        maximum: None,
    };
    input.check(&layer(epsg))
}

fn boxed(min_x: f64, max_x: f64, epsg: Option<i32>) -> SelectionInput {
    let bbox = Some(BoxInput {
        min_x,
        min_y: 0.0,
        max_x,
        max_y: 1.0,
        epsg,
    });
    SelectionInput {
        bbox,
        ..SelectionInput::default()
    }
}

#[test]
fn a_box_with_edges_that_are_not_finite_or_upside_down_is_refused() {
    // R115.
    for bad in [f64::NAN, f64::INFINITY] {
        assert_eq!(
            check(boxed(bad, 1.0, None), 4326).unwrap_err(),
            QueryError::BadBox
        );
    }
    let bbox = Some(BoxInput {
        min_x: 0.0,
        min_y: 2.0,
        max_x: 1.0,
        max_y: 1.0,
        epsg: None,
    });
    let upside_down = SelectionInput {
        bbox,
        ..SelectionInput::default()
    };
    assert_eq!(check(upside_down, 4326).unwrap_err(), QueryError::BadBox);
    assert_eq!(
        check(boxed(0.0, 1.0, Some(1)), 4326).unwrap_err(),
        QueryError::UnknownCrs(1)
    );
}

#[test]
fn a_box_crosses_the_antimeridian_where_there_is_one() {
    let query = check(boxed(170.0, -170.0, None), 4326).unwrap();
    let edges: Vec<_> = query
        .boxes()
        .unwrap()
        .iter()
        .map(|part| (part.min_x, part.max_x))
        .collect();
    assert_eq!(edges, [(170.0, 180.0), (-180.0, -170.0)]);
    assert_eq!(
        check(boxed(170.0, -170.0, None), 3857).unwrap_err(),
        QueryError::BadBox
    );
    // In degrees it may be given for a layer in any system.
    let mercator = check(boxed(170.0, -170.0, Some(4326)), 3857).unwrap();
    assert_eq!(mercator.boxes().map(<[Bounds]>::len), Some(2));
}

#[test]
fn a_box_outside_the_layers_system_selects_nothing() {
    let query = check(boxed(100.0, 110.0, Some(4326)), 2056).unwrap();
    assert_eq!(query.boxes(), Some([].as_slice()));
}

#[test]
fn ids_are_sorted_once_each_and_limited() {
    let ids = |ids: Vec<i64>| SelectionInput {
        ids: Some(
            ids.into_iter()
                .map(|id| ElementId::new(id).unwrap())
                .collect(),
        ),
        ..SelectionInput::default()
    };
    let query = check(ids(vec![3, 1, 3]), 4326).unwrap();
    assert_eq!(
        query
            .ids()
            .unwrap()
            .iter()
            .map(|id| id.get())
            .collect::<Vec<_>>(),
        [1, 3]
    );
    let many = (1..).take(MAX_IDS + 1).collect();
    assert_eq!(check(ids(many), 4326).unwrap_err(), QueryError::TooManyIds);
}

fn intersecting(wkb: Vec<u8>) -> SelectionInput {
    let spatial = Some(SpatialInput {
        relation: Relation::Intersects,
        shape: ShapeInput::Geometry(wkb),
        epsg: None,
    });
    SelectionInput {
        spatial,
        ..SelectionInput::default()
    }
}

#[test]
fn a_broken_geometry_to_compare_with_is_refused() {
    assert_eq!(
        check(intersecting(vec![1, 2, 3]), 4326).unwrap_err(),
        QueryError::Shape(GeometryError::Truncated.into())
    );
}

#[test]
fn a_geometry_to_compare_with_has_a_limit() {
    // R120.
    let line = |vertices: u32| {
        let mut wkb = vec![1, 2, 0, 0, 0];
        wkb.extend(vertices.to_le_bytes());
        for n in 0..vertices {
            wkb.extend((f64::from(n) / 100.0).to_le_bytes());
            wkb.extend(0.0_f64.to_le_bytes());
        }
        intersecting(wkb)
    };
    assert!(check(line(MAX_OPERAND_VERTICES), 4326).is_ok());
    let limit = MAX_OPERAND_VERTICES;
    assert_eq!(
        check(line(limit + 1), 4326).unwrap_err(),
        QueryError::Shape(GeometryError::TooManyVertices { limit }.into())
    );
}

#[test]
fn unknown_and_repeated_attributes_of_the_output_are_refused() {
    // R105.
    let check = |names: &[&str]| {
        let wanted = names
            .iter()
            .map(|name| AttributeRef::Name((*name).to_owned()))
            .collect();
        let output = OutputInput {
            attributes: Some(wanted),
            ..OutputInput::default()
        };
        let selection = SelectionInput::default();
        let input = QueryInput {
            layer: LayerId::new(1).unwrap(),
            selection,
            output,
            maximum: None,
        };
        input
            .check(&crate::conformance::definition())
            .map(|query| query.attributes().len())
    };
    assert_eq!(
        check(&["string", "nothing"]),
        Err(QueryError::UnknownOutput("nothing".to_owned()))
    );
    assert_eq!(
        check(&["string", "string"]),
        Err(QueryError::RepeatedAttribute("string".to_owned()))
    );
    assert_eq!(check(&["string", "date"]), Ok(2));
}
