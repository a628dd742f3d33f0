//! Bad input over real sockets: a clear refusal with the field's path and a reason, and nothing changed.

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
    let (code, reason) = outcome.split_once(' ').unwrap();
    assert_eq!(
        wire::outcome_of(&status),
        Outcome::refused(code, reason),
        "{}",
        status.message()
    );
    let details = status.get_error_details();
    let named = details
        .bad_request()
        .and_then(|bad| bad.field_violations.first().cloned());
    let path = named.map(|violation| violation.field).unwrap_or_default();
    assert_eq!(path, field, "{}", status.message());
    discreet(&status);
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

#[tokio::test]
async fn values_outside_their_definition_are_refused_by_name() {
    // R104, R105, R115.
    let ground = Ground::lay().await;
    let null = || Kind::Null(jmap_proto::types::NullValue {});
    let text = |text: &str| Kind::String(text.to_owned());
    let bad = [
        ("nothing", text("x")),
        ("name", Kind::Integer(1)),
        ("name", null()),
        ("name", text("")),
        ("name", text("longer")),
        ("name", text("nu\0l")),
        ("count", text("1")),
        ("count", Kind::Double(1.0)),
        ("count", Kind::Integer(-1)),
        ("count", Kind::Integer(11)),
        ("kind", text("c")),
        ("fixed", Kind::Integer(7)),
        ("ratio", Kind::Double(f64::NAN)),
        ("ratio", Kind::Double(f64::INFINITY)),
        ("ratio", Kind::Integer(1)),
        ("open", Kind::Integer(1)),
        ("day", Kind::Date(i32::MAX)),
        ("day", Kind::DateTime(0)),
        ("moment", Kind::DateTime(i64::MAX)),
        ("blob", text("x")),
    ];
    for (name, kind) in bad {
        let at = "element.values[0]";
        let element = wire::new_element("POINT(1 2)", vec![wire::set(name, kind.clone())]);
        let result = ground.editor.create(ground.points, element, "").await;
        let status = result.expect_err(&format!("`{name}` = {kind:?} was accepted"));
        let outcome = wire::outcome_of(&status).to_string();
        // What no attribute could hold is refused by its path, before the layer is looked at.
        let named = status.message().contains(&format!("`{name}`"));
        assert!(
            outcome == FIELD || (outcome == ATTRIBUTE && named),
            "{outcome}: {}",
            status.message()
        );
        let details = status.get_error_details();
        let path = details.bad_request().unwrap().field_violations[0]
            .field
            .clone();
        assert!(path.starts_with(at), "`{path}` for `{name}`");
        discreet(&status);
    }
    assert_eq!(ground.editor.count(ground.points).await.unwrap(), 0);
}

#[tokio::test]
async fn good_values_of_every_type_come_back_as_they_were() {
    // R104, R105, R115: defaults fill what is not mentioned, read-only ones as well.
    let ground = Ground::lay().await;
    let given = [
        ("name", Kind::String("é\u{1F332}".to_owned())),
        ("count", Kind::Integer(10)),
        ("kind", Kind::String("b".to_owned())),
        ("ratio", Kind::Double(0.1 + 0.2)),
        ("open", Kind::Boolean(false)),
        ("day", Kind::Date(-719_162)),
        ("moment", Kind::DateTime(253_402_300_799_999)),
        ("blob", Kind::Binary(vec![0, 255, 0].into())),
    ];
    let values = given
        .iter()
        .map(|(name, kind)| wire::set(name, kind.clone()))
        .collect();
    let made = ground
        .editor
        .add_with(ground.points, "POINT(-180 90)", values)
        .await
        .unwrap();
    let seen = ground
        .editor
        .get(ground.points, made.element_id)
        .await
        .unwrap()
        .unwrap();
    let kinds: Vec<_> = seen
        .values
        .into_iter()
        .map(|value| value.kind.unwrap())
        .collect();
    let mut wanted: Vec<_> = given.into_iter().map(|(_, kind)| kind).collect();
    wanted.insert(3, Kind::Integer(7));
    assert_eq!(kinds, wanted);
    let bare = ground
        .editor
        .add(ground.points, "POINT(0 0)")
        .await
        .unwrap();
    let seen = ground
        .editor
        .get(ground.points, bare.element_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.values[0].kind, Some(Kind::String("x".to_owned())));
    assert_eq!(
        seen.values[1].kind,
        Some(Kind::Null(jmap_proto::types::NullValue {}))
    );
}

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

