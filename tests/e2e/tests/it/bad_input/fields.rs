//! Ids, enums, absent fields and masks (R26, R103, R120).

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
