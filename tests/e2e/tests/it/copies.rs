//! Copies from layer to layer: whatever is killed or taken away meanwhile, each element is copied once or not at all.

use std::{collections::BTreeSet, time::Duration};

use jmap_proto::layerdata::{
    CopyElementsRequest, CopyElementsResponse, CopyOrder, CopyProgress, CopySummary,
    ImportElementsRequest, PrepareCopyRequest, copy_elements_response::Event,
};
use testkit::{
    Caller, Executables, ServedFloor, Stage, wire,
    world::{Outcome, World},
};
use tokio::time::timeout;
use tonic::{Status, Streaming};

const TOWN: &str = "
world: one who copies
users: [ana]
projects: [{ project: city, open: [ana] }]
layers: [{ layer: source, editing: true }, { layer: target, editing: true }]
grants:
  - { layer: source, to: ana, give: [add, export] }
  - { layer: target, to: ana, give: [add, export] }
";

/// Many chunks.
const ELEMENTS: usize = 20_000;

async fn fill(caller: &Caller, layer_id: i64) {
    let element = |n: usize| {
        let name = wire::set_text("name", &n.to_string());
        wire::new_element("POINT(1 2)", vec![name])
    };
    let batch = |first: usize| ImportElementsRequest {
        layer_id,
        elements: (first..first + 5_000).map(element).collect(),
    };
    let batches: Vec<_> = (0..ELEMENTS).step_by(5_000).map(batch).collect();
    let imported = caller
        .transfer()
        .import_elements(tokio_stream::iter(batches))
        .await;
    imported.unwrap();
}

/// A copy that was prepared.
struct Copy {
    order: CopyOrder,
    token: String,
}

impl Copy {
    async fn prepare(caller: &Caller, source_layer_id: i64, target_layer_id: i64) -> Self {
        let order = CopyOrder {
            source_layer_id,
            target_layer_id,
            ..CopyOrder::default()
        };
        let request = PrepareCopyRequest {
            order: Some(order.clone()),
        };
        let prepared = caller.transfer().prepare_copy(request).await.unwrap();
        Self {
            order,
            token: prepared.into_inner().copy_token,
        }
    }

    async fn run(&self, caller: &Caller) -> Result<Streaming<CopyElementsResponse>, Status> {
        let request = CopyElementsRequest {
            order: Some(self.order.clone()),
            copy_token: self.token.clone(),
        };
        let answer = caller.transfer().copy_elements(request).await?;
        Ok(answer.into_inner())
    }
}

async fn first_progress(events: &mut Streaming<CopyElementsResponse>) -> CopyProgress {
    match events.message().await.unwrap().unwrap().event {
        Some(Event::Progress(progress)) => progress,
        other => panic!("{other:?}"),
    }
}

async fn to_the_end(
    mut events: Streaming<CopyElementsResponse>,
) -> Result<Option<CopySummary>, Status> {
    let mut summary = None;
    while let Some(message) = events.message().await? {
        if let Some(Event::Summary(told)) = message.event {
            summary = Some(told);
        }
    }
    Ok(summary)
}

/// The names of a layer's elements.
async fn names(caller: &Caller, layer: i64) -> Vec<String> {
    let (file, _) = caller.export(layer).await.unwrap();
    let collection: serde_json::Value = serde_json::from_slice(&file).unwrap();
    let features = collection["features"].as_array().unwrap().iter();
    let name = |feature: &serde_json::Value| feature["properties"]["name"].as_str().unwrap().into();
    features.map(name).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_goes_on_after_a_crash_and_each_element_is_there_once() {
    // R109.
    let mut executables = Executables::start().await;
    let floor = ServedFloor::of(executables.house(), &World::parse(TOWN)).await;
    let (source, target) = (floor.layer("source"), floor.layer("target"));
    let ana = floor.caller("ana").await;
    fill(&ana, source).await;
    let mut copy = Copy::prepare(&ana, source, target).await;
    let mut events = copy.run(&ana).await.unwrap();
    let progress = first_progress(&mut events).await;
    executables.layer_data.kill();
    assert!(to_the_end(events).await.is_err(), "it was killed at work");
    executables.restart_layer_data().await;
    let ana = executables.house().as_user("ana").await;
    let before = usize::try_from(ana.count(target).await.unwrap()).unwrap();
    assert!((1_000..ELEMENTS).contains(&before), "{before}");
    // With the first token, then with the newest one that was heard of.
    for token in [None, Some(progress.copy_token)] {
        copy.token = token.unwrap_or(copy.token);
        let summary = to_the_end(copy.run(&ana).await.unwrap()).await.unwrap();
        let copied = i64::try_from(ELEMENTS).unwrap();
        let whole = CopySummary {
            copied_elements: copied,
            failed_elements: 0,
        };
        assert_eq!(summary, Some(whole));
    }
    let names = names(&ana, target).await;
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (ELEMENTS, ELEMENTS));
}

/// Takes a right away while it is used.
async fn ends_without(taken: &str, refusal: Outcome) {
    let mut stage = Stage::set(TOWN).await;
    let (source, target) = (stage.layer("source"), stage.layer("target"));
    let (ana, administrator) = (
        stage.caller("ana").await,
        stage.caller("administrator").await,
    );
    fill(&ana, source).await;
    let copy = Copy::prepare(&ana, source, target).await;
    let mut events = copy.run(&ana).await.unwrap();
    first_progress(&mut events).await;
    crate::change(&mut stage, taken).await;
    // Acknowledged: no chunk is committed from here on.
    let grown = counted(&administrator, target).await;
    let ended = timeout(Duration::from_secs(5), to_the_end(events)).await;
    let ended = ended.expect("the copy ends within 5 s");
    assert_eq!(wire::outcome(&ended), refusal, "{taken}");
    assert_eq!(counted(&administrator, target).await, grown, "{taken}");
    assert!(grown < ELEMENTS, "{grown}");
}

async fn counted(caller: &Caller, layer: i64) -> usize {
    usize::try_from(caller.count(layer).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_under_way_stops_at_a_revocation_on_either_layer() {
    // R38, R39, R119, R123.
    let refused = || Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED");
    let taken = "{ revoke: { layer: source, from: ana, take: [export] } }";
    ends_without(taken, refused()).await;
    let taken = "{ revoke: { layer: target, from: ana, take: [add] } }";
    ends_without(taken, refused()).await;
}
