//! Refusals are reported to authorization, and nothing depends on it (R122).

use jmap_domain::{Caller, LayerId, Resource, SessionCaller, SessionId, SessionKind, UserId};
use jmap_proto::authorization::{self as pb, refused_calls};
use jmap_service::refusals::{RefusalLog, RefusedCall};
use layer_data_clients::RefusalReports;
use tonic::Status;

use crate::fixture::House;

fn refused(caller: Option<Caller>, request_id: &str, layer: i64) -> RefusedCall {
    RefusedCall {
        method: Some("/jmap.layerdata.v1.ElementService/UpdateElement".into()),
        caller,
        user: None,
        reason: "NOT_OWN_ELEMENT".to_owned(),
        resource: LayerId::new(layer).ok().map(Resource::Layer),
        request_id: request_id.into(),
    }
}

fn session() -> Caller {
    Caller::Session(SessionCaller {
        session: SessionId::new(3).unwrap(),
        user: UserId::new(10).unwrap(),
        kind: SessionKind::Ordinary,
    })
}

#[tokio::test]
async fn equal_refusals_are_reported_as_one_with_a_count() {
    let (house, authorization) = House::start().await;
    let reports = RefusalReports::to(authorization);
    for (caller, request) in [
        (Some(session()), "job-1"),
        (Some(session()), "job-2"),
        (Some(Caller::Anonymous), "job-3"),
        (None, "job-4"),
    ] {
        reports.note(refused(caller, request, 7));
    }
    reports.send().await;
    // Nothing new is nothing to report.
    reports.send().await;
    let told = house.reports();
    assert_eq!(told.len(), 1);
    let told = &told[0].refusals;
    assert_eq!(told.len(), 3, "{told:?}");
    let held = told
        .iter()
        .find(|one| one.caller == Some(refused_calls::Caller::SessionId(3)));
    let held = held.unwrap();
    assert_eq!((held.count, held.request_id.as_str()), (2, "job-1"));
    assert_eq!(held.reason, "NOT_OWN_ELEMENT");
    let about = held.resource.clone().unwrap();
    assert_eq!(
        (about.kind(), about.id),
        (pb::AuditedResourceKind::Layer, 7)
    );
    assert!(told.iter().any(|one| one.caller.is_none()));
}

#[tokio::test]
async fn what_is_not_taken_is_reported_later_and_a_flood_is_a_number() {
    // R122: an authorization service that fails, or does not know the call, costs nothing but the report.
    let (house, authorization) = House::start().await;
    let reports = RefusalReports::to(authorization);
    reports.note(refused(Some(session()), "job-1", 7));
    house.next_refusal(Status::unimplemented(""));
    reports.send().await;
    assert_eq!(house.reports(), []);
    for layer in 1..=10_000 {
        reports.note(refused(Some(session()), "job-2", layer));
    }
    house.next_refusal(Status::unavailable(""));
    reports.send().await;
    reports.send().await;
    let told = house.reports();
    assert_eq!(told.len(), 1);
    let counted: i64 = told[0].refusals.iter().map(|one| one.count).sum();
    assert_eq!(counted + told[0].dropped_count, 10_001);
    assert!(told[0].refusals.len() <= 100, "{}", told[0].refusals.len());
    let first = told[0].refusals.iter().find(|one| one.count == 2);
    assert_eq!(first.unwrap().request_id, "job-1");
}
