//! Batches: all or nothing, or each for itself (R57, R109).

use jmap_proto::layerdata::{
    DeleteEdit, Edit, EditMode, EditResult, UpdateEdit, batch_edit_elements_response::Outcome,
    edit::Act, edit_result::Result as Became,
};
use testkit::{Caller, Stage, wire};

const TOWN: &str = "
world: one who edits her own alone
users: [ana, ben]
projects: [{ project: city, open: [ana, ben] }]
layers: [{ layer: trees, editing: true }, { layer: hidden, editing: true, view: nobody }]
grants:
  - { layer: trees, to: ana, give: [add, modify, delete], only-own: true }
  - { layer: trees, to: ben, give: [add] }
elements:
  - { element: mine, in: trees, by: ana }
  - { element: foreign, in: trees, by: ben }
  - { element: other, in: trees, by: ana }
";

fn create(layer_id: i64, at: &str) -> Edit {
    let act = Act::Create(wire::new_element(at, Vec::new()));
    Edit {
        layer_id,
        act: Some(act),
    }
}

fn update((layer_id, element_id): (i64, i64), at: &str) -> Edit {
    let act = UpdateEdit {
        element_id,
        expected: wire::any_revision(),
        change: Some(wire::moved(at)),
    };
    Edit {
        layer_id,
        act: Some(Act::Update(act)),
    }
}

fn delete((layer_id, element_id): (i64, i64)) -> Edit {
    let act = DeleteEdit {
        element_id,
        expected: wire::any_revision(),
    };
    Edit {
        layer_id,
        act: Some(Act::Delete(act)),
    }
}

fn words(results: &[EditResult]) -> Vec<String> {
    let word = |result: &EditResult| match result.result.as_ref().expect("a result") {
        Became::Edited(_) => "edited".to_owned(),
        Became::Error(error) => format!("{} {}", wire::code_word(error.code), error.reason),
        Became::NotAttempted(_) => "not attempted".to_owned(),
    };
    results.iter().map(word).collect()
}

async fn places(ana: &Caller, elements: &[(i64, i64)]) -> Vec<Option<Vec<u8>>> {
    let mut found = Vec::new();
    for (layer, id) in elements {
        let element = ana.get(*layer, *id).await.unwrap();
        found.push(element.map(|element| element.geometry.to_vec()));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_atomic_batch_with_a_foreign_element_is_refused_whole() {
    // R57, R109.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let [mine, foreign, other] = ["mine", "foreign", "other"].map(|name| stage.floor.element(name));
    let before = places(&ana, &[mine, foreign, other]).await;
    let edits = vec![
        create(layer, "POINT(8 8)"),
        update(mine, "POINT(9 9)"),
        delete(foreign),
        delete(other),
    ];
    let outcome = ana.batch(edits, EditMode::Atomic, "").await.unwrap();
    let Outcome::Refused(refused) = outcome else {
        panic!("{outcome:?}")
    };
    let told = words(&refused.results);
    assert_eq!(told.len(), 4);
    assert_eq!(told[2], "PERMISSION_DENIED NOT_OWN_ELEMENT");
    assert!(!told.contains(&"edited".to_owned()), "{told:?}");
    assert_eq!(places(&ana, &[mine, foreign, other]).await, before);
    assert_eq!(
        ana.count(layer).await.unwrap(),
        3,
        "nothing was created either"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partial_batch_reports_exactly_the_foreign_element() {
    // R57, R109.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let [mine, foreign, other] = ["mine", "foreign", "other"].map(|name| stage.floor.element(name));
    let edits = vec![
        create(layer, "POINT(8 8)"),
        update(foreign, "POINT(9 9)"),
        update(mine, "POINT(9 9)"),
        delete(other),
    ];
    let outcome = ana.batch(edits, EditMode::Partial, "").await.unwrap();
    let Outcome::Committed(done) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(
        words(&done.results),
        [
            "edited",
            "PERMISSION_DENIED NOT_OWN_ELEMENT",
            "edited",
            "edited"
        ]
    );
    let found = places(&ana, &[mine, foreign, other]).await;
    assert_eq!(
        found,
        [
            Some(wire::wkb("POINT(9 9)")),
            Some(wire::wkb("POINT(1 2)")),
            None
        ]
    );
    assert_eq!(ana.count(layer).await.unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_over_a_layer_that_is_not_seen_tells_nothing_of_it() {
    // R40, R109.
    let stage = Stage::set(TOWN).await;
    let (ana, trees, hidden) = (
        stage.caller("ana").await,
        stage.layer("trees"),
        stage.layer("hidden"),
    );
    let mut told = Vec::new();
    for layer in [hidden, 900_000] {
        let edits = vec![create(trees, "POINT(8 8)"), create(layer, "POINT(8 8)")];
        let outcome = ana.batch(edits, EditMode::Partial, "").await.unwrap();
        let Outcome::Committed(done) = outcome else {
            panic!("{outcome:?}")
        };
        told.push(words(&done.results));
    }
    assert_eq!(told[0], ["edited", "NOT_FOUND NOT_FOUND"]);
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retried_batch_is_answered_as_the_first_was() {
    // R109.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let id = "5a5ac0f4-7a35-4f7b-9c52-3b1a5a7b8f01";
    let edits = || vec![create(layer, "POINT(8 8)"), create(layer, "POINT(7 7)")];
    let first = ana.batch(edits(), EditMode::Atomic, id).await.unwrap();
    let again = ana.batch(edits(), EditMode::Atomic, id).await.unwrap();
    assert_eq!(first, again);
    assert_eq!(ana.count(layer).await.unwrap(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_validated_batch_changes_nothing() {
    // R109.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let foreign = stage.floor.element("foreign");
    let request = jmap_proto::layerdata::BatchEditElementsRequest {
        edits: vec![create(layer, "POINT(8 8)"), delete(foreign)],
        mode: EditMode::Partial.into(),
        request_id: String::new(),
        validate_only: true,
    };
    let answer = ana.elements().batch_edit_elements(request).await.unwrap();
    let Some(Outcome::Validated(results)) = answer.into_inner().outcome else {
        panic!("not validated")
    };
    assert_eq!(
        words(&results.results)[1],
        "PERMISSION_DENIED NOT_OWN_ELEMENT"
    );
    assert_eq!(ana.count(layer).await.unwrap(), 3);
}
