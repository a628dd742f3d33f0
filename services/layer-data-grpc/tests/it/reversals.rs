//! Restoring elements, and undoing edits.

use jmap_domain::{DenyReason, Permission};
use jmap_proto::layerdata::{
    ActorEdits, AsOf, BatchEditElementsRequest, DeleteEdit, Edit, RestoreElementsRequest,
    RevertEditsRequest, UpdateEdit, as_of::At, edit::Act, revert_edits_request::Edits,
};
use jmap_wire::timestamp;
use tonic::Code;

use crate::{
    edits::{count, rename},
    fixture::{LAYER, Service, refusal, refused, revision},
    reads::with_elements,
};

/// Three elements, of which somebody then renames the first and deletes the second, at revision 4.
async fn meddled() -> Service {
    let service = with_elements(3).await;
    let update = UpdateEdit {
        element_id: 1,
        expected: Some(revision(1)),
        change: Some(rename("other")),
    };
    let delete = DeleteEdit {
        element_id: 2,
        expected: Some(revision(2)),
    };
    let edits = [Act::Update(update), Act::Delete(delete)].map(|act| Edit {
        layer_id: LAYER,
        act: Some(act),
    });
    let batch = BatchEditElementsRequest {
        edits: edits.to_vec(),
        ..Default::default()
    };
    let mut elements = service.elements_as(12);
    elements.batch_edit_elements(batch).await.unwrap();
    service
}

fn restoration(ids: &[i64]) -> RestoreElementsRequest {
    RestoreElementsRequest {
        layer_id: LAYER,
        element_ids: ids.to_vec(),
        ..Default::default()
    }
}

fn reversal(edits: Edits) -> RevertEditsRequest {
    RevertEditsRequest {
        layer_id: LAYER,
        edits: Some(edits),
        ..Default::default()
    }
}

fn of_actor(actor_id: i64, at: At) -> Edits {
    Edits::Actor(ActorEdits {
        actor_id,
        since: Some(AsOf { at: Some(at) }),
    })
}

#[tokio::test]
async fn what_was_deleted_comes_back_once() {
    // R103, R109.
    let service = meddled().await;
    let request = RestoreElementsRequest {
        request_id: "0190a5c0-0000-7000-8000-000000000002".to_owned(),
        ..restoration(&[2])
    };
    let restore = |request| async { service.history().restore_elements(request).await };
    let first = restore(request.clone()).await.unwrap().into_inner();
    assert_eq!((first.restored_count, first.data_revision), (1, 5));
    let again = restore(request).await.unwrap().into_inner();
    assert_eq!(again, first);
    assert_eq!(count(&service).await, 3);
    let twice = restore(restoration(&[2, 99])).await.unwrap().into_inner();
    assert_eq!((twice.restored_count, twice.conflict_count), (0, 2));
    let told = twice.conflicts.into_iter().map(|conflict| {
        let error = conflict.error.unwrap();
        (conflict.element_id, error.reason)
    });
    let expected = [(2, "STALE_REVISION"), (99, "ELEMENT_NOT_FOUND")];
    let expected = expected.map(|(id, reason)| (id, reason.to_owned()));
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_actors_edits_are_undone_and_those_of_others_are_not() {
    // R107, R108.
    let service = meddled().await;
    let of_nobody = reversal(of_actor(13, At::Revision(3)));
    let none = service.history().revert_edits(of_nobody).await.unwrap();
    assert_eq!(none.into_inner().reverted_count, 0);
    let dry = RevertEditsRequest {
        validate_only: true,
        ..reversal(of_actor(12, At::Revision(3)))
    };
    let would = service.history().revert_edits(dry).await.unwrap();
    let would = would.into_inner();
    assert_eq!((would.reverted_count, would.data_revision), (2, 0));
    let undone = reversal(of_actor(12, At::Revision(3)));
    let undone = service.history().revert_edits(undone).await.unwrap();
    let undone = undone.into_inner();
    assert_eq!((undone.reverted_count, undone.data_revision), (2, 5));
    assert_eq!(count(&service).await, 3);
    // By now the first edit has been undone, so it cannot be undone once more.
    let late = reversal(Edits::Revision(4));
    let late = service.history().revert_edits(late).await.unwrap();
    let late = late.into_inner();
    assert_eq!((late.reverted_count, late.conflict_count), (0, 2));
    let facts = &late.conflicts[0].error.as_ref().unwrap().metadata;
    assert_eq!(facts["current_revision"], "5");
}

#[tokio::test]
async fn what_cannot_be_brought_back_is_refused_by_its_field_or_its_reason() {
    // R40, R120.
    let service = meddled().await;
    let invalid = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    for (ids, field) in [
        (vec![], "element_ids"),
        (vec![2, 3, 2], "element_ids"),
        (vec![-1], "element_ids[0]"),
    ] {
        let answer = service.history().restore_elements(restoration(&ids)).await;
        assert_eq!(refused(answer), invalid(field));
    }
    let unset = RevertEditsRequest {
        edits: None,
        ..reversal(Edits::Revision(1))
    };
    let far = timestamp(253_402_300_799_000);
    for (request, field) in [
        (unset, "edits"),
        (reversal(Edits::Revision(0)), "revision"),
        (reversal(Edits::Revision(5)), "edits"),
        (reversal(Edits::Actor(ActorEdits::default())), "actor.since"),
        (reversal(of_actor(0, At::Revision(1))), "actor.actor_id"),
        (reversal(of_actor(12, At::Time(far))), "edits"),
    ] {
        let answer = service.history().revert_edits(request).await;
        assert_eq!(refused(answer), invalid(field));
    }
    service
        .house
        .deny(Permission::AddElements, DenyReason::NoGrant);
    let expected = refusal(Code::PermissionDenied, "NOT_PERMITTED", "");
    let answer = service.history().restore_elements(restoration(&[2])).await;
    assert_eq!(refused(answer), expected);
    let revert = reversal(Edits::Revision(4));
    let answer = service.history().revert_edits(revert).await;
    assert_eq!(refused(answer), expected);
    assert_eq!(count(&service).await, 2);
}