#[tokio::test]
async fn ids_that_are_none_are_refused_by_path() {
    // R103, R26, R120.
    let ground = Ground::lay().await;
    let mut elements = ground.editor.elements();
    for id in [0, -1, 1 << 53, i64::MAX, i64::MIN] {
        let get = GetElementsRequest {
            layer_id: id,
            element_ids: vec![1],
            mask: None,
        };
        refused(elements.get_elements(get).await, FIELD, "layer_id");
        let get = GetElementsRequest {
            layer_id: ground.points,
            element_ids: vec![1, id],
            mask: None,
        };
        refused(elements.get_elements(get).await, FIELD, "element_ids[1]");
        let delete = DeleteElementRequest {
            layer_id: ground.points,
            element_id: id,
            expected: wire::any_revision(),
            request_id: String::new(),
        };
        refused(elements.delete_element(delete).await, FIELD, "element_id");
        let query = LayerQuery {
            layer_id: id,
            ..LayerQuery::default()
        };
        let read = ReadElementsRequest {
            queries: vec![query],
            partial: false,
        };
        refused(
            elements.read_elements(read).await,
            FIELD,
            "queries[0].layer_id",
        );
        let question = Question {
            question: Some(question::Question::Layer(LayerQuestion {
                layer_id: id,
                act: 1,
            })),
        };
        let check = CheckRequest {
            subject: Some(oneself()),
            questions: vec![question],
            freshness: None,
        };
        refused(
            ground.editor.checks().check(check).await,
            FIELD,
            "questions[0].layer.layer_id",
        );
        let change = ProjectGrantChange {
            principal: wire::user(id),
            add: vec![1],
            remove: Vec::new(),
        };
        let update = UpdateProjectPermissionsRequest {
            project_id: ground.project,
            changes: vec![change],
        };
        let result = ground
            .editor
            .projects()
            .update_project_permissions(update)
            .await;
        refused(result, FIELD, "changes[0].principal.user_id");
    }
}

fn oneself() -> Subject {
    Subject {
        subject: Some(subject::Subject::Self_(
            jmap_proto::authorization::SelfSubject {},
        )),
        end_user_assertion: String::new(),
    }
}

#[tokio::test]
async fn unknown_words_of_enums_and_absent_fields_are_refused_by_path() {
    // R120.
    let ground = Ground::lay().await;
    let (editor, points) = (&ground.editor, ground.points);
    let check = |question| CheckRequest {
        subject: Some(oneself()),
        questions: vec![question],
        freshness: None,
    };
    for act in [0, 99, -1] {
        let question = Question {
            question: Some(question::Question::Layer(LayerQuestion {
                layer_id: points,
                act,
            })),
        };
        refused(
            editor.checks().check(check(question)).await,
            FIELD,
            "questions[0].layer.act",
        );
        let question = Question {
            question: Some(question::Question::Global(act)),
        };
        refused(
            editor.checks().check(check(question)).await,
            FIELD,
            "questions[0].global",
        );
    }
    refused(
        editor
            .checks()
            .check(check(Question { question: None }))
            .await,
        FIELD,
        "questions[0]",
    );
    let element = Some(wire::new_element("POINT(1 2)", Vec::new()));
    let create = CreateElementRequest {
        layer_id: points,
        element: None,
        request_id: String::new(),
    };
    refused(
        editor.elements().create_element(create).await,
        FIELD,
        "element",
    );
    let create = CreateElementRequest {
        layer_id: points,
        element,
        request_id: "not a uuid".to_owned(),
    };
    refused(
        editor.elements().create_element(create).await,
        FIELD,
        "request_id",
    );
    let made = editor.add(points, "POINT(1 2)").await.unwrap();
    let update = |expected, change| UpdateElementRequest {
        layer_id: points,
        element_id: made.element_id,
        expected,
        change,
        request_id: String::new(),
    };
    let change = || Some(wire::moved("POINT(3 3)"));
    refused(
        editor
            .elements()
            .update_element(update(None, change()))
            .await,
        FIELD,
        "expected",
    );
    let unset = Some(ExpectedRevision { expected: None });
    refused(
        editor
            .elements()
            .update_element(update(unset, change()))
            .await,
        FIELD,
        "expected",
    );
    refused(
        editor
            .elements()
            .update_element(update(wire::any_revision(), None))
            .await,
        FIELD,
        "change",
    );
    // An unset value is no null.
    let unset = AttributeValue {
        attribute: Some(wire::by_name("name")),
        value: Some(Value { kind: None }),
    };
    let change = ElementChange {
        geometry: None,
        values: vec![unset],
    };
    refused(
        editor
            .elements()
            .update_element(update(wire::any_revision(), Some(change)))
            .await,
        FIELD,
        "change.values[0].value",
    );
    for (kind, field) in [
        (0, "definition.geometry_type"),
        (99, "definition.geometry_type"),
    ] {
        let definition = LayerDefinition {
            geometry_type: kind,
            ..LayerDefinition::default()
        };
        refused(
            create_layer(editor, ground.project, "new", definition).await,
            FIELD,
            field,
        );
    }
    let batch = |edits| BatchEditElementsRequest {
        edits,
        ..BatchEditElementsRequest::default()
    };
    refused(
        editor
            .elements()
            .batch_edit_elements(batch(Vec::new()))
            .await,
        FIELD,
        "edits",
    );
    let edit = Edit {
        layer_id: points,
        act: None,
    };
    refused(
        editor
            .elements()
            .batch_edit_elements(batch(vec![edit]))
            .await,
        FIELD,
        "edits[0].act",
    );
}

