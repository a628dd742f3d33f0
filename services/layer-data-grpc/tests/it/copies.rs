//! Copies from layer to layer.

use jmap_domain::{DenyReason, Permission};
use jmap_proto::{
    layerdata::{
        self as pb, AsOf, AttributeMapping, AttributeMappings, CopyElementsRequest, CopyOrder,
        EditMode, LayerQuery, PrepareCopyRequest, PrepareCopyResponse, ReadElementsRequest,
        Selection, as_of::At, copy_elements_response::Event, read_elements_response::Part,
    },
    types::{self, value::Kind},
};
use tonic::{Code, Status};

use crate::fixture::{
    LAYER, Service, attribute, create_layer, given, new_element, refusal, refused, text, value,
};

const TARGET: i64 = LAYER + 1;

/// A service with three elements, the last of which does not fit the layer [`TARGET`] of multi points in EPSG:3857
/// with `label` and `people` (at most 50).
async fn two_layers() -> Service {
    let service = Service::start().await;
    let mut request = create_layer();
    request.name = "places".to_owned();
    request.request_id = uuid();
    let definition = request.definition.as_mut().unwrap();
    definition.geometry_type = types::GeometryType::MultiPoint.into();
    definition.epsg = 3857;
    definition.attributes.truncate(2);
    definition.attributes[0].name = "label".to_owned();
    definition.attributes[1].name = "people".to_owned();
    definition.attributes[1].constraints = Some(types::AttributeConstraints {
        max_value: Some(value(Kind::Integer(50))),
        ..Default::default()
    });
    let made = service.layers().create_layer(request).await.unwrap();
    assert_eq!(made.into_inner().layer.unwrap().layer_id, TARGET);
    for (x, size) in [(1.0, 5), (2.0, 50), (3.0, 60)] {
        let mut element = new_element(x, "one");
        element
            .values
            .push(given("size", value(Kind::Integer(size))));
        let request = pb::CreateElementRequest {
            layer_id: LAYER,
            element: Some(element),
            request_id: String::new(),
        };
        service.elements().create_element(request).await.unwrap();
    }
    service
}

fn uuid() -> String {
    "00000000-0000-4000-8000-000000000001".to_owned()
}

fn order() -> CopyOrder {
    let map = |from: &str, to: &str| AttributeMapping {
        source: Some(attribute(from)),
        target: Some(attribute(to)),
    };
    CopyOrder {
        source_layer_id: LAYER,
        target_layer_id: TARGET,
        mapping: Some(AttributeMappings {
            mappings: vec![map("name", "label"), map("size", "people")],
        }),
        ..Default::default()
    }
}

async fn prepare(service: &Service, order: CopyOrder) -> Result<PrepareCopyResponse, Status> {
    let request = PrepareCopyRequest { order: Some(order) };
    let answer = service.transfers().prepare_copy(request).await?;
    Ok(answer.into_inner())
}

async fn copy(service: &Service, order: CopyOrder, token: &str) -> Result<Vec<Event>, Status> {
    let request = CopyElementsRequest {
        order: Some(order),
        copy_token: token.to_owned(),
    };
    let mut stream = service
        .transfers()
        .copy_elements(request)
        .await?
        .into_inner();
    let mut events = Vec::new();
    while let Some(message) = stream.message().await? {
        events.push(message.event.unwrap());
    }
    Ok(events)
}

/// How many were copied, how many were not, and the errors that were told.
fn told(events: &[Event]) -> (i64, i64, Vec<(i64, String)>) {
    let Some(Event::Summary(summary)) = events.last() else {
        panic!("{events:?}")
    };
    let errors = events.iter().filter_map(|event| match event {
        Event::ElementError(error) => {
            let reason = error.error.as_ref().unwrap().reason.clone();
            Some((error.element_id, reason))
        }
        Event::Progress(_) | Event::Summary(_) => None,
    });
    (
        summary.copied_elements,
        summary.failed_elements,
        errors.collect(),
    )
}

async fn elements(service: &Service, layer_id: i64) -> Vec<pb::Element> {
    let query = LayerQuery {
        layer_id,
        ..Default::default()
    };
    let request = ReadElementsRequest {
        queries: vec![query],
        partial: false,
    };
    let stream = service.elements().read_elements(request).await.unwrap();
    let (mut stream, mut elements) = (stream.into_inner(), Vec::new());
    while let Some(message) = stream.message().await.unwrap() {
        if let Some(Part::Batch(batch)) = message.part {
            elements.extend(batch.elements);
        }
    }
    elements
}

