//! Upserts by many at once, over a connection that breaks, and under rights that end (R51, R57, R105, R109).

use futures::future::join_all;
use jmap_proto::{
    layerdata::{
        ChangeLayerDefinitionRequest, ConstrainAttribute, DefinitionChange, Edit, EditMode,
        EditedElement, UpsertEdit, UpsertElementRequest, batch_edit_elements_response::Outcome,
        definition_change::Change, edit::Act,
    },
    types::AttributeConstraints,
};
use testkit::{Caller, Stage, wire};
use tonic::{Code, Status};

const TOWN: &str = "
world: several who upsert
users: [ana, ben, cem]
projects: [{ project: city, open: [ana, ben, cem] }]
layers: [{ layer: trees, editing: true }]
grants:
  - { layer: trees, to: ana, give: [add, modify, delete] }
  - { layer: trees, to: ben, give: [add, modify], only-own: true }
  - { layer: trees, to: cem, give: [add] }
";

/// The town, where no two trees have the same name.
async fn town() -> (Stage, i64) {
    let stage = Stage::set(TOWN).await;
    let layer_id = stage.layer("trees");
    let constraints = AttributeConstraints {
        max_length: Some(40),
        unique: true,
        ..AttributeConstraints::default()
    };
    let change = Change::Constrain(ConstrainAttribute {
        attribute_id: 1,
        constraints: Some(constraints),
        ..ConstrainAttribute::default()
    });
    let request = ChangeLayerDefinitionRequest {
        layer_id,
        expected_version: 1,
        changes: vec![DefinitionChange {
            change: Some(change),
        }],
        ..ChangeLayerDefinitionRequest::default()
    };
    let administrator = stage.pair.house().as_administrator().await;
    let mut layers = administrator.layers();
    layers.change_layer_definition(request).await.unwrap();
    (stage, layer_id)
}

fn upsert(name: &str) -> UpsertEdit {
    let name = wire::set_text("name", name);
    let element = wire::new_element("POINT(1 2)", vec![name.clone()]);
    UpsertEdit {
        key: name.attribute,
        geometry: Some(element.geometry),
        values: element.values,
    }
}

async fn upserted(
    caller: &Caller,
    layer_id: i64,
    name: &str,
    request_id: &str,
) -> Result<EditedElement, Status> {
    let request = UpsertElementRequest {
        layer_id,
        upsert: Some(upsert(name)),
        request_id: request_id.to_owned(),
    };
    let answer = caller.elements().upsert_element(request).await?;
    Ok(answer.into_inner().element.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_callers_at_once_one_creates_and_the_others_change() {
    // R109: alone and in batches, exactly one element for each name.
    let (stage, layer) = town().await;
    let ana = stage.caller("ana").await;
    for name in ["oak", "elm", "ash", "fir"] {
        let alone = (0..6).map(|_| upserted(&ana, layer, name, ""));
        let batches = ["x", "y"].map(|other| {
            let edits = [upsert(name), upsert(&format!("{name} {other}"))];
            let edit = |upsert| Edit {
                layer_id: layer,
                act: Some(Act::Upsert(upsert)),
            };
            ana.batch(edits.map(edit).to_vec(), EditMode::Partial, "")
        });
        let (alone, batches) = tokio::join!(join_all(alone), join_all(batches));
        let created = alone
            .into_iter()
            .filter(|edited| edited.as_ref().unwrap().created);
        let mut created = created.count();
        for batch in batches {
            let Outcome::Committed(results) = batch.unwrap() else {
                panic!("not committed")
            };
            let made = results
                .results
                .iter()
                .filter(|result| format!("{result:?}").contains("created: true"));
            created += made.count() - 1;
        }
        assert_eq!(created, 1);
    }
    assert_eq!(ana.count(layer).await.unwrap(), 12);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_told_what_the_first_call_did() {
    // R109: cem may only add, and is not told that the element is there by now.
    let (stage, layer) = town().await;
    let cem = stage.caller("cem").await;
    let id = "5a5ac0f4-7a35-4f7b-9c52-3b1a5a7b8f02";
    let first = upserted(&cem, layer, "oak", id).await.unwrap();
    let again = upserted(&cem, layer, "oak", id).await.unwrap();
    assert!(first.created);
    assert_eq!(first, again);
    let other = upserted(&cem, layer, "elm", id).await.unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition);
    let changed = upserted(&cem, layer, "oak", "").await.unwrap_err();
    assert_eq!(changed.code(), Code::PermissionDenied);
    assert_eq!(cem.count(layer).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_elements_alone_are_upserted_by_those_who_may_edit_no_others() {
    // R51.
    let (stage, layer) = town().await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    upserted(&ana, layer, "oak", "").await.unwrap();
    let mine = upserted(&ben, layer, "elm", "").await.unwrap();
    let again = upserted(&ben, layer, "elm", "").await.unwrap();
    assert_eq!((mine.created, again.created), (true, false));
    let foreign = upserted(&ben, layer, "oak", "").await.unwrap_err();
    assert_eq!(foreign.code(), Code::PermissionDenied);
    let taken = ben
        .add_with(layer, "POINT(1 2)", upsert("oak").values)
        .await;
    assert_eq!(taken.unwrap_err().code(), Code::AlreadyExists);
}