#[tokio::test]
async fn masks_with_a_star_or_an_unknown_path_are_refused() {
    // R120: the mask decides what is asked for.
    let ground = Ground::lay().await;
    let administrator = &ground.editor;
    let user_id = ground.pair.create_user("ana").await;
    for path in ["*", "name", "nothing", ""] {
        let request = UpdateUserRequest {
            user: Some(User {
                user_id,
                ..User::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec![path.to_owned()],
            }),
        };
        refused(
            administrator.directory().update_user(request).await,
            FIELD,
            "update_mask.paths[0]",
        );
    }
    for path in ["*", "project_id"] {
        let request = UpdateProjectRequest {
            project: Some(Project {
                project_id: ground.project,
                name: "other".to_owned(),
                ..Project::default()
            }),
            update_mask: Some(FieldMask {
                paths: vec!["name".to_owned(), path.to_owned()],
            }),
        };
        refused(
            administrator.projects().update_project(request).await,
            FIELD,
            "update_mask.paths[1]",
        );
    }
    let mask = Some(ElementMask {
        geometry: true,
        attributes: vec![wire::by_name("nothing")],
        stamps: false,
    });
    let get = GetElementsRequest {
        layer_id: ground.points,
        element_ids: vec![1],
        mask,
    };
    let result = ground.editor.elements().get_elements(get).await;
    refused(result, ATTRIBUTE, "mask.attributes");
}

#[tokio::test]
async fn boxes_filters_and_pages_that_are_none_are_refused() {
    // R115, R120.
    let ground = Ground::lay().await;
    let list = |selection: Selection, page_size, page_token: &str| ListElementsRequest {
        layer_id: ground.points,
        selection: Some(selection),
        mask: None,
        page_size,
        page_token: page_token.to_owned(),
    };
    let boxed = |min_x, min_y, max_x, max_y| Selection {
        r#box: Some(Box {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg: 4326,
        }),
        ..Selection::default()
    };
    let mut elements = ground.editor.elements();
    for selection in [
        boxed(f64::NAN, 0.0, 1.0, 1.0),
        boxed(0.0, 0.0, f64::INFINITY, 1.0),
        boxed(0.0, 1.0, 1.0, 0.0),
    ] {
        let status = elements
            .list_elements(list(selection, 0, ""))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        assert!(
            details.bad_request().unwrap().field_violations[0]
                .field
                .starts_with("selection.box")
        );
    }
    let unknown = Selection {
        r#box: Some(Box {
            epsg: 999_999,
            max_x: 1.0,
            max_y: 1.0,
            ..Box::default()
        }),
        ..Selection::default()
    };
    refused(
        elements.list_elements(list(unknown, 0, "")).await,
        FIELD,
        "selection.box.epsg",
    );
    let compared = |name: &str, operator, kind| Selection {
        filter: Some(Filter {
            form: Some(filter::Form::Tree(Condition {
                kind: Some(condition::Kind::Comparison(Comparison {
                    attribute: Some(wire::by_name(name)),
                    operator,
                    value: Some(Value { kind: Some(kind) }),
                })),
            })),
        }),
        ..Selection::default()
    };
    for selection in [
        compared("nothing", 1, Kind::Integer(1)),
        compared("count", 99, Kind::Integer(1)),
        compared("count", 1, Kind::String("1' or '1'='1".to_owned())),
        compared("\"; drop table l_1; --", 1, Kind::Integer(1)),
    ] {
        let status = elements
            .list_elements(list(selection, 0, ""))
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{}", status.message());
        let details = status.get_error_details();
        let path = &details.bad_request().unwrap().field_violations[0].field;
        assert!(path.starts_with("selection.filter"), "{path}");
    }
    refused(
        elements
            .list_elements(list(Selection::default(), -1, ""))
            .await,
        FIELD,
        "page_size",
    );
    let forged = elements
        .list_elements(list(Selection::default(), 0, "forged"))
        .await;
    refused(forged, "INVALID_ARGUMENT INVALID_PAGE_TOKEN", "page_token");
    let request = ListUsersRequest {
        page_size: 0,
        page_token: "forged".to_owned(),
    };
    refused(
        ground.editor.directory().list_users(request).await,
        FIELD,
        "page_token",
    );
}

