//! The real executables: signals, crashes, and authorization that is gone for a while.

use futures::future::join_all;
use jmap_proto::layerdata::ImportElementsRequest;
use testkit::{
    Caller, Executables, ServedFloor,
    ready::eventually,
    wire,
    world::{Outcome, World},
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

const TOWN: &str = "
world: one who edits
users: [ana]
projects: [{ project: city, open: [ana] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add, modify] }]
";

/// Both executables on fresh data, with a world in them.
struct Town {
    executables: Executables,
    layer: i64,
    ana: Caller,
}

impl Town {
    async fn start() -> Self {
        let executables = Executables::start().await;
        let house = executables.house();
        let floor = ServedFloor::of(house, &World::parse(TOWN)).await;
        let (layer, ana) = (floor.layer("trees"), floor.caller("ana").await);
        Self {
            executables,
            layer,
            ana,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_lets_running_calls_finish() {
    let mut town = Town::start().await;
    let (send, receive) = mpsc::channel(1);
    let mut transfer = town.ana.transfer();
    let importing =
        tokio::spawn(async move { transfer.import_elements(ReceiverStream::new(receive)).await });
    let batch = ImportElementsRequest {
        layer_id: town.layer,
        elements: vec![wire::new_element("POINT(1 2)", Vec::new()); 10],
    };
    send.send(batch.clone()).await.unwrap();
    let arrived = || async { (town.ana.count(town.layer).await.unwrap() == 10).then_some(()) };
    eventually("the first batch", arrived).await;
    let mut layer_data = town.executables.layer_data;
    let ending = tokio::task::spawn_blocking(move || {
        let ended_well = layer_data.terminate();
        (ended_well, layer_data.complaints())
    });
    // The call that is under way goes on, and is answered.
    send.send(batch).await.unwrap();
    drop(send);
    let summary = importing
        .await
        .unwrap()
        .unwrap()
        .into_inner()
        .summary
        .unwrap();
    assert_eq!(summary.created_elements, 20);
    assert_eq!(ending.await.unwrap(), (true, Vec::new()));
    assert!(town.executables.authorization.terminate());
    assert_eq!(
        town.executables.authorization.complaints(),
        Vec::<String>::new()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_crash() {
    // R109: of an edit that was answered nothing is lost, whatever crashes.
    let mut town = Town::start().await;
    let writers = (0..4).map(|_| {
        let (ana, layer) = (town.ana.clone(), town.layer);
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            while let Ok(made) = ana.add(layer, "POINT(1 2)").await {
                acknowledged.push(made.element_id);
            }
            acknowledged
        })
    });
    let writers: Vec<_> = writers.collect();
    let busy = || async { (town.ana.count(town.layer).await.unwrap() > 100).then_some(()) };
    eventually("some elements", busy).await;
    town.executables.layer_data.kill();
    town.executables.authorization.kill();
    let acknowledged: Vec<i64> = join_all(writers)
        .await
        .into_iter()
        .flat_map(Result::unwrap)
        .collect();
    town.executables.restart_authorization().await;
    town.executables.restart_layer_data().await;
    let ana = town.executables.house().as_user("ana").await;
    for id in &acknowledged {
        assert!(
            ana.get(town.layer, *id).await.unwrap().is_some(),
            "element `{id}` was lost"
        );
    }
    let kept = ana.count(town.layer).await.unwrap();
    let answered = i64::try_from(acknowledged.len()).unwrap();
    assert!(
        kept >= answered && kept <= answered + 4,
        "{kept} kept, {answered} answered"
    );
    // R103: and no id is given twice.
    let next = ana.add(town.layer, "POINT(1 2)").await.unwrap().element_id;
    assert!(acknowledged.iter().all(|id| *id < next));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_authorization_everything_is_refused_and_with_it_goes_on() {
    // R121.
    let mut town = Town::start().await;
    let before = town.ana.add(town.layer, "POINT(1 2)").await.unwrap();
    town.executables.authorization.kill();
    let unavailable = Outcome::refused("UNAVAILABLE", "UNAVAILABLE");
    let added = town.ana.add(town.layer, "POINT(3 4)").await;
    assert_eq!(wire::outcome(&added), unavailable);
    let moved = town
        .ana
        .change(town.layer, before.element_id, wire::moved("POINT(5 6)"))
        .await;
    assert_eq!(wire::outcome(&moved), unavailable);
    assert_eq!(
        wire::outcome(&town.ana.count(town.layer).await),
        unavailable
    );
    assert_eq!(wire::outcome(&town.ana.read(town.layer).await), unavailable);
    town.executables.restart_authorization().await;
    // layer-data was not touched: it finds its partner again by itself, and the session is still open.
    let found = || async { town.ana.count(town.layer).await.ok() };
    assert_eq!(eventually("authorization", found).await, 1);
    town.ana.add(town.layer, "POINT(3 4)").await.unwrap();
}
