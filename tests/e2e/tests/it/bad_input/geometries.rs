//! Geometries that are none, or do not fit the layer (R66, R115).

use std::time::Duration;

use jmap_proto::{
    authorization::{
        CheckRequest, CreateGroupRequest, CreateProjectRequest, CreateUserRequest, Group,
        LayerQuestion, ListUsersRequest, Project, ProjectGrantChange, Question, Subject,
        UpdateLayerPermissionsRequest, UpdateProjectPermissionsRequest, UpdateProjectRequest,
        UpdateUserRequest, User, question, subject,
    },
    layerdata::{
        AttributeValue, BatchEditElementsRequest, Comparison, Condition, CreateElementRequest,
        CreateLayerRequest, DeleteElementRequest, Edit, ElementChange, ElementMask, Filter,
        GetElementsRequest, LayerDefinition, LayerQuery, ListElementsRequest, NewElement,
        ReadElementsRequest, Selection, UpdateElementRequest, condition,
        create_layer_request::Placement, edit::Act, filter,
    },
    types::{
        AllowedValue, AttributeConstraints, AttributeDefinition, AttributeType, Box,
        ExpectedRevision, GeometryType, LayerGrant, Permission, Value, ZPolicy, value::Kind,
    },
};
use prost_types::FieldMask;
use testkit::{Caller, Pair, wire, world::Outcome};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::{ATTRIBUTE, FIELD, GEOMETRY, Ground, create_layer, definition, discreet, refused};

/// A point with these coordinates as WKB, whatever they are.
fn raw_point(x: f64, y: f64) -> Vec<u8> {
    let mut wkb = vec![1, 1, 0, 0, 0];
    wkb.extend(x.to_le_bytes());
    wkb.extend(y.to_le_bytes());
    wkb
}

/// A polygon with one ring as WKB, closed or not.
fn raw_polygon(ring: &[(f64, f64)]) -> Vec<u8> {
    let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0];
    wkb.extend(u32::try_from(ring.len()).unwrap().to_le_bytes());
    for (x, y) in ring {
        wkb.extend(x.to_le_bytes());
        wkb.extend(y.to_le_bytes());
    }
    wkb
}

/// A point with a height as ISO WKB.
fn raw_height(z: f64) -> Vec<u8> {
    let mut wkb = vec![1];
    wkb.extend(1001_u32.to_le_bytes());
    for coordinate in [1.0, 2.0, z] {
        wkb.extend(f64::to_le_bytes(coordinate));
    }
    wkb
}

#[tokio::test]
async fn geometries_that_do_not_fit_are_refused() {
    // R66, R115.
    let ground = Ground::lay().await;
    let Ground {
        points,
        lines,
        polygons,
        heights,
        ..
    } = ground;
    let (square, bow) = (
        [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)],
        [(0.0, 0.0), (1.0, 0.0), (0.0, 0.0)],
    );
    let mut truncated = wire::wkb("LINESTRING(0 0,1 1)");
    truncated.truncate(20);
    let mut trailing = raw_point(1.0, 2.0);
    trailing.push(0);
    let mut many = vec![1, 2, 0, 0, 0];
    many.extend(u32::MAX.to_le_bytes());
    let bad = [
        (points, Vec::new()),
        (points, b"garbage".to_vec()),
        (points, trailing),
        (points, raw_point(f64::NAN, f64::NAN)),
        (points, raw_point(f64::NAN, 0.0)),
        (points, raw_point(f64::INFINITY, 0.0)),
        // Outside the bounds of the reference system.
        (points, raw_point(180.1, 0.0)),
        (points, raw_point(0.0, -90.1)),
        (points, wire::wkb("LINESTRING(0 0,1 1)")),
        // Single to multi is promoted by import alone.
        (points, wire::wkb("MULTIPOINT(1 1)")),
        (points, raw_height(3.0)),
        (heights, raw_point(1.0, 2.0)),
        (heights, raw_height(f64::NAN)),
        (lines, truncated),
        (lines, many),
        (lines, wire::wkb("LINESTRING EMPTY")),
        (lines, wire::wkb("POINT(0 0)")),
        (polygons, raw_polygon(&square)),
        (polygons, raw_polygon(&bow)),
        (polygons, raw_polygon(&[])),
    ];
    for (layer, geometry) in bad {
        let shown = format!("{geometry:?} in {layer}");
        let element = NewElement {
            geometry: geometry.into(),
            values: Vec::new(),
        };
        let result = ground.editor.create(layer, element, "").await;
        let status = result.expect_err(&shown);
        let outcome = wire::outcome_of(&status).to_string();
        assert!(
            outcome == GEOMETRY || outcome == FIELD,
            "{outcome} for {shown}: {}",
            status.message()
        );
        let details = status.get_error_details();
        assert_eq!(
            details.bad_request().unwrap().field_violations[0].field,
            "element.geometry",
            "{shown}"
        );
        discreet(&status);
    }
    let mut ring = square.to_vec();
    ring.push(square[0]);
    let good = [
        (polygons, raw_polygon(&ring)),
        (heights, raw_height(3.0)),
        (points, raw_point(180.0, -90.0)),
    ];
    for (layer, geometry) in good {
        let element = NewElement {
            geometry: geometry.into(),
            values: Vec::new(),
        };
        ground.editor.create(layer, element, "").await.unwrap();
        assert_eq!(ground.editor.count(layer).await.unwrap(), 1);
    }
}
