//! Following the changes of layers.

use std::{num::NonZeroU64, time::Duration};

use jmap_domain::{Decision, DenyReason, Permission};
use jmap_proto::{
    layerdata::{
        ChangeLayerDefinitionRequest, DefinitionChange, ElementChange, ElementEvent,
        ElementEventKind, ElementMask, LayerWatch, ListElementsRequest, RenameAttribute,
        UpdateElementRequest, WatchChangesRequest, WatchChangesResponse, definition_change::Change,
        layer_watch::Start, watch_changes_response::Event,
    },
    types::{Box as WireBox, ExpectedRevision, expected_revision::Expected},
};
use jmap_wire::{PageTokenKey, duration_to_proto};
use layer_data_core::Limits;
use tokio::{task::yield_now, time::timeout};
use tonic::{Code, Request, Status, Streaming};

use crate::fixture::{LAYER, Service, attribute, point, refusal, refused, text};

fn all(start: Option<Start>) -> LayerWatch {
    LayerWatch {
        layer_id: LAYER,
        start,
        ..LayerWatch::default()
    }
}

fn after(position: &str) -> Start {
    Start::AfterPosition(position.to_owned())
}

const fn unit_box() -> WireBox {
    WireBox {
        min_x: 0.0,
        min_y: -1.0,
        max_x: 1.0,
        max_y: 1.0,
        epsg: 0,
    }
}

/// The position at the beginning of the layer, in a life of the installation, of a watcher that was told so much.
fn sealed(life: u32, behind: i64) -> String {
    let layer = [b"feed\0".as_slice(), &LAYER.to_be_bytes()].concat();
    let numbers = [0, 0, 1, behind].into_iter().flat_map(i64::to_be_bytes);
    let place: Vec<u8> = life.to_be_bytes().into_iter().chain(numbers).collect();
    PageTokenKey::derive(b"secret").seal(&layer, &place)
}

/// A watch of the layer, with the position that its header tells.
struct Watch {
    stream: Streaming<WatchChangesResponse>,
    position: String,
}

async fn begin(
    service: &Service,
    layer: LayerWatch,
) -> Result<Streaming<WatchChangesResponse>, Status> {
    let request = WatchChangesRequest {
        layers: vec![layer],
        heartbeat: Some(duration_to_proto(Duration::from_secs(1))),
    };
    let answer = service.history().watch_changes(request).await?;
    Ok(answer.into_inner())
}

impl Watch {
    async fn begin(service: &Service, layer: LayerWatch) -> Self {
        let stream = begin(service, layer).await.unwrap();
        let position = String::new();
        let mut watch = Self { stream, position };
        let Event::Header(header) = watch.message().await else {
            panic!("no header")
        };
        watch.position = header.feed_position;
        watch
    }

    async fn message(&mut self) -> Event {
        let message = timeout(Duration::from_secs(30), self.stream.message()).await;
        let message = message.expect("nothing came").unwrap();
        message.unwrap().event.unwrap()
    }

    /// The next events, whatever heartbeats come before.
    async fn events(&mut self) -> Vec<ElementEvent> {
        loop {
            match self.message().await {
                Event::Changes(batch) => {
                    self.position = batch.feed_position;
                    return batch.events;
                }
                Event::Heartbeat(beat) => self.position = beat.feed_position,
                Event::Header(header) => panic!("{header:?}"),
            }
        }
    }
}

async fn update(service: &Service, change: ElementChange) {
    let request = UpdateElementRequest {
        layer_id: LAYER,
        element_id: 1,
        expected: Some(ExpectedRevision {
            expected: Some(Expected::Any(jmap_proto::types::AnyRevision {})),
        }),
        change: Some(change),
        request_id: String::new(),
    };
    service.elements().update_element(request).await.unwrap();
}

fn moved(x: f64) -> ElementChange {
    ElementChange {
        geometry: Some(point(x, 0.0).into()),
        values: Vec::new(),
    }
}

