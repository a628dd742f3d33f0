//! What happened to elements, and layers as they were.

use jmap_domain::{Decision, DenyReason, Permission};
use jmap_proto::layerdata::{
    AsOf, CompareRevisionsRequest, ComparisonTrailer, DeleteElementRequest, ElementChange,
    ElementChangeKind, ElementDifference, ElementDifferenceKind, ElementRevision,
    ListElementChangesRequest, ListElementChangesResponse, ListElementsRequest, Selection,
    UpdateElementRequest, as_of::At, compare_revisions_response::Part,
};
use jmap_wire::timestamp;
use tonic::Code;

use crate::fixture::{LAYER, Service, given, refusal, refused, revision, text};

/// An element that was made, changed and deleted.
async fn with_history() -> Service {
    let service = Service::start().await;
    let made = service.create(1.0, "one").await;
    let update = UpdateElementRequest {
        layer_id: LAYER,
        element_id: made.element_id,
        expected: Some(revision(made.revision)),
        change: Some(ElementChange {
            geometry: None,
            values: vec![given("name", text("two"))],
        }),
        request_id: String::new(),
    };
    let updated = service.elements().update_element(update).await.unwrap();
    let updated = updated.into_inner().element.unwrap();
    let delete = DeleteElementRequest {
        layer_id: LAYER,
        element_id: made.element_id,
        expected: Some(revision(updated.revision)),
        request_id: String::new(),
    };
    service.elements().delete_element(delete).await.unwrap();
    service
}

fn of_element(element_id: i64) -> ListElementChangesRequest {
    ListElementChangesRequest {
        layer_id: LAYER,
        element_id,
        ..Default::default()
    }
}

async fn listed(
    service: &Service,
    request: ListElementChangesRequest,
) -> ListElementChangesResponse {
    let answer = service.history().list_element_changes(request).await;
    answer.unwrap().into_inner()
}

#[tokio::test]
async fn an_elements_history_tells_each_change_page_by_page() {
    // R106, R112.
    let service = with_history().await;
    let all = listed(&service, of_element(1)).await;
    let kinds: Vec<_> = all.changes.iter().map(ElementRevision::kind).collect();
    let expected = [
        ElementChangeKind::Created,
        ElementChangeKind::Updated,
        ElementChangeKind::Deleted,
    ];
    assert_eq!(kinds, expected);
    let names = all.changes.iter().map(|change| change.element.clone());
    let names = names.map(|element| element.map(|element| element.values[0].clone()));
    let names: Vec<_> = names.collect();
    assert_eq!(names, [Some(text("one")), Some(text("two")), None]);
    assert!(all.changes.iter().all(|change| change.actor_id == 10));
    assert_eq!(all.next_page_token, "");
    let first = ListElementChangesRequest {
        page_size: 1,
        ..of_element(1)
    };
    let page = listed(&service, first.clone()).await;
    assert_eq!(page.changes, all.changes[..1]);
    let rest = ListElementChangesRequest {
        page_token: page.next_page_token,
        page_size: 5,
        ..first
    };
    assert_eq!(
        listed(&service, rest.clone()).await.changes,
        all.changes[1..]
    );
    let moved = ListElementChangesRequest {
        element_id: 2,
        ..rest
    };
    let answer = service.history().list_element_changes(moved).await;
    let expected = refusal(Code::InvalidArgument, "INVALID_PAGE_TOKEN", "page_token");
    assert_eq!(refused(answer), expected);
}

#[tokio::test]
async fn history_is_hidden_with_the_layer() {
    // R40, R113.
    let service = with_history().await;
    let unknown = service.history().list_element_changes(of_element(99)).await;
    let expected = refusal(Code::NotFound, "ELEMENT_NOT_FOUND", "");
    assert_eq!(refused(unknown), expected);
    service.house.deny(Permission::View, DenyReason::NotVisible);
    let mut answers = Vec::new();
    for element in [1, 99] {
        let answer = service
            .history()
            .list_element_changes(of_element(element))
            .await;
        answers.push(refused(answer));
    }
    let expected = refusal(Code::NotFound, "NOT_FOUND", "");
    assert_eq!(answers, [expected.clone(), expected]);
}

