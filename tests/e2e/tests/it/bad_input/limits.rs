//! Names, and how much one call may bring (R7, R26, R120).

use std::time::Duration;

use jmap_proto::{
    authorization::{
        AccountPolicy, CreateGroupRequest, CreateUserRequest, Group, UpdateLayerPermissionsRequest,
        User,
    },
    layerdata::{BatchEditElementsRequest, Edit, GetElementsRequest, LayerDefinition, edit::Act},
    types::{GeometryType, ZPolicy, value::Kind},
};
use testkit::wire;
use tonic::Code;

use super::{FIELD, Ground, create_layer, definition, refused};

fn user(name: &str, password: &str) -> CreateUserRequest {
    CreateUserRequest {
        user: Some(User {
            name: name.to_owned(),
            enabled: true,
            policy: AccountPolicy::Ordinary.into(),
            ..User::default()
        }),
        password: password.to_owned(),
        request_id: String::new(),
    }
}

fn plain() -> LayerDefinition {
    definition(GeometryType::Point, ZPolicy::Forbidden)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_and_passwords_that_are_none_are_refused() {
    // R26.
    let ground = Ground::lay().await;
    let by = &ground.editor;
    for name in ["", "  ", "a\nb", &"x".repeat(201)] {
        let made = by
            .directory()
            .create_user(user(name, testkit::PASSWORD))
            .await;
        refused(made, FIELD, "user.name");
        let group = Group {
            name: name.to_owned(),
            ..Group::default()
        };
        let request = CreateGroupRequest {
            group: Some(group),
            request_id: String::new(),
        };
        refused(
            by.directory().create_group(request).await,
            FIELD,
            "group.name",
        );
        let made = create_layer(by, ground.project, name, plain()).await;
        refused(made, FIELD, "name");
    }
    for password in ["", "short", "        "] {
        let made = by.directory().create_user(user("ana", password)).await;
        refused(made, FIELD, "password");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_is_taken_is_refused_whatever_its_case() {
    // R7, R26.
    let ground = Ground::lay().await;
    let made = create_layer(&ground.editor, ground.project, "POINTS ", plain()).await;
    refused(made, "ALREADY_EXISTS NAME_TAKEN", "name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attributes_that_cannot_be_columns_are_refused() {
    // R105; reserved, too long, and twice.
    let ground = Ground::lay().await;
    let long = "x".repeat(64);
    for names in [
        vec!["fid"],
        vec!["GEOM"],
        vec!["_x"],
        vec![""],
        vec![&long],
        vec!["Name", "name"],
    ] {
        let definition = LayerDefinition {
            geometry_type: GeometryType::Point.into(),
            attributes: names
                .iter()
                .map(|name| wire::text_attribute(name))
                .collect(),
            ..LayerDefinition::default()
        };
        let last = format!("definition.attributes[{}].name", names.len() - 1);
        let made = create_layer(&ground.editor, ground.project, "new", definition).await;
        refused(made, FIELD, &last);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
        ..Default::default()
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
    let result = ground.editor.create(ground.points, element, "").await;
    refused(result, "RESOURCE_EXHAUSTED TOO_LARGE", "");
    assert_eq!(ground.editor.count(ground.points).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_time_left_is_told_so() {
    // R120.
    let ground = Ground::lay().await;
    let mut request = tonic::Request::new(GetElementsRequest {
        layer_id: ground.points,
        element_ids: vec![1],
        mask: None,
        ..Default::default()
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