#[tokio::test]
async fn who_reads_and_then_watches_misses_nothing_and_gets_nothing_twice() {
    // R106, R108.
    let service = Service::start().await;
    service.create(1.0, "one").await;
    let request = ListElementsRequest {
        layer_id: LAYER,
        ..Default::default()
    };
    let read = service.elements().list_elements(request).await.unwrap();
    let position = read.into_inner().header.unwrap().feed_position;
    service.create(2.0, "two").await;
    update(&service, moved(3.0)).await;
    let mut watch = Watch::begin(&service, all(Some(after(&position)))).await;
    let events = watch.events().await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (event.element_id, event.kind(), event.actor_id))
        .collect();
    let expected = [
        (2, ElementEventKind::Created, 10),
        (1, ElementEventKind::Updated, 10),
    ];
    assert_eq!(told, expected);
    let after_these = watch.position.clone();
    service.create(4.0, "three").await;
    let later = watch.events().await;
    assert_eq!(later[0].element_id, 3);
    assert_eq!(later[0].element.as_ref().unwrap().values[0], text("three"));
    let mut again = Watch::begin(&service, all(Some(after(&after_these)))).await;
    assert_eq!(again.events().await, later);
}

#[tokio::test]
async fn a_box_tells_who_comes_and_who_leaves_and_a_mask_what_is_told() {
    let service = Service::start().await;
    let watched = LayerWatch {
        r#box: Some(unit_box()),
        mask: Some(ElementMask::default()),
        ..all(None)
    };
    let mut watch = Watch::begin(&service, watched).await;
    service.create(1.0, "one").await;
    service.create(7.0, "far").await;
    update(&service, moved(5.0)).await;
    update(&service, moved(6.0)).await;
    update(&service, moved(0.0)).await;
    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(watch.events().await);
    }
    let kinds: Vec<_> = events.iter().map(ElementEvent::kind).collect();
    let expected = [
        ElementEventKind::Created,
        ElementEventKind::Left,
        ElementEventKind::Updated,
    ];
    assert_eq!(kinds, expected);
    assert!(events.iter().all(|event| event.element_id == 1));
    assert_eq!(events[1].element, None);
    let element = events[2].element.as_ref().unwrap();
    assert!(element.geometry.is_empty() && element.values.is_empty());
    assert_eq!(element.revision, events[2].revision);
}

#[tokio::test]
async fn values_follow_a_changed_definition_by_id() {
    // R114.
    let service = Service::start().await;
    let title = ElementMask {
        attributes: vec![attribute("name")],
        ..ElementMask::default()
    };
    let watched = LayerWatch {
        mask: Some(title),
        ..all(None)
    };
    let mut watch = Watch::begin(&service, watched).await;
    let request = ChangeLayerDefinitionRequest {
        layer_id: LAYER,
        expected_version: 1,
        changes: vec![DefinitionChange {
            change: Some(Change::Rename(RenameAttribute {
                attribute_id: 1,
                name: "title".to_owned(),
            })),
        }],
        ..Default::default()
    };
    let changed = service.layers().change_layer_definition(request).await;
    changed.unwrap();
    let header = loop {
        match watch.message().await {
            Event::Header(header) => break header,
            Event::Heartbeat(_) => {}
            Event::Changes(batch) => panic!("{batch:?}"),
        }
    };
    assert_eq!(header.definition_version, 2);
    let names: Vec<_> = header.attributes.iter().map(|one| &one.name).collect();
    assert_eq!(names, ["title"]);
}

#[tokio::test]
async fn silence_is_told_with_a_position_to_go_on_from() {
    let service = Service::start().await;
    let mut watch = Watch::begin(&service, all(None)).await;
    let Event::Heartbeat(beat) = watch.message().await else {
        panic!("not a heartbeat")
    };
    service.create(1.0, "one").await;
    let mut again = Watch::begin(&service, all(Some(after(&beat.feed_position)))).await;
    assert_eq!(again.events().await[0].element_id, 1);
}

#[tokio::test]
async fn a_watch_that_makes_no_sense_is_refused() {
    // R113, R120.
    let service = Service::start().await;
    let made = Watch::begin(&service, all(None)).await.position;
    let elsewhere = LayerWatch {
        layer_id: LAYER + 1,
        ..all(Some(after(&made)))
    };
    let upside_down = WireBox {
        min_y: 2.0,
        ..unit_box()
    };
    let boxed = LayerWatch {
        r#box: Some(upside_down),
        ..all(None)
    };
    let field = |field: &str| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    let position = || field("layers[0].after_position");
    let revision = || field("layers[0].after_revision");
    for (layer, expected) in [
        (all(Some(after(&made[1..]))), position()),
        (all(Some(after(""))), position()),
        (elsewhere, position()),
        (all(Some(Start::AfterRevision(1))), revision()),
        (all(Some(Start::AfterRevision(-1))), revision()),
        (boxed, field("layers[0].box")),
    ] {
        assert_eq!(refused(begin(&service, layer).await), expected);
    }
    let watch = |layers, heartbeat| WatchChangesRequest { layers, heartbeat };
    let minute = |minutes| Some(duration_to_proto(Duration::from_mins(minutes)));
    for (request, path) in [
        (watch(Vec::new(), None), "layers"),
        (watch(vec![all(None); 2], None), "layers[1].layer_id"),
        (watch(vec![all(None)], minute(6)), "heartbeat"),
        (watch(vec![all(None)], minute(0)), "heartbeat"),
    ] {
        let answer = service.history().watch_changes(request).await;
        assert_eq!(refused(answer), field(path));
    }
    let many = watch(vec![all(None); 33], None);
    let answer = service.history().watch_changes(many).await;
    let expected = refusal(Code::ResourceExhausted, "TOO_LARGE", "layers");
    assert_eq!(refused(answer), expected);
}

