//! Bad input over real sockets: a clear refusal with the field's path and a reason, and nothing changed.

mod fields;
mod geometries;
mod limits;
mod queries;
mod values;

use jmap_proto::{
    authorization::{CreateProjectRequest, Project},
    layerdata::{CreateLayerRequest, LayerDefinition, create_layer_request::Placement},
    types::{
        AllowedValue, AttributeConstraints, AttributeDefinition, AttributeType, GeometryType,
        LayerGrant, Permission, Value, ZPolicy, value::Kind,
    },
};
use testkit::{Caller, Pair, wire};
use tonic::Status;
use tonic_types::StatusExt;

/// A project with layers, and who may do everything with their elements.
struct Ground {
    pair: Pair,
    editor: Caller,
    project: i64,
    points: i64,
    lines: i64,
    polygons: i64,
    heights: i64,
}

impl Ground {
    async fn lay() -> Self {
        let pair = Pair::start().await;
        let editor = pair.as_administrator().await;
        let request = CreateProjectRequest {
            project: Some(Project {
                name: "city".to_owned(),
                ..Project::default()
            }),
            request_id: String::new(),
        };
        let made = editor
            .projects()
            .create_project(request)
            .await
            .unwrap()
            .into_inner();
        let project = made.project.unwrap().project_id;
        let layer = |name, kind, z| create_layer(&editor, project, name, definition(kind, z));
        let points = layer("points", GeometryType::Point, ZPolicy::Forbidden)
            .await
            .unwrap();
        let lines = layer("lines", GeometryType::LineString, ZPolicy::Forbidden)
            .await
            .unwrap();
        let polygons = layer("polygons", GeometryType::Polygon, ZPolicy::Forbidden)
            .await
            .unwrap();
        let heights = layer("heights", GeometryType::Point, ZPolicy::Mandatory)
            .await
            .unwrap();
        Self {
            pair,
            editor,
            project,
            points,
            lines,
            polygons,
            heights,
        }
    }
}

fn definition(kind: GeometryType, z: ZPolicy) -> LayerDefinition {
    let number = |value| {
        Some(Value {
            kind: Some(Kind::Integer(value)),
        })
    };
    let text = |value: &str| {
        Some(Value {
            kind: Some(Kind::String(value.to_owned())),
        })
    };
    let constrained = |name, kind, constraints| AttributeDefinition {
        constraints: Some(constraints),
        ..wire::attribute(name, kind)
    };
    let short = AttributeConstraints {
        min_length: Some(1),
        max_length: Some(5),
        ..AttributeConstraints::default()
    };
    let small = AttributeConstraints {
        min_value: number(0),
        max_value: number(10),
        ..AttributeConstraints::default()
    };
    let allowed = ["a", "b"].map(|word| AllowedValue {
        value: text(word),
        label: String::new(),
    });
    let listed = AttributeConstraints {
        allowed_values: allowed.to_vec(),
        ..AttributeConstraints::default()
    };
    LayerDefinition {
        geometry_type: kind.into(),
        z_policy: z.into(),
        attributes: vec![
            AttributeDefinition {
                required: true,
                default_value: text("x"),
                ..constrained("name", AttributeType::String, short)
            },
            constrained("count", AttributeType::Integer, small),
            constrained("kind", AttributeType::String, listed),
            AttributeDefinition {
                read_only: true,
                default_value: number(7),
                ..wire::attribute("fixed", AttributeType::Integer)
            },
            wire::attribute("ratio", AttributeType::Double),
            wire::attribute("open", AttributeType::Boolean),
            wire::attribute("day", AttributeType::Date),
            wire::attribute("moment", AttributeType::DateTime),
            wire::attribute("blob", AttributeType::Binary),
        ],
        ..LayerDefinition::default()
    }
}

async fn create_layer(
    by: &Caller,
    project: i64,
    name: &str,
    definition: LayerDefinition,
) -> Result<i64, Status> {
    let all = [
        Permission::View,
        Permission::AddElements,
        Permission::ModifyElements,
        Permission::DeleteElements,
    ];
    let grant = LayerGrant {
        principal: wire::user(1),
        permissions: all.into_iter().map(i32::from).collect(),
        only_own: false,
    };
    let request = CreateLayerRequest {
        placement: Some(Placement::ProjectId(project)),
        name: name.to_owned(),
        definition: Some(definition),
        editing_enabled: Some(true),
        initial_grants: vec![grant],
        ..CreateLayerRequest::default()
    };
    let made = by.layers().create_layer(request).await?.into_inner();
    Ok(made.layer.unwrap().layer_id)
}

/// Asserts a refusal with its code, its reason and the path of the field, and that it tells nothing else.
fn refused<T: std::fmt::Debug>(result: Result<T, Status>, outcome: &str, field: &str) {
    let status = result.expect_err(&format!("accepted, and should be {outcome} at `{field}`"));
    let told = wire::outcome_of(&status).to_string();
    assert_eq!(told, outcome, "{}", status.message());
    assert_eq!(field_of(&status), field, "{}", status.message());
    discreet(&status);
}

/// The path of the field that a status names; empty when it names none.
fn field_of(status: &Status) -> String {
    let details = status.get_error_details();
    let violation = details
        .bad_request()
        .and_then(|bad| bad.field_violations.first());
    violation
        .map(|violation| violation.field.clone())
        .unwrap_or_default()
}

/// R120: no SQL, no paths, no types of ours, no driver's words.
fn discreet(status: &Status) {
    let told = format!(
        "{} {}",
        status.message(),
        String::from_utf8_lossy(status.details())
    )
    .to_lowercase();
    for word in [
        "sqlite",
        "sqlx",
        "select ",
        "insert ",
        "constraint failed",
        "/tmp",
        ".rs",
        "panick",
        "::",
        "l_1",
    ] {
        assert!(!told.contains(word), "`{word}` in {told}");
    }
}

const ATTRIBUTE: &str = "INVALID_ARGUMENT INVALID_ATTRIBUTE";
const GEOMETRY: &str = "INVALID_ARGUMENT INVALID_GEOMETRY";
const FIELD: &str = "INVALID_ARGUMENT INVALID_FIELD";