#[tokio::test]
async fn names_that_are_none_or_taken_are_refused() {
    // R7, R26, R105.
    let ground = Ground::lay().await;
    let administrator = &ground.editor;
    let user = |name: &str, password: &str| CreateUserRequest {
        user: Some(User {
            name: name.to_owned(),
            enabled: true,
            policy: 1,
            ..User::default()
        }),
        password: password.to_owned(),
        request_id: String::new(),
    };
    for name in ["", "  ", "a\nb", &"x".repeat(201)] {
        refused(
            administrator
                .directory()
                .create_user(user(name, testkit::PASSWORD))
                .await,
            FIELD,
            "user.name",
        );
        let group = Group {
            name: name.to_owned(),
            ..Group::default()
        };
        let request = CreateGroupRequest {
            group: Some(group),
            request_id: String::new(),
        };
        refused(
            administrator.directory().create_group(request).await,
            FIELD,
            "group.name",
        );
        let plain = definition(GeometryType::Point, ZPolicy::Forbidden);
        refused(
            create_layer(administrator, ground.project, name, plain).await,
            FIELD,
            "name",
        );
    }
    for password in ["", "short", "        "] {
        refused(
            administrator
                .directory()
                .create_user(user("ana", password))
                .await,
            FIELD,
            "password",
        );
    }
    let plain = definition(GeometryType::Point, ZPolicy::Forbidden);
    let taken = create_layer(administrator, ground.project, "POINTS ", plain)
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&taken),
        Outcome::refused("ALREADY_EXISTS", "NAME_TAKEN")
    );
    for (name, field) in [
        ("fid", "[0].name"),
        ("GEOM", "[0].name"),
        ("_x", "[0].name"),
        ("", "[0].name"),
        (&"x".repeat(64), "[0].name"),
    ] {
        let attributes = vec![wire::text_attribute(name)];
        let definition = LayerDefinition {
            geometry_type: 1,
            attributes,
            ..LayerDefinition::default()
        };
        let status = create_layer(administrator, ground.project, "new", definition)
            .await
            .unwrap_err();
        assert_eq!(
            status.code(),
            Code::InvalidArgument,
            "`{name}`: {}",
            status.message()
        );
        let path = status
            .get_error_details()
            .bad_request()
            .unwrap()
            .field_violations[0]
            .field
            .clone();
        assert!(path.ends_with(field), "{path}");
    }
    let attributes = vec![wire::text_attribute("Name"), wire::text_attribute("name")];
    let definition = LayerDefinition {
        geometry_type: 1,
        attributes,
        ..LayerDefinition::default()
    };
    let status = create_layer(administrator, ground.project, "new", definition)
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn messages_and_batches_that_are_too_large_are_refused() {
    // R120.
    let ground = Ground::lay().await;
    let edit = Edit {
        layer_id: ground.points,
        act: Some(Act::Create(wire::new_element("POINT(1 2)", Vec::new()))),
    };
    let batch = BatchEditElementsRequest {
        edits: vec![edit; 10_001],
        ..BatchEditElementsRequest::default()
    };
    let result = ground.editor.elements().batch_edit_elements(batch).await;
    refused(result, "RESOURCE_EXHAUSTED TOO_LARGE", "edits");
    let get = GetElementsRequest {
        layer_id: ground.points,
        element_ids: (1..=1001).collect(),
        mask: None,
    };
    let result = ground.editor.elements().get_elements(get).await;
    refused(result, "RESOURCE_EXHAUSTED TOO_LARGE", "element_ids");
    let changes = vec![jmap_proto::authorization::LayerPermissionsChange::default(); 1001];
    let request = UpdateLayerPermissionsRequest { changes };
    let result = ground
        .editor
        .administration()
        .update_layer_permissions(request)
        .await;
    refused(result, "RESOURCE_EXHAUSTED TOO_LARGE", "changes");
    let blob = wire::set("blob", Kind::Binary(vec![7; 9 << 20].into()));
    let element = wire::new_element("POINT(1 2)", vec![blob]);
    let status = ground
        .editor
        .create(ground.points, element, "")
        .await
        .unwrap_err();
    assert!(
        [Code::ResourceExhausted, Code::OutOfRange].contains(&status.code()),
        "{status:?}"
    );
    discreet(&status);
    assert_eq!(ground.editor.count(ground.points).await.unwrap(), 0);
}

#[tokio::test]
async fn a_call_without_time_left_is_told_so() {
    // R120.
    let ground = Ground::lay().await;
    let mut request = tonic::Request::new(GetElementsRequest {
        layer_id: ground.points,
        element_ids: vec![1],
        mask: None,
    });
    request.set_timeout(Duration::from_nanos(1));
    let status = ground
        .editor
        .elements()
        .get_elements(request)
        .await
        .unwrap_err();
    assert!(
        [Code::DeadlineExceeded, Code::Cancelled].contains(&status.code()),
        "{status:?}"
    );
}
