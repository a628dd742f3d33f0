//! A right that was taken away is gone: for the next call, and for whatever is under way (R10, R123).

use std::time::Duration;

use futures::future::join_all;
use jmap_proto::layerdata::{
    ImportElementsRequest, LayerQuery, ReadElementsRequest, ReadElementsResponse,
    read_elements_response::Part,
};
use testkit::{Caller, Stage, everywhere, ready::eventually, wire, world::Outcome};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

const TOWN: &str = "
world: one who adds, by a row, and another, by a group
users: [ana, ben, eye]
groups: [{ group: crew, members: [ben] }]
projects: [{ project: city, open: [ana, crew, eye] }]
layers: [{ layer: trees, editing: true }]
grants:
  - { layer: trees, to: ana, give: [add] }
  - { layer: trees, to: crew, give: [add] }
";

/// Adds until refused; answers how often it was done, and the refusal.
async fn add_until_refused(caller: Caller, layer: i64) -> (i64, Outcome) {
    let mut done = 0;
    loop {
        match caller.add(layer, "POINT(1 2)").await {
            Ok(_) => done += 1,
            // On a busy machine permits run out, and nothing is done.
            Err(status) if status.code() == Code::Unavailable => {}
            Err(status) => return (done, wire::outcome_of(&status)),
        }
    }
}

/// Takes a right away while four writers use it.
async fn nothing_commits_afterwards(writer: &str, taken: &str, refusal: Outcome) {
    let mut stage = Stage::set(TOWN).await;
    let layer = stage.layer("trees");
    let (writer, eye) = (stage.caller(writer).await, stage.caller("eye").await);
    let writers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(add_until_refused(writer.clone(), layer)))
        .collect();
    let busy = || async { (eye.count(layer).await.unwrap() > 40).then_some(()) };
    eventually("some elements", busy).await;
    crate::change(&mut stage, taken).await;
    // Acknowledged: from here on nothing is added by the old right.
    let at_acknowledgement = eye.count(layer).await.unwrap();
    let mut acknowledged = 0;
    // Bounded: where the right lives on, the writers never end.
    let ended = timeout(Duration::from_secs(20), join_all(writers)).await;
    for ended in ended.expect("whoever goes on is refused") {
        let (done, outcome) = ended.unwrap();
        assert_eq!(outcome, refusal, "{taken}");
        acknowledged += done;
    }
    assert_eq!(
        eye.count(layer).await.unwrap(),
        at_acknowledgement,
        "{taken}"
    );
    assert_eq!(acknowledged, at_acknowledgement, "{taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_edit_commits_after_a_revocation_was_acknowledged() {
    // R10, R123.
    let refused = || Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED");
    let taken = "{ revoke: { layer: trees, from: ana, take: [add] } }";
    nothing_commits_afterwards("ana", taken, refused()).await;
    let taken = "{ leave: { user: ben, group: crew } }";
    // The crew was ben's way into the project as well (R40).
    nothing_commits_afterwards("ben", taken, Outcome::refused("NOT_FOUND", "NOT_FOUND")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_edit_commits_after_the_project_or_editing_was_closed() {
    // R22, R31, R123.
    let taken = "{ revoke-project: { project: city, principal: ana, right: open } }";
    nothing_commits_afterwards("ana", taken, Outcome::refused("NOT_FOUND", "NOT_FOUND")).await;
    let taken = "{ editing: { layer: trees, enabled: false } }";
    let refused = Outcome::refused("FAILED_PRECONDITION", "EDITING_DISABLED");
    nothing_commits_afterwards("ana", taken, refused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_edit_commits_after_the_account_was_disabled() {
    // R9, R123.
    let refused = Outcome::refused("UNAUTHENTICATED", "ACCOUNT_DISABLED");
    nothing_commits_afterwards("ana", "{ disable: ana }", refused).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_under_way_stops_at_a_revocation() {
    // R123: no import batch that begins afterwards is decided by the old right.
    let mut stage = Stage::set(TOWN).await;
    let layer_id = stage.layer("trees");
    let (ana, eye) = (stage.caller("ana").await, stage.caller("eye").await);
    let (send, receive) = mpsc::channel(1);
    let mut transfer = ana.transfer();
    let importing =
        tokio::spawn(async move { transfer.import_elements(ReceiverStream::new(receive)).await });
    let batch = || ImportElementsRequest {
        layer_id,
        elements: vec![wire::new_element("POINT(1 2)", Vec::new()); 50],
    };
    send.send(batch()).await.unwrap();
    let arrived = || async { (eye.count(layer_id).await.unwrap() == 50).then_some(()) };
    eventually("the first batch", arrived).await;
    crate::change(
        &mut stage,
        "{ revoke: { layer: trees, from: ana, take: [add] } }",
    )
    .await;
    let _refused_already = send.send(batch()).await;
    drop(send);
    let ended = importing.await.unwrap();
    assert_eq!(
        wire::outcome(&ended),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    assert_eq!(eye.count(layer_id).await.unwrap(), 50);
}

/// Imports elements that are too large together to be under way to a reader all at once.
async fn import_bulky(caller: &Caller, layer_id: i64) {
    let value = || vec![wire::set_text("name", &"bark ".repeat(4_000))];
    let batch = || ImportElementsRequest {
        layer_id,
        elements: vec![wire::new_element("POINT(1 2)", value()); 50],
    };
    let batches: Vec<_> = (0..BULKY / 50).map(|_| batch()).collect();
    let mut transfer = caller.transfer();
    let imported = transfer.import_elements(tokio_stream::iter(batches)).await;
    imported.unwrap();
}

/// Of 20 kB each.
const BULKY: i64 = 800;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_read_ends_when_its_right_is_taken() {
    // R119, R123: what was sent before is under way; what would follow is not sent.
    let mut stage = Stage::set(TOWN).await;
    let layer_id = stage.layer("trees");
    let (ana, eye) = (stage.caller("ana").await, stage.caller("eye").await);
    import_bulky(&ana, layer_id).await;
    let query = LayerQuery {
        layer_id,
        selection: Some(everywhere()),
        ..LayerQuery::default()
    };
    let request = ReadElementsRequest {
        queries: vec![query],
        partial: false,
    };
    let mut elements = eye.elements();
    let mut stream = elements.read_elements(request).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let closed = "{ revoke-project: { project: city, principal: eye, right: open } }";
    crate::change(&mut stage, closed).await;
    let ended = timeout(Duration::from_secs(5), async {
        let mut seen = 0;
        loop {
            match stream.message().await {
                Ok(Some(ReadElementsResponse {
                    part: Some(Part::Batch(batch)),
                    ..
                })) => {
                    seen += i64::try_from(batch.elements.len()).unwrap();
                }
                Ok(Some(_)) => {}
                ended => break (seen, ended.map(drop)),
            }
        }
    });
    let (seen, ended) = ended.await.expect("the read ends within 5 s");
    let absent = Outcome::refused("NOT_FOUND", "NOT_FOUND");
    assert_eq!(wire::outcome(&ended), absent, "after {seen} elements");
    assert!(seen < BULKY, "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_was_given_counts_for_the_next_call() {
    // R10.
    let mut stage = Stage::set(TOWN).await;
    let (eye, layer) = (stage.caller("eye").await, stage.layer("trees"));
    let refused = eye.add(layer, "POINT(1 2)").await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    crate::change(
        &mut stage,
        "{ grant: { layer: trees, to: eye, give: [add] } }",
    )
    .await;
    eye.add(layer, "POINT(1 2)").await.unwrap();
}
