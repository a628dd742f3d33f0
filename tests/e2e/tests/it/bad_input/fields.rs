//! Ids, enums, absent fields and masks (R26, R103, R120).

use jmap_proto::{
    authorization::{
        Project, ProjectGrantChange, Question, UpdateProjectPermissionsRequest,
        UpdateProjectRequest, UpdateUserRequest, User, question,
    },
    layerdata::{
        AttributeValue, BatchEditElementsRequest, Edit, ElementChange, ElementMask,
        GetElementsRequest, LayerDefinition, UpdateElementRequest,
    },
    types::{ExpectedRevision, Value},
};
use prost_types::FieldMask;
use testkit::wire;

use super::{ATTRIBUTE, FIELD, Ground, create_layer, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_are_none_are_refused_by_path() {
    // R103, R26, R120.
    let ground = Ground::lay().await;
    let (editor, points) = (&ground.editor, ground.points);
    for id in [0, -1, 1 << 53, i64::MAX, i64::MIN] {
        refused(editor.count(id).await, FIELD, "layer_id");
        refused(editor.read(id).await, FIELD, "queries[0].layer_id");
        refused(editor.delete(points, id).await, FIELD, "element_id");
        let moved = editor.change(points, id, wire::moved("POINT(0 0)")).await;
        refused(moved, FIELD, "element_id");
        let get = GetElementsRequest {
            layer_id: points,
            element_ids: vec![1, id],
            mask: None,
            ..Default::default()
        };
        let got = editor.elements().get_elements(get).await;
        refused(got, FIELD, "element_ids[1]");
        let asked = editor.ask(wire::on_layer(id, 1)).await;
        refused(asked, FIELD, "questions[0].layer.layer_id");
        let change = ProjectGrantChange {
            principal: wire::user(id),
            add: vec![1],
            remove: Vec::new(),
        };
        let update = UpdateProjectPermissionsRequest {
            project_id: ground.project,
            changes: vec![change],
        };
        let granted = editor.projects().update_project_permissions(update).await;
        refused(granted, FIELD, "changes[0].principal.user_id");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_words_of_enums_are_refused_by_path() {
    // R120.
    let ground = Ground::lay().await;
    let editor = &ground.editor;
    for number in [0, 99, -1] {
        let asked = editor.ask(wire::on_layer(ground.points, number)).await;
        refused(asked, FIELD, "questions[0].layer.act");
        let global = Some(question::Question::Global(number));
        let asked = editor.ask(Question { question: global }).await;
        refused(asked, FIELD, "questions[0].global");
        let definition = LayerDefinition {
            geometry_type: number,
            ..LayerDefinition::default()
        };
        let made = create_layer(editor, ground.project, "new", definition).await;
        refused(made, FIELD, "definition.geometry_type");
    }
    let asked = editor.ask(Question { question: None }).await;
    refused(asked, FIELD, "questions[0]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_without_what_they_need_are_refused_by_path() {
    // R120.
    let ground = Ground::lay().await;
    let (editor, points) = (&ground.editor, ground.points);
    let element = wire::new_element("POINT(1 2)", Vec::new());
    let made = editor.create(points, element, "not a uuid").await;
    refused(made, FIELD, "request_id");
    let batch = |edits| BatchEditElementsRequest {
        edits,
        ..BatchEditElementsRequest::default()
    };
    let done = editor
        .elements()
        .batch_edit_elements(batch(Vec::new()))
        .await;
    refused(done, FIELD, "edits");
    let edit = Edit {
        layer_id: points,
        act: None,
    };
    let done = editor
        .elements()
        .batch_edit_elements(batch(vec![edit]))
        .await;
    refused(done, FIELD, "edits[0].act");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_say_what_they_expect_and_what_they_change() {
    // R107, R108.
    let ground = Ground::lay().await;
    let (editor, layer_id) = (&ground.editor, ground.points);
    let element_id = editor.add(layer_id, "POINT(1 2)").await.unwrap().element_id;
    let moved = || Some(wire::moved("POINT(3 3)"));
    // An unset value is no null.
    let unset = AttributeValue {
        attribute: Some(wire::by_name("name")),
        value: Some(Value { kind: None }),
    };
    let unset = ElementChange {
        geometry: None,
        values: vec![unset],
    };
    let bad = [
        (None, moved(), "expected"),
        (
            Some(ExpectedRevision { expected: None }),
            moved(),
            "expected",
        ),
        (wire::any_revision(), None, "change"),
        (wire::any_revision(), Some(unset), "change.values[0].value"),
    ];
    for (expected, change, field) in bad {
        let request = UpdateElementRequest {
            layer_id,
            element_id,
            expected,
            change,
            request_id: String::new(),
        };
        let updated = editor.elements().update_element(request).await;
        refused(updated, FIELD, field);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
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
        ..Default::default()
    };
    let result = ground.editor.elements().get_elements(get).await;
    refused(result, ATTRIBUTE, "mask.attributes");
}
