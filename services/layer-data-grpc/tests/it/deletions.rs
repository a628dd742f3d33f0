//! Deleting what a selection finds.

use jmap_domain::{ActorId, Decision, DenyReason, Permission};
use jmap_proto::layerdata::{
    AsOf, DeleteElementsRequest, DeleteElementsResponse, Selection, as_of::At,
};
use tonic::{Code, Status};

use crate::{
    edits::count,
    fixture::{LAYER, Service, refusal, refused},
    reads::{everywhere, with_elements},
};

fn deletion(selection: Selection, maximum: i32) -> DeleteElementsRequest {
    DeleteElementsRequest {
        layer_id: LAYER,
        selection: Some(selection),
        maximum,
        ..Default::default()
    }
}

fn these(ids: &[i64]) -> Selection {
    Selection {
        element_ids: ids.to_vec(),
        ..Default::default()
    }
}

async fn delete(
    service: &Service,
    request: DeleteElementsRequest,
) -> Result<DeleteElementsResponse, Status> {
    let answer = service.elements().delete_elements(request).await?;
    Ok(answer.into_inner())
}

#[tokio::test]
async fn what_is_found_is_deleted_and_a_retry_is_answered_alike() {
    // R109, R110.
    let service = with_elements(5).await;
    let dry = DeleteElementsRequest {
        validate_only: true,
        ..deletion(these(&[1, 2, 99]), 2)
    };
    let would = delete(&service, dry).await.unwrap();
    assert_eq!((would.deleted_count, would.data_revision), (2, 0));
    let request = DeleteElementsRequest {
        request_id: "0190a5c0-0000-7000-8000-000000000001".to_owned(),
        ..deletion(these(&[1, 2, 99]), 2)
    };
    let first = delete(&service, request.clone()).await.unwrap();
    assert_eq!((first.deleted_count, first.data_revision), (2, 6));
    assert_eq!(delete(&service, request.clone()).await.unwrap(), first);
    assert_eq!(count(&service).await, 3);
    let other = DeleteElementsRequest {
        maximum: 3,
        ..request
    };
    let expected = refusal(Code::FailedPrecondition, "REQUEST_ID_REUSED", "");
    assert_eq!(refused(delete(&service, other).await), expected);
}

#[tokio::test]
async fn a_deletion_is_refused_by_its_field_or_its_reason() {
    // R112, R120.
    let service = with_elements(3).await;
    let past = Selection {
        as_of: Some(AsOf {
            at: Some(At::Revision(1)),
        }),
        ..everywhere()
    };
    let unset = DeleteElementsRequest {
        selection: None,
        ..deletion(everywhere(), 3)
    };
    for (request, field) in [
        (unset, "selection"),
        (deletion(past, 3), "selection.as_of"),
        (deletion(everywhere(), 0), "maximum"),
        (deletion(everywhere(), -1), "maximum"),
        (deletion(everywhere(), 1_001), "maximum"),
        (deletion(everywhere(), 10_001), "maximum"),
        (deletion(these(&[-1]), 1), "selection.element_ids[0]"),
    ] {
        let expected = refusal(Code::InvalidArgument, "INVALID_FIELD", field);
        assert_eq!(refused(delete(&service, request).await), expected);
    }
    let expected = refusal(Code::ResourceExhausted, "TOO_MANY_ELEMENTS", "");
    let many = delete(&service, deletion(everywhere(), 2)).await;
    assert_eq!(refused(many), expected);
    assert_eq!(count(&service).await, 3);
}

#[tokio::test]
async fn another_users_element_refuses_the_whole() {
    // R51, R57.
    let service = with_elements(2).await;
    let creator = ActorId::new(11).unwrap();
    let own = Decision::Own { creator };
    service.house.decide(Permission::DeleteElements, own);
    let expected = refusal(Code::PermissionDenied, "NOT_OWN_ELEMENT", "");
    let answer = delete(&service, deletion(everywhere(), 5)).await;
    assert_eq!(refused(answer), expected);
    service
        .house
        .deny(Permission::DeleteElements, DenyReason::NoGrant);
    let expected = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    let answer = delete(&service, deletion(everywhere(), 5)).await;
    assert_eq!(refused(answer), expected);
    assert_eq!(count(&service).await, 2);
}

#[tokio::test]
async fn each_element_is_deleted_once_however_many_delete() {
    // R108, R109.
    let service = with_elements(20).await;
    let half: Vec<i64> = (5..=20).collect();
    let mut others = tokio::task::JoinSet::new();
    for turn in 0..6 {
        let selection = if turn % 2 == 0 {
            everywhere()
        } else {
            these(&half)
        };
        let mut elements = service.elements();
        others.spawn(async move { elements.delete_elements(deletion(selection, 20)).await });
    }
    let mut deleted = 0;
    while let Some(answer) = others.join_next().await {
        deleted += answer.unwrap().unwrap().into_inner().deleted_count;
    }
    assert_eq!((deleted, count(&service).await), (20, 0));
}