#[tokio::test]
async fn a_position_of_before_a_restore_means_to_read_again() {
    // R116.
    let service = Service::start().await;
    let earlier = sealed(1, 0);
    let answer = begin(&service, all(Some(after(&earlier)))).await;
    let expected = refusal(Code::FailedPrecondition, "FEED_RESTORED", "");
    assert_eq!(refused(answer), expected);
}

#[tokio::test]
async fn whole_layers_need_the_right_to_copy_and_invisible_ones_do_not_exist() {
    // R38, R40, R113.
    let service = Service::start().await;
    let no = Decision::Denied(DenyReason::NoGrant);
    service.house.decide(Permission::CopyExport, no);
    let whole = begin(&service, all(None)).await;
    let expected = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    assert_eq!(refused(whole), expected);
    let of_the_past = LayerWatch {
        r#box: Some(unit_box()),
        ..all(Some(Start::AfterRevision(0)))
    };
    assert_eq!(refused(begin(&service, of_the_past).await), expected);
    let boxed = LayerWatch {
        r#box: Some(unit_box()),
        ..all(None)
    };
    Watch::begin(&service, boxed).await;
    service.house.deny(Permission::View, DenyReason::NotVisible);
    let expected = refusal(Code::NotFound, "NOT_FOUND", "");
    assert_eq!(refused(begin(&service, all(None)).await), expected);
}

#[tokio::test]
async fn a_position_says_how_much_its_watcher_was_told_before() {
    // R38: going on from it does not get around the display limit.
    let limits = Limits {
        display: NonZeroU64::MIN,
        ..Limits::default()
    };
    let service = Service::with_limits(limits).await;
    let boxed = |position: &str| LayerWatch {
        r#box: Some(unit_box()),
        ..all(Some(after(position)))
    };
    service.create(1.0, "one").await;
    let no = Decision::Denied(DenyReason::NoGrant);
    service.house.decide(Permission::CopyExport, no);
    let mut watch = Watch::begin(&service, boxed(&sealed(0, 0))).await;
    assert_eq!(watch.events().await.len(), 1);
    let mut watch = Watch::begin(&service, boxed(&sealed(0, 1))).await;
    let ended = timeout(Duration::from_secs(30), watch.stream.message()).await;
    let (_, reason, _) = refused(ended.expect("nothing came"));
    assert_eq!(reason, "TOO_MANY_ELEMENTS");
}

#[tokio::test]
async fn whoever_does_not_read_keeps_no_place_beyond_the_deadline() {
    // There is more to tell than any window of a connection holds.
    let service = Service::start().await;
    let long = "x".repeat(100_000);
    for _ in 0..20 {
        service.create(1.0, &long).await;
    }
    let request = || {
        let layers = vec![all(Some(Start::AfterRevision(0)))];
        let heartbeat = None;
        let mut request = Request::new(WatchChangesRequest { layers, heartbeat });
        request.set_timeout(Duration::from_secs(3));
        request
    };
    let mut unread = Vec::new();
    let refused = loop {
        match service.history().watch_changes(request()).await {
            Ok(stream) => unread.push(stream),
            refused => break refused.map(drop),
        }
    };
    let expected = refusal(Code::ResourceExhausted, "OVERLOADED", "");
    assert_eq!(crate::fixture::refused(refused), expected);
    assert!(!unread.is_empty());
    let has_place = async {
        while service.history().watch_changes(request()).await.is_err() {
            yield_now().await;
        }
    };
    let found = timeout(Duration::from_secs(20), has_place).await;
    found.expect("the places are free again");
    drop(unread);
}