#[tokio::test]
async fn elements_come_as_the_target_has_them_and_misfits_are_told() {
    // R38, R39, R66, R105, R109.
    let service = two_layers().await;
    let prepared = prepare(&service, order()).await.unwrap();
    assert_eq!(prepared.ignored_attributes, ["note"]);
    assert_eq!(prepared.mappings.len(), 2);
    let at = Some(At::Revision(3));
    assert_eq!(prepared.as_of, Some(AsOf { at }));
    assert_eq!(elements(&service, TARGET).await, []);
    let events = copy(&service, order(), &prepared.copy_token).await.unwrap();
    let misfit = (3, "INVALID_ATTRIBUTE".to_owned());
    assert_eq!(told(&events), (2, 1, vec![misfit]));
    let copied = elements(&service, TARGET).await;
    assert_eq!(copied[0].values, [text("one"), value(Kind::Integer(5))]);
    // A multi point (4) of one point, one degree east in metres.
    let wkb = &copied[0].geometry;
    assert_eq!((wkb[1], wkb[5]), (4, 1));
    let x = f64::from_le_bytes(wkb[14..22].try_into().unwrap());
    assert!((x - 111_319.490_793).abs() < 1e-3, "{x}");
}

#[tokio::test]
async fn a_copy_that_is_run_again_copies_nothing_twice() {
    // R109: with the first token as with the last one, of which there is one per chunk.
    let service = two_layers().await;
    let first = prepare(&service, order()).await.unwrap().copy_token;
    let events = copy(&service, order(), &first).await.unwrap();
    let Some(Event::Progress(progress)) = events
        .iter()
        .find(|event| matches!(event, Event::Progress(_)))
    else {
        panic!("{events:?}")
    };
    for token in [&first, &progress.copy_token] {
        let events = copy(&service, order(), token).await.unwrap();
        let (copied, failed, _) = told(&events);
        assert_eq!((copied, failed), (2, 1));
    }
    assert_eq!(elements(&service, TARGET).await.len(), 2);
    // Another copy is another one.
    let other = prepare(&service, order()).await.unwrap().copy_token;
    copy(&service, order(), &other).await.unwrap();
    assert_eq!(elements(&service, TARGET).await.len(), 4);
}

#[tokio::test]
async fn one_misfit_refuses_an_atomic_copy() {
    // R109.
    let service = two_layers().await;
    let atomic = CopyOrder {
        mode: EditMode::Atomic.into(),
        ..order()
    };
    let token = prepare(&service, atomic.clone()).await.unwrap().copy_token;
    let events = copy(&service, atomic.clone(), &token).await.unwrap();
    assert_eq!(told(&events).0, 0);
    assert_eq!(elements(&service, TARGET).await, []);
    let fitting = CopyOrder {
        selection: Some(Selection {
            element_ids: vec![1, 2],
            ..Default::default()
        }),
        ..atomic
    };
    let token = prepare(&service, fitting.clone()).await.unwrap().copy_token;
    let events = copy(&service, fitting, &token).await.unwrap();
    assert_eq!(told(&events), (2, 0, Vec::new()));
}

#[tokio::test]
async fn a_token_is_of_one_order_and_one_account() {
    // R112.
    let service = two_layers().await;
    let token = prepare(&service, order()).await.unwrap().copy_token;
    let forged = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "copy_token");
    let other = CopyOrder {
        source_layer_id: TARGET,
        target_layer_id: LAYER,
        ..order()
    };
    assert_eq!(refused(copy(&service, other, &token).await), forged);
    assert_eq!(refused(copy(&service, order(), "").await), forged);
    assert_eq!(refused(copy(&service, order(), &token[1..]).await), forged);
    let request = CopyElementsRequest {
        order: Some(order()),
        copy_token: token,
    };
    let stolen = service.transfers_as(11).copy_elements(request).await;
    assert_eq!(refused(stolen), forged);
    assert_eq!(elements(&service, TARGET).await, []);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_when_the_copy_is_prepared() {
    // R38, R39, R40, R105, R114.
    let service = two_layers().await;
    let nothing = PrepareCopyRequest { order: None };
    let missing = refusal(Code::InvalidArgument, "INVALID_FIELD", "order");
    assert_eq!(
        refused(service.transfers().prepare_copy(nothing).await),
        missing
    );
    let by_name = CopyOrder {
        mapping: None,
        ..order()
    };
    let unfilled = refusal(Code::InvalidArgument, "INVALID_ATTRIBUTE", "order.mapping");
    assert_eq!(refused(prepare(&service, by_name).await), unfilled);
    let at = Some(At::Revision(99));
    let future = CopyOrder {
        selection: Some(Selection {
            as_of: Some(AsOf { at }),
            ..Default::default()
        }),
        ..order()
    };
    let not_yet = refusal(
        Code::InvalidArgument,
        "INVALID_FIELD",
        "order.selection.as_of",
    );
    assert_eq!(refused(prepare(&service, future).await), not_yet);
    let unseen = CopyOrder {
        source_layer_id: 99,
        ..order()
    };
    let absent = refusal(Code::NotFound, "NOT_FOUND", "");
    assert_eq!(refused(prepare(&service, unseen).await), absent);
    service
        .house
        .deny(Permission::CopyExport, DenyReason::NoGrant);
    let denied = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    assert_eq!(refused(prepare(&service, order()).await), denied);
}
