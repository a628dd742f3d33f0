//! Edits, one by one: what is refused, by which field, and that nothing changes then.

use jmap_domain::{ActorId, Decision, DenyReason, Permission};
use jmap_proto::{
    layerdata::{
        CreateElementRequest, DeleteElementRequest, EditedElement, ElementChange, NewElement,
        SummarizeElementsRequest, UpdateElementRequest, summarize_elements_response::Count,
    },
    types::{self, value::Kind},
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::fixture::{
    LAYER, Service, create_element, given, point, refusal, refused, revision, text, value,
};

const REQUEST_ID: &str = "00112233-4455-6677-8899-aabbccddeeff";

pub(crate) async fn count(service: &Service) -> i64 {
    let request = SummarizeElementsRequest {
        layer_id: LAYER,
        ..Default::default()
    };
    let answer = service.elements().summarize_elements(request).await;
    match answer.unwrap().into_inner().count {
        Some(Count::ExactCount(count)) => count,
        other => panic!("{other:?}"),
    }
}

fn with(change: impl FnOnce(&mut NewElement)) -> CreateElementRequest {
    let mut request = create_element(1.0, "a");
    change(request.element.as_mut().unwrap());
    request
}

async fn refuse_each(cases: Vec<(CreateElementRequest, &str, &str)>) {
    let service = Service::start().await;
    for (request, reason, field) in cases {
        let answer = service.elements().create_element(request.clone()).await;
        let expected = refusal(Code::InvalidArgument, reason, field);
        assert_eq!(refused(answer), expected, "{request:?}");
    }
    assert_eq!(count(&service).await, 0);
}

#[tokio::test]
async fn a_wrong_field_of_a_creating_call_is_named_and_nothing_is_created() {
    // R103, R120.
    let on_layer = |layer_id| CreateElementRequest {
        layer_id,
        ..create_element(1.0, "a")
    };
    let no_element = CreateElementRequest {
        element: None,
        ..create_element(1.0, "a")
    };
    let odd_request_id = CreateElementRequest {
        request_id: "retry".to_owned(),
        ..create_element(1.0, "a")
    };
    refuse_each(vec![
        (on_layer(0), "INVALID_FIELD", "layer_id"),
        (on_layer(-1), "INVALID_FIELD", "layer_id"),
        (on_layer(1 << 53), "INVALID_FIELD", "layer_id"),
        (no_element, "INVALID_FIELD", "element"),
        (odd_request_id, "INVALID_FIELD", "request_id"),
    ])
    .await;
}

#[tokio::test]
async fn a_geometry_that_is_none_of_the_layers_is_refused() {
    // R66, R115.
    let polygon = [vec![1, 3, 0, 0, 0], vec![0; 4]].concat();
    let wrong = [
        vec![],
        vec![1, 2, 3],
        polygon,
        point(f64::NAN, 0.0),
        point(f64::INFINITY, 0.0),
        point(181.0, 0.0),
    ];
    let case = |wkb: Vec<u8>| {
        let request = with(|element| element.geometry = wkb.into());
        (request, "INVALID_GEOMETRY", "element.geometry")
    };
    refuse_each(wrong.map(case).into()).await;
}

#[tokio::test]
async fn a_value_that_is_none_of_the_attributes_is_refused() {
    // R104, R105, R115.
    let values = |more| with(|element| element.values.push(more));
    let unset = types::Value { kind: None };
    let nan = value(Kind::Double(f64::NAN));
    refuse_each(vec![
        (
            values(given("size", unset)),
            "INVALID_FIELD",
            "element.values[1].value",
        ),
        (
            values(given("size", nan)),
            "INVALID_FIELD",
            "element.values[1].value",
        ),
        (
            values(given("size", text("big"))),
            "INVALID_ATTRIBUTE",
            "element.values[1].value",
        ),
        (
            values(given("size", value(Kind::Integer(101)))),
            "INVALID_ATTRIBUTE",
            "element.values[1].value",
        ),
        (
            values(given("colour", text("red"))),
            "INVALID_ATTRIBUTE",
            "element.values[1].attribute",
        ),
        (
            values(given("name", text("b"))),
            "INVALID_ATTRIBUTE",
            "element.values[1].attribute",
        ),
        (
            with(|element| element.values.clear()),
            "INVALID_ATTRIBUTE",
            "element.values",
        ),
    ])
    .await;
}

fn update(edited: &EditedElement, change: ElementChange) -> UpdateElementRequest {
    UpdateElementRequest {
        layer_id: LAYER,
        element_id: edited.element_id,
        expected: Some(revision(edited.revision)),
        change: Some(change),
        request_id: String::new(),
    }
}

pub(crate) fn rename(name: &str) -> ElementChange {
    ElementChange {
        geometry: None,
        values: vec![given("name", text(name))],
    }
}

#[tokio::test]
async fn a_wrong_field_of_a_change_is_named() {
    // R107, R108, R120.
    let service = Service::start().await;
    let edited = service.create(1.0, "a").await;
    let invalid = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    let good = || update(&edited, rename("b"));
    let cases = [
        (
            UpdateElementRequest {
                element_id: 0,
                ..good()
            },
            invalid("element_id"),
        ),
        (
            UpdateElementRequest {
                expected: None,
                ..good()
            },
            invalid("expected"),
        ),
        (
            UpdateElementRequest {
                expected: Some(types::ExpectedRevision::default()),
                ..good()
            },
            invalid("expected"),
        ),
        (
            UpdateElementRequest {
                expected: Some(revision(-1)),
                ..good()
            },
            invalid("expected.revision"),
        ),
        (
            UpdateElementRequest {
                change: None,
                ..good()
            },
            invalid("change"),
        ),
        (update(&edited, ElementChange::default()), invalid("change")),
    ];
    for (request, expected) in cases {
        let answer = service.elements().update_element(request.clone()).await;
        assert_eq!(refused(answer), expected, "{request:?}");
    }
}

#[tokio::test]
async fn a_stale_revision_is_aborted_with_the_current_one() {
    // R108, R120.
    let service = Service::start().await;
    let first = service.create(1.0, "a").await;
    let second = service
        .elements()
        .update_element(update(&first, rename("b")))
        .await;
    let second = second.unwrap().into_inner().element.unwrap();
    let status = service
        .elements()
        .update_element(update(&first, rename("c")))
        .await
        .unwrap_err();
    assert_eq!(status.code(), Code::Aborted);
    let info = status.get_details_error_info().unwrap();
    assert_eq!(info.reason, "STALE_REVISION");
    assert_eq!(
        info.metadata["current_revision"],
        second.revision.to_string()
    );
}

#[tokio::test]
async fn only_own_elements_are_reached() {
    // R51, R58.
    let service = Service::start().await;
    let of_10 = service.create(1.0, "a").await;
    let own = Decision::Own {
        creator: ActorId::new(11).unwrap(),
    };
    service.house.decide(Permission::ModifyAttributes, own);
    service.house.decide(Permission::DeleteElements, own);
    let mut elements = service.elements_as(11);
    let answer = elements.update_element(update(&of_10, rename("b"))).await;
    assert_eq!(
        refused(answer),
        refusal(Code::PermissionDenied, "NOT_OWN_ELEMENT", "")
    );
    let delete = DeleteElementRequest {
        layer_id: LAYER,
        element_id: of_10.element_id,
        expected: Some(revision(of_10.revision)),
        request_id: String::new(),
    };
    let answer = elements.delete_element(delete).await;
    assert_eq!(
        refused(answer),
        refusal(Code::PermissionDenied, "NOT_OWN_ELEMENT", "")
    );
    let of_11 = elements
        .create_element(create_element(2.0, "mine"))
        .await
        .unwrap();
    let of_11 = of_11.into_inner().element.unwrap();
    assert!(
        elements
            .update_element(update(&of_11, rename("still mine")))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn each_denial_has_its_code_and_reason() {
    // R31, R40, R117, R120.
    let service = Service::start().await;
    for (reason, code, name) in [
        (DenyReason::NotVisible, Code::NotFound, "NOT_FOUND"),
        (DenyReason::NoGrant, Code::PermissionDenied, "NOT_PERMITTED"),
        (
            DenyReason::OwnsNothing,
            Code::PermissionDenied,
            "NOT_PERMITTED",
        ),
        (
            DenyReason::EditingDisabled,
            Code::FailedPrecondition,
            "EDITING_DISABLED",
        ),
        (
            DenyReason::SessionClosed,
            Code::Unauthenticated,
            "SESSION_CLOSED",
        ),
        (
            DenyReason::SessionExpired,
            Code::Unauthenticated,
            "SESSION_EXPIRED",
        ),
        (
            DenyReason::AccountDisabled,
            Code::Unauthenticated,
            "ACCOUNT_DISABLED",
        ),
    ] {
        service.house.deny(Permission::AddElements, reason);
        let answer = service
            .elements()
            .create_element(create_element(1.0, "a"))
            .await;
        assert_eq!(refused(answer), refusal(code, name, ""), "{reason:?}");
    }
    assert_eq!(count(&service).await, 0);
}

#[tokio::test]
async fn who_may_not_add_learns_nothing_about_the_definition() {
    // R113: rights come before the payload.
    let service = Service::start().await;
    service
        .house
        .deny(Permission::AddElements, DenyReason::NoGrant);
    let request = with(|element| element.values.push(given("colour", text("red"))));
    let answer = service.elements().create_element(request).await;
    assert_eq!(
        refused(answer),
        refusal(Code::PermissionDenied, "NOT_PERMITTED", "")
    );
}

#[tokio::test]
async fn an_invisible_layer_answers_as_an_absent_one() {
    // R40: to the byte, but for the number that was asked about.
    let service = Service::start().await;
    service
        .house
        .deny(Permission::AddElements, DenyReason::NotVisible);
    let on = |layer_id| CreateElementRequest {
        layer_id,
        ..create_element(1.0, "a")
    };
    let invisible = service
        .elements()
        .create_element(on(LAYER))
        .await
        .unwrap_err();
    let absent = service.elements().create_element(on(9)).await.unwrap_err();
    assert_eq!(invisible.code(), absent.code());
    assert_eq!(invisible.message().replace('7', "9"), absent.message());
    let of = |status: &tonic::Status| String::from_utf8_lossy(status.details()).replace('7', "9");
    assert_eq!(of(&invisible), of(&absent));
}

#[tokio::test]
async fn without_authorization_nothing_is_done() {
    // R121.
    let service = Service::start().await;
    service.house.go_away();
    let answer = service
        .elements()
        .create_element(create_element(1.0, "a"))
        .await;
    assert_eq!(
        refused(answer),
        refusal(Code::Unavailable, "UNAVAILABLE", "")
    );
}

#[tokio::test]
async fn a_retried_request_creates_once_and_other_content_is_refused() {
    // R109.
    let service = Service::start().await;
    let request = |name| CreateElementRequest {
        request_id: REQUEST_ID.to_owned(),
        ..create_element(1.0, name)
    };
    let first = service
        .elements()
        .create_element(request("a"))
        .await
        .unwrap()
        .into_inner();
    let again = service
        .elements()
        .create_element(request("a"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(first, again);
    assert_eq!(count(&service).await, 1);
    let other = service.elements().create_element(request("b")).await;
    assert_eq!(
        refused(other),
        refusal(Code::FailedPrecondition, "REQUEST_ID_REUSED", "")
    );
}
