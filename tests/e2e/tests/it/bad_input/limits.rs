//! Names, and how much one call may bring (R7, R26, R120).

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
