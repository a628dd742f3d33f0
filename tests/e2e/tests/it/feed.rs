//! The change feed: watchers beside writers, across a crash, and without their right.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::join_all;
use jmap_proto::{
    layerdata::{
        ElementEvent, LayerWatch, WatchChangesRequest, WatchChangesResponse, layer_watch::Start,
        watch_changes_response::Event,
    },
    types::Box as WireBox,
};
use testkit::{Caller, Home, Stage, ready::eventually, wire, world::Outcome};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use crate::work::Town;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const EVERYWHERE: WireBox = WireBox {
    min_x: -180.0,
    min_y: -90.0,
    max_x: 180.0,
    max_y: 90.0,
    epsg: 0,
};

/// Watches what happens anywhere, which *view* is enough for, within the display limit.
pub(crate) async fn watch(
    who: &Caller,
    layer_id: i64,
    start: Option<Start>,
) -> Result<Streaming<WatchChangesResponse>, Status> {
    let layer = LayerWatch {
        layer_id,
        start,
        r#box: Some(EVERYWHERE),
        ..LayerWatch::default()
    };
    let request = WatchChangesRequest {
        layers: vec![layer],
        heartbeat: None,
    };
    Ok(who.history().watch_changes(request).await?.into_inner())
}

/// The place in a layer's feed where nothing is left to be told.
async fn now(who: &Caller, layer: i64) -> Start {
    let mut stream = watch(who, layer, None).await.unwrap();
    let Some(Event::Header(header)) = stream.message().await.unwrap().unwrap().event else {
        panic!("no header")
    };
    Start::AfterPosition(header.feed_position)
}

/// What somebody has seen of a layer.
struct Seen {
    start: Start,
    events: Vec<ElementEvent>,
}

impl Seen {
    const fn nothing(start: Start) -> Self {
        Self {
            start,
            events: Vec::new(),
        }
    }

    /// Watches until something ends it, or this element has come.
    async fn follow(&mut self, who: &Caller, layer: i64, last: Option<i64>) -> Result<(), Status> {
        let is_last = |event: &ElementEvent| Some(event.element_id) == last;
        if self.events.iter().any(is_last) {
            return Ok(());
        }
        let mut stream = watch(who, layer, Some(self.start.clone())).await?;
        loop {
            let message = timeout(PATIENCE, stream.message()).await;
            let Some(message) = message.expect("nothing came")? else {
                return Ok(());
            };
            let (events, position) = match message.event.unwrap() {
                Event::Header(header) => (Vec::new(), header.feed_position),
                Event::Heartbeat(beat) => (Vec::new(), beat.feed_position),
                Event::Changes(batch) => (batch.events, batch.feed_position),
            };
            self.start = Start::AfterPosition(position);
            let is_over = events.iter().any(is_last);
            self.events.extend(events);
            if is_over {
                return Ok(());
            }
        }
    }
}

/// Adds, and moves what it has added, until refused; answers the last revision of each element that was acknowledged.
async fn write(who: Caller, layer: i64) -> BTreeMap<i64, i64> {
    let mut acknowledged = BTreeMap::new();
    while let Ok(added) = who.add(layer, "POINT(1 2)").await {
        acknowledged.insert(added.element_id, added.revision);
        let moved = who.change(layer, added.element_id, wire::moved("POINT(2 3)"));
        let Ok(moved) = moved.await else { break };
        acknowledged.insert(moved.element_id, moved.revision);
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_see_each_change_once_in_order_also_across_a_crash() {
    // R106, R108.
    let mut town = Town::found(Home::fresh().await, &[]).await;
    let layer = town.layer("signs");
    let start = now(&town.ana, layer).await;
    let writers: Vec<_> = (0..2)
        .map(|_| tokio::spawn(write(town.ana.clone(), layer)))
        .collect();
    let watchers: Vec<_> = (0..16)
        .map(|_| {
            let (ana, start) = (town.ana.clone(), start.clone());
            tokio::spawn(async move {
                let mut seen = Seen::nothing(start);
                let ended = seen.follow(&ana, layer, None).await;
                assert!(ended.is_err(), "the service was killed");
                seen
            })
        })
        .collect();
    let busy = || async { (town.ana.count(layer).await.ok()? > 40).then_some(()) };
    eventually("some elements", busy).await;
    town.executables.layer_data.kill();
    let acknowledged = join_all(writers).await.into_iter().flat_map(Result::unwrap);
    let acknowledged: BTreeMap<i64, i64> = acknowledged.collect();
    town.executables.restart_layer_data().await;
    let added = || async { town.ana.add(layer, "POINT(0 0)").await.ok() };
    let last = eventually("an edit", added).await.element_id;
    for watcher in watchers {
        let mut seen = watcher.await.unwrap();
        seen.follow(&town.ana, layer, Some(last)).await.unwrap();
        let keys: Vec<_> = seen
            .events
            .iter()
            .map(|event| (event.revision, event.element_id))
            .collect();
        assert!(keys.is_sorted() && !keys.is_empty(), "{keys:?}");
        let told: BTreeSet<_> = keys.iter().copied().collect();
        assert_eq!(told.len(), keys.len(), "something came twice");
        for (element, revision) in &acknowledged {
            assert!(told.contains(&(*revision, *element)), "element {element}");
        }
    }
}

const TOWN: &str = "
world: one who adds, and one who looks
users: [ana, eye]
projects: [{ project: city, open: [ana, eye] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add] }]
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_ends_when_its_right_is_taken() {
    // R119: also while nothing happens.
    let mut stage = Stage::set(TOWN).await;
    let layer = stage.layer("trees");
    let (ana, eye) = (stage.caller("ana").await, stage.caller("eye").await);
    let start = now(&eye, layer).await;
    ana.add(layer, "POINT(1 2)").await.unwrap();
    let mut stream = watch(&eye, layer, Some(start)).await.unwrap();
    for _ in 0..2 {
        assert!(stream.message().await.unwrap().is_some());
    }
    let closed = "{ revoke-project: { project: city, principal: eye, right: open } }";
    crate::change(&mut stage, closed).await;
    let ended = timeout(Duration::from_secs(5), stream.message()).await;
    let ended = ended.expect("the watch ends within 5 s");
    let absent = Outcome::refused("NOT_FOUND", "NOT_FOUND");
    assert_eq!(wire::outcome(&ended), absent);
}