async fn names_as_of(service: &Service, at: Option<At>) -> Result<Vec<String>, tonic::Status> {
    let request = ListElementsRequest {
        layer_id: LAYER,
        selection: Some(Selection {
            as_of: Some(AsOf { at }),
            ..Default::default()
        }),
        ..Default::default()
    };
    let answer = service.elements().list_elements(request).await?;
    let elements = answer.into_inner().elements.into_iter();
    Ok(elements
        .map(|element| format!("{:?}", element.values[0]))
        .collect())
}

#[tokio::test]
async fn layers_read_as_they_were() {
    // R38, R110.
    let service = with_history().await;
    for (at, expected) in [(0, None), (1, Some("one")), (2, Some("two")), (3, None)] {
        let names = names_as_of(&service, Some(At::Revision(at))).await.unwrap();
        let expected = expected.map(|name| format!("{:?}", text(name)));
        assert_eq!(names, expected.into_iter().collect::<Vec<_>>(), "at {at}");
    }
    let path = "selection.as_of";
    let far = timestamp(253_402_300_799_000);
    for (at, field) in [
        (None, "selection.as_of.at"),
        (Some(At::Revision(-1)), "selection.as_of.revision"),
        (Some(At::Revision(4)), path),
        (Some(At::Time(far)), path),
    ] {
        let answer = names_as_of(&service, at).await;
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(answer), expected);
    }
    let no = Decision::Denied(DenyReason::NoGrant);
    service.house.decide(Permission::CopyExport, no);
    let answer = names_as_of(&service, Some(At::Revision(1))).await;
    let expected = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    assert_eq!(refused(answer), expected);
}

async fn compared(
    service: &Service,
    request: CompareRevisionsRequest,
) -> Result<Vec<Part>, tonic::Status> {
    let mut parts = Vec::new();
    let mut stream = service
        .history()
        .compare_revisions(request)
        .await?
        .into_inner();
    while let Some(response) = stream.message().await? {
        parts.extend(response.part);
    }
    Ok(parts)
}

const fn since(revision: i64) -> CompareRevisionsRequest {
    CompareRevisionsRequest {
        layer_id: LAYER,
        from: Some(AsOf {
            at: Some(At::Revision(revision)),
        }),
        to: None,
        selection: None,
        mask: None,
    }
}

#[tokio::test]
async fn a_comparison_tells_each_difference_and_ends_with_their_numbers() {
    let service = with_history().await;
    service.create(5.0, "new").await;
    let parts = compared(&service, since(1)).await.unwrap();
    let [Part::Header(header), batches @ .., Part::Trailer(trailer)] = parts.as_slice() else {
        panic!("{parts:?}");
    };
    let differences = batches.iter().flat_map(|part| match part {
        Part::Batch(batch) => batch.differences.clone(),
        Part::Header(_) | Part::Trailer(_) => panic!("{part:?}"),
    });
    let differences: Vec<ElementDifference> = differences.collect();
    assert_eq!(header.layer_id, LAYER);
    let kinds: Vec<_> = differences.iter().map(ElementDifference::kind).collect();
    let expected = [ElementDifferenceKind::Removed, ElementDifferenceKind::Added];
    assert_eq!(kinds, expected);
    let before = differences[0].before.as_ref().unwrap();
    assert_eq!(before.values[0], text("one"));
    let expected = ComparisonTrailer {
        added_count: 1,
        changed_count: 0,
        removed_count: 1,
    };
    assert_eq!(*trailer, expected);
}

#[tokio::test]
async fn a_comparison_is_refused_before_it_begins() {
    // R38, R40, R120.
    let service = with_history().await;
    let unset = CompareRevisionsRequest {
        from: None,
        ..since(1)
    };
    let twice = CompareRevisionsRequest {
        selection: Some(Selection {
            as_of: since(1).from,
            ..Default::default()
        }),
        ..since(1)
    };
    for (request, field) in [
        (unset, "from"),
        (twice, "selection.as_of"),
        (since(-1), "from.revision"),
    ] {
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(compared(&service, request).await), expected);
    }
    let no = Decision::Denied(DenyReason::NoGrant);
    service.house.decide(Permission::CopyExport, no);
    let expected = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    assert_eq!(refused(compared(&service, since(1)).await), expected);
    service.house.deny(Permission::View, DenyReason::NotVisible);
    let expected = refusal(Code::NotFound, "NOT_FOUND", "");
    assert_eq!(refused(compared(&service, since(1)).await), expected);
}
