//! Unique attributes and upserts on the wire: what is refused, by which field, and what is told (R105, R109, R113).

use jmap_proto::{
    layerdata::{
        BatchEditElementsRequest, ChangeLayerDefinitionRequest, ConstrainAttribute,
        DefinitionChange, Edit, EditMode, EditedElement, UpsertEdit, UpsertElementRequest,
        batch_edit_elements_response::Outcome, definition_change::Change, edit::Act,
        edit_result::Result as Became,
    },
    types::{AttributeConstraints, value::Kind},
};
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{
    edits::count,
    fixture::{
        LAYER, Service, attribute, create_element, given, new_element, point, refusal, refused,
        text, value,
    },
};

async fn make_unique(service: &Service) -> Result<(), Status> {
    let constraints = AttributeConstraints {
        max_length: Some(40),
        unique: true,
        ..Default::default()
    };
    let change = Change::Constrain(ConstrainAttribute {
        attribute_id: 1,
        constraints: Some(constraints),
        ..Default::default()
    });
    let request = ChangeLayerDefinitionRequest {
        layer_id: LAYER,
        expected_version: 1,
        changes: vec![DefinitionChange {
            change: Some(change),
        }],
        ..Default::default()
    };
    service.layers().change_layer_definition(request).await?;
    Ok(())
}

async fn unique() -> Service {
    let service = Service::start().await;
    make_unique(&service).await.unwrap();
    service
}

fn upsert(name: &str, size: i64) -> UpsertEdit {
    UpsertEdit {
        key: Some(attribute("name")),
        geometry: Some(point(1.0, 2.0).into()),
        values: vec![
            given("size", value(Kind::Integer(size))),
            given("name", text(name)),
        ],
    }
}

async fn upserted(service: &Service, upsert: UpsertEdit) -> Result<EditedElement, Status> {
    let request = UpsertElementRequest {
        layer_id: LAYER,
        upsert: Some(upsert),
        request_id: String::new(),
    };
    let answer = service.elements().upsert_element(request).await?;
    Ok(answer.into_inner().element.unwrap())
}

#[tokio::test]
async fn a_value_that_is_taken_is_refused_and_says_nothing_else() {
    // R105, R113.
    let service = unique().await;
    let first = service.create(1.0, "a").await;
    let answer = service
        .elements()
        .create_element(create_element(2.0, "a"))
        .await;
    let status = answer.as_ref().unwrap_err().clone();
    let field = "element.values[0].value";
    assert_eq!(
        refused(answer),
        refusal(Code::AlreadyExists, "NOT_UNIQUE", field)
    );
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.metadata["attribute"], "name");
    let told = format!("{status:?}");
    assert!(
        !told.contains("element_id") && !told.contains("revision"),
        "{told}"
    );
    assert!(first.created);
    let act = |name| Act::Create(new_element(3.0, name));
    let edit = |name| Edit {
        layer_id: LAYER,
        act: Some(act(name)),
    };
    let batch = BatchEditElementsRequest {
        edits: vec![edit("b"), edit("a"), edit("c")],
        mode: EditMode::Partial.into(),
        ..Default::default()
    };
    let answer = service.elements().batch_edit_elements(batch).await.unwrap();
    let Some(Outcome::Committed(results)) = answer.into_inner().outcome else {
        panic!("not committed")
    };
    let reasons = results
        .results
        .into_iter()
        .map(|result| match result.result {
            Some(Became::Error(error)) => error.reason,
            Some(Became::Edited(_)) => "done".to_owned(),
            other => panic!("{other:?}"),
        });
    assert_eq!(reasons.collect::<Vec<_>>(), ["done", "NOT_UNIQUE", "done"]);
}

#[tokio::test]
async fn elements_that_share_a_value_are_named() {
    // R46, R114.
    let service = Service::start().await;
    service.create(1.0, "a").await;
    service.create(2.0, "b").await;
    service.create(3.0, "a").await;
    let status = make_unique(&service).await.unwrap_err();
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "DATA_CONTRADICTS");
    assert_eq!(
        (&*info.metadata["count"], &*info.metadata["element_ids"]),
        ("2", "1,3")
    );
}

#[tokio::test]
async fn an_upsert_tells_what_it_became() {
    let service = unique().await;
    let first = upserted(&service, upsert("a", 1)).await.unwrap();
    let second = upserted(&service, upsert("a", 2)).await.unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_eq!(first.element_id, second.element_id);
    assert_eq!(count(&service).await, 1);
}

#[tokio::test]
async fn a_wrong_field_of_an_upsert_is_named() {
    // R105, R120.
    let service = unique().await;
    let with = |change: &dyn Fn(&mut UpsertEdit)| {
        let mut upsert = upsert("a", 1);
        change(&mut upsert);
        upsert
    };
    let cases = [
        (with(&|edit| edit.key = None), "INVALID_FIELD", "upsert.key"),
        (
            with(&|edit| edit.key = Some(attribute("nowhere"))),
            "INVALID_ATTRIBUTE",
            "upsert.key",
        ),
        (
            with(&|edit| edit.key = Some(attribute("size"))),
            "INVALID_ATTRIBUTE",
            "upsert.key",
        ),
        (
            with(&|edit| edit.values.clear()),
            "INVALID_ATTRIBUTE",
            "upsert.values",
        ),
        (
            with(&|edit| edit.geometry = None),
            "INVALID_GEOMETRY",
            "upsert.geometry",
        ),
        (
            with(&|edit| edit.values[0] = given("size", text("x"))),
            "INVALID_ATTRIBUTE",
            "upsert.values[0].value",
        ),
    ];
    for (upsert, reason, field) in cases {
        let answer = upserted(&service, upsert.clone()).await;
        let expected = refusal(Code::InvalidArgument, reason, field);
        assert_eq!(refused(answer), expected, "{upsert:?}");
    }
    assert_eq!(count(&service).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_callers_at_once_one_creates() {
    // R109.
    let service = unique().await;
    for name in ["a", "b", "c"] {
        let mut callers = JoinSet::new();
        for size in 0..8 {
            let mut elements = service.elements();
            let request = UpsertElementRequest {
                layer_id: LAYER,
                upsert: Some(upsert(name, size)),
                request_id: String::new(),
            };
            callers.spawn(async move { elements.upsert_element(request).await });
        }
        let answers = callers.join_all().await.into_iter();
        let edited = answers.map(|answer| answer.unwrap().into_inner().element.unwrap());
        assert_eq!(edited.filter(|edited| edited.created).count(), 1);
    }
    assert_eq!(count(&service).await, 3);
}
