//! What goes on when a layer is published, and for whom: its feed, its history, its ids, and reads that are open.

use std::time::{Duration, Instant};

use jmap_proto::{
    authorization::{
        LayerGrantsDelta, LayerPermissionsChange, PublishPersonalLayerRequest,
        UpdateLayerPermissionsRequest, layer_permissions_change::Change,
    },
    layerdata::{ListElementChangesRequest, WatchChangesResponse, watch_changes_response::Event},
    types::{LayerGrant, Permission, Principal},
};
use testkit::{Caller, Stage, wire};
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use super::{create, let_create};
use crate::feed::watch;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Nobody has opened the project to the stranger.
const TOWN: &str = "
world: one who shares, and two who watch
users: [ana, ben, stranger]
projects: [{ project: city, open: [ana, ben] }]
layers: [{ layer: trees, editing: true }]
";

/// Gives each of them these permissions, and takes nothing from anybody.
async fn give(from: &Caller, layer_id: i64, whom: &[Option<Principal>], what: &[Permission]) {
    let grant = |principal: &Option<Principal>| LayerGrant {
        principal: *principal,
        permissions: what.iter().map(|one| (*one).into()).collect(),
        only_own: false,
    };
    let add = whom.iter().map(grant).collect();
    let change = LayerPermissionsChange {
        layer_id,
        grants_revision: 0,
        change: Some(Change::Delta(LayerGrantsDelta {
            add,
            remove: Vec::new(),
        })),
    };
    let request = UpdateLayerPermissionsRequest {
        changes: vec![change],
    };
    let mut administration = from.administration();
    administration
        .update_layer_permissions(request)
        .await
        .unwrap();
}

/// Reads on until this element was told of, or until the stream is refused; answers the elements that were told of.
async fn told(stream: &mut Streaming<WatchChangesResponse>, last: i64) -> Result<Vec<i64>, Status> {
    let mut elements = Vec::new();
    while !elements.contains(&last) {
        let message = timeout(PATIENCE, stream.message()).await;
        let message = message
            .expect("nothing came")?
            .expect("a stream that goes on");
        if let Event::Changes(batch) = message.event.unwrap() {
            elements.extend(batch.events.iter().map(|event| event.element_id));
        }
    }
    Ok(elements)
}

/// Who made each change of an element.
async fn authors(who: &Caller, layer_id: i64, element_id: i64) -> Vec<i64> {
    let request = ListElementChangesRequest {
        layer_id,
        element_id,
        ..ListElementChangesRequest::default()
    };
    let changes = who.history().list_element_changes(request).await;
    let changes = changes.unwrap().into_inner().changes;
    changes.iter().map(|change| change.actor_id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn feed_history_and_ids_go_on_for_those_who_may_view_and_end_for_others() {
    // R76, R77, R119.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let stranger = stage.caller("stranger").await;
    let user = |name| stage.floor.user(name);
    let_create(&administrator, wire::user(user("ana"))).await;
    let layer_id = create(&ana, "walks").await;
    let both = [wire::user(user("ben")), wire::user(user("stranger"))];
    give(&ana, layer_id, &both, &[Permission::View]).await;
    let mut bens = watch(&ben, layer_id, None).await.unwrap();
    let mut strangers = watch(&stranger, layer_id, None).await.unwrap();
    let first = ana.add(layer_id, "POINT(3 4)").await.unwrap().element_id;
    for stream in [&mut bens, &mut strangers] {
        assert_eq!(told(stream, first).await.unwrap(), [first]);
    }

    let request = PublishPersonalLayerRequest {
        layer_id,
        project_id: stage.floor.project("city"),
        ..PublishPersonalLayerRequest::default()
    };
    let mut personal = administrator.personal();
    personal.publish_personal_layer(request).await.unwrap();
    let acknowledged = Instant::now();
    let ended = told(&mut strangers, i64::MAX).await.unwrap_err();
    assert_eq!(ended.code(), Code::NotFound);
    assert!(
        acknowledged.elapsed() < Duration::from_secs(5),
        "it ended after {:?}",
        acknowledged.elapsed()
    );

    let edit = [Permission::AddElements, Permission::ModifyElements];
    give(&administrator, layer_id, &[wire::user(user("ben"))], &edit).await;
    let second = ben.add(layer_id, "POINT(5 6)").await.unwrap().element_id;
    assert!(second > first, "ids go on");
    assert_eq!(told(&mut bens, second).await.unwrap(), [second]);
    ben.change(layer_id, first, wire::moved("POINT(7 8)"))
        .await
        .unwrap();
    assert_eq!(
        authors(&ben, layer_id, first).await,
        [user("ana"), user("ben")]
    );
}
