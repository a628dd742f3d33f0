//! Edits of single elements: stamps, revisions, retries.

use std::collections::BTreeSet;

use futures::future::join_all;
use jmap_proto::{
    layerdata::{EditedElement, ElementChange},
    types::value::Kind,
};
use testkit::{Stage, wire, world::Outcome};
use tonic_types::StatusExt;

const TOWN: &str = "
world: two editors
users: [ana, ben]
projects: [{ project: city, open: [ana, ben] }]
layers: [{ layer: trees, editing: true }]
grants:
  - { layer: trees, to: ana, give: [add, modify, delete] }
  - { layer: trees, to: ben, give: [modify] }
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stamps_are_the_servers_and_the_creator_never_changes() {
    // R54, R106, R59.
    let stage = Stage::set(TOWN).await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let layer = stage.layer("trees");
    let made = ana.add(layer, "POINT(1 2)").await.unwrap();
    let change = wire::revalued(vec![wire::set_text("name", "oak")]);
    ben.change(layer, made.element_id, change).await.unwrap();
    let seen = ana.get(layer, made.element_id).await.unwrap().unwrap();
    let stamps = seen.stamps.unwrap();
    assert_eq!(stamps.created_by, stage.floor.user("ana"));
    assert_eq!(stamps.updated_by, stage.floor.user("ben"));
    let (created, updated) = (stamps.create_time.unwrap(), stamps.update_time.unwrap());
    assert!(created.seconds > 1_600_000_000, "a time of day");
    assert!((created.seconds, created.nanos) <= (updated.seconds, updated.nanos));
    // Whose it is, is told to each reader for itself.
    assert!(seen.own);
    assert!(!ben.get(layer, made.element_id).await.unwrap().unwrap().own);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_changes_only_what_it_names() {
    // R107, R104: null is distinct from empty.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let values = vec![wire::set_text("name", "")];
    let id = ana
        .add_with(layer, "POINT(1 2)", values)
        .await
        .unwrap()
        .element_id;
    let before = ana.get(layer, id).await.unwrap().unwrap();
    assert_eq!(kinds(&before), [Some(Kind::String(String::new()))]);
    ana.change(layer, id, wire::moved("POINT(3 4)"))
        .await
        .unwrap();
    let moved = ana.get(layer, id).await.unwrap().unwrap();
    assert_eq!(kinds(&moved), kinds(&before));
    assert_eq!(moved.geometry, wire::wkb("POINT(3 4)"));
    let null = wire::set("name", Kind::Null(jmap_proto::types::NullValue {}));
    ana.change(layer, id, wire::revalued(vec![null]))
        .await
        .unwrap();
    let named = ana.get(layer, id).await.unwrap().unwrap();
    assert_eq!(
        kinds(&named),
        [Some(Kind::Null(jmap_proto::types::NullValue {}))]
    );
    assert_eq!(named.geometry, moved.geometry);
    assert!(before.revision < moved.revision && moved.revision < named.revision);
}

fn kinds(element: &jmap_proto::layerdata::Element) -> Vec<Option<Kind>> {
    element
        .values
        .iter()
        .map(|value| value.kind.clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_revision_is_aborted_with_the_current_one() {
    // R108.
    let stage = Stage::set(TOWN).await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let layer = stage.layer("trees");
    let first = ana.add(layer, "POINT(1 2)").await.unwrap();
    let second = ben
        .change_as_of(layer, first, wire::moved("POINT(3 4)"))
        .await
        .unwrap();
    assert!(second.revision > first.revision);
    let refused = ana
        .change_as_of(layer, first, wire::moved("POINT(5 6)"))
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("ABORTED", "STALE_REVISION")
    );
    assert_eq!(current_revision(&refused), second.revision);
    let seen = ana.get(layer, first.element_id).await.unwrap().unwrap();
    assert_eq!(
        seen.geometry,
        wire::wkb("POINT(3 4)"),
        "nothing is overwritten"
    );
    assert_eq!(seen.revision, second.revision);
}

fn current_revision(status: &tonic::Status) -> i64 {
    let details = status.get_error_details();
    let metadata = &details.error_info().expect("an ErrorInfo").metadata;
    metadata
        .get("current_revision")
        .expect("the current one")
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_of_one_element_exactly_one_wins() {
    // R108.
    let stage = Stage::set(TOWN).await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let layer = stage.layer("trees");
    let mut seen = ana.add(layer, "POINT(0 0)").await.unwrap();
    for round in 1..=5 {
        let writers = (0..8).map(|writer| {
            let caller = if writer % 2 == 0 {
                ana.clone()
            } else {
                ben.clone()
            };
            let at = format!("POINT({round} {writer})");
            async move {
                (
                    writer,
                    caller.change_as_of(layer, seen, wire::moved(&at)).await,
                )
            }
        });
        let mut won = Vec::new();
        let mut lost = Vec::new();
        for (writer, result) in join_all(writers).await {
            match result {
                Ok(edited) => won.push((writer, edited)),
                Err(status) => lost.push(status),
            }
        }
        let [(writer, winner)] = won.as_slice() else {
            panic!("{} winners", won.len())
        };
        for status in &lost {
            assert_eq!(
                wire::outcome_of(status),
                Outcome::refused("ABORTED", "STALE_REVISION")
            );
            assert_eq!(current_revision(status), winner.revision);
        }
        let kept = ana.get(layer, seen.element_id).await.unwrap().unwrap();
        assert_eq!(
            kept.geometry,
            wire::wkb(&format!("POINT({round} {writer})"))
        );
        seen = *winner;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retried_create_creates_once() {
    // R109.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let id = "6b2ad9c1-5d0f-4a8e-9e50-0d1f1a4f3b11";
    let element = || wire::new_element("POINT(1 2)", vec![wire::set_text("name", "oak")]);
    let retries = (0..6).map(|_| ana.create(layer, element(), id));
    let answers: BTreeSet<_> = join_all(retries)
        .await
        .into_iter()
        .map(|answer| pair(answer.unwrap()))
        .collect();
    assert_eq!(
        answers.len(),
        1,
        "every retry is answered as the first call was"
    );
    assert_eq!(ana.count(layer).await.unwrap(), 1);
    // Other content under the same id is refused.
    let other = wire::new_element("POINT(9 9)", Vec::new());
    let refused = ana.create(layer, other, id).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("FAILED_PRECONDITION", "REQUEST_ID_REUSED")
    );
    // Ids of others are unrelated.
    let ben = stage.caller("ben").await;
    let refused = ben.create(layer, element(), id).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    assert_eq!(ana.count(layer).await.unwrap(), 1);
}

fn pair(edited: EditedElement) -> (i64, i64) {
    (edited.element_id, edited.revision)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_create_asks_for_the_right_again() {
    // R109, R10: the stored answer is no way around a revocation.
    let mut stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let id = "0c3bb6b0-7a3c-4f9e-8d0e-2f6b40f4c4aa";
    let element = || wire::new_element("POINT(1 2)", Vec::new());
    ana.create(layer, element(), id).await.unwrap();
    crate::change(
        &mut stage,
        "{ revoke: { layer: trees, from: ana, take: [add] } }",
    )
    .await;
    let refused = ana.create(layer, element(), id).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn element_ids_are_never_reused() {
    // R103.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let mut used = BTreeSet::new();
    for _ in 0..5 {
        let id = ana.add(layer, "POINT(1 2)").await.unwrap().element_id;
        assert!(id > 0 && id < 1 << 53);
        assert!(used.insert(id), "`{id}` was given before");
        ana.delete(layer, id).await.unwrap();
        assert_eq!(ana.get(layer, id).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_names_nothing_is_refused() {
    // R107.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let id = ana.add(layer, "POINT(1 2)").await.unwrap().element_id;
    let refused = ana
        .change(layer, id, ElementChange::default())
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("INVALID_ARGUMENT", "INVALID_FIELD")
    );
}
