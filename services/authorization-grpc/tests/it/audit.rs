//! The audit record at the boundary: fields, pages, streams, and what the stack sees of refusals (R122).

use std::collections::BTreeSet;

use jmap_proto::authorization as pb;
use prost_types::Timestamp;
use tonic::{Code, Request, Status};

use crate::fixture::{
    Caller, PASSWORD, Running, delta, layer_grant, new_user, password, refused, start, wrong,
};

fn asks(filter: pb::AuditFilter) -> pb::ListAuditRecordsRequest {
    pb::ListAuditRecordsRequest {
        filter: Some(filter),
        ..Default::default()
    }
}

fn kinds(kinds: &[pb::AuditKind]) -> pb::AuditFilter {
    pb::AuditFilter {
        kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        ..Default::default()
    }
}

async fn list(
    running: &Running,
    caller: &Caller,
    request: pb::ListAuditRecordsRequest,
) -> Result<pb::ListAuditRecordsResponse, Status> {
    let mut audit = running.audit();
    let listed = audit.list_audit_records(caller.says(request)).await?;
    Ok(listed.into_inner())
}

async fn refusals(running: &Running, administrator: &Caller) -> Vec<pb::AuditRecord> {
    running.write_notes().await;
    let request = asks(kinds(&[pb::AuditKind::Refusal]));
    list(running, administrator, request).await.unwrap().records
}

fn under<T>(id: &'static str, mut request: Request<T>) -> Request<T> {
    request
        .metadata_mut()
        .insert("x-request-id", id.parse().unwrap());
    request
}

#[tokio::test]
async fn a_change_tells_its_call_its_author_and_what_changed() {
    // R122.
    let running = start().await;
    let (administrator, _, user) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, user).await;
    let grant = delta(
        layer,
        vec![layer_grant(user, &[jmap_proto::types::Permission::View])],
    );
    let grant = under("job-7", administrator.says(grant));
    let answered = running
        .layers()
        .update_layer_permissions(grant)
        .await
        .unwrap();
    // The id that the caller sent is the one that it gets back, and the one that is recorded.
    assert_eq!(answered.metadata().get("x-request-id").unwrap(), "job-7");
    let filter = pb::AuditFilter {
        about: Some(pb::AuditedResource {
            kind: pb::AuditedResourceKind::Layer.into(),
            id: layer,
            ..Default::default()
        }),
        ..kinds(&[pb::AuditKind::Change])
    };
    let records = list(&running, &administrator, asks(filter))
        .await
        .unwrap()
        .records;
    let record = &records[0];
    assert_eq!(record.request_id, "job-7");
    assert_eq!(
        record.act,
        "/jmap.authorization.v1.LayerAdministrationService/UpdateLayerPermissions"
    );
    let caller = record.caller.clone().unwrap();
    assert_eq!((caller.user_id, caller.name.as_str()), (1, "administrator"));
    assert_eq!(record.path(), pb::GrantPath::Direct);
    assert_eq!(record.outcome(), pb::AuditOutcome::Done);
    let Some(pb::policy_change::Change::LayerGrantsSet(set)) = &record.changes[0].change else {
        panic!("{:?}", record.changes);
    };
    assert_eq!((set.layer_id, set.rows[0].principal_id), (layer, user));
    let named: BTreeSet<_> = record
        .resources
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert!(named.contains("ana"), "{named:?}");
}

#[tokio::test]
async fn a_refused_call_is_recorded_with_its_reason_and_its_request_id() {
    // R122.
    let running = start().await;
    let (administrator, ana, user) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, user).await;
    let grant = delta(
        layer,
        vec![layer_grant(user, &[jmap_proto::types::Permission::View])],
    );
    let grant = under("job-1", ana.says(grant));
    let denied = running.layers().update_layer_permissions(grant).await;
    refused(denied, Code::PermissionDenied, "NOT_PERMITTED");
    let absent = pb::GetProjectRequest {
        project: Some(pb::get_project_request::Project::ProjectId(77)),
    };
    let absent = running
        .projects()
        .get_project(under("job-2", ana.says(absent)))
        .await;
    refused(absent, Code::NotFound, "NOT_FOUND");
    let nobody = Caller::ANONYMOUS.says(new_user("eve"));
    let nobody = running
        .directory()
        .create_user(under("job-3", nobody))
        .await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let records = refusals(&running, &administrator).await;
    let found = |id: &str| {
        let mut found = records.iter().filter(|one| one.request_id == id);
        let record = found
            .next()
            .unwrap_or_else(|| panic!("{id} in {records:#?}"));
        let about = record.resources.first().map(|one| (one.kind(), one.id));
        let who = record.caller.clone().unwrap();
        (record.reason.clone(), about, who.kind(), record.count)
    };
    let (denied, absent, nobody) = (found("job-1"), found("job-2"), found("job-3"));
    let user = pb::AuditedCallerKind::User;
    assert_eq!(
        (denied.0.as_str(), denied.2, denied.3),
        ("NOT_PERMITTED", user, 1)
    );
    let project = (pb::AuditedResourceKind::Project, 77);
    assert_eq!((absent.0.as_str(), absent.1), ("NOT_FOUND", Some(project)));
    assert_eq!(nobody.2, pb::AuditedCallerKind::Anonymous);
    assert_eq!(records.len(), 3);
}

#[tokio::test]
async fn answers_with_a_no_and_wrong_fields_are_no_refusals() {
    // R122.
    let running = start().await;
    let (administrator, ana, user) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, user).await;
    let question = crate::fixture::layer_question(layer, pb::LayerAct::DeleteElements);
    let check = pb::CheckRequest {
        subject: crate::fixture::about_itself(),
        questions: vec![question],
        freshness: None,
    };
    running.checks().check(ana.says(check)).await.unwrap();
    let broken = administrator.says(pb::CreateUserRequest::default());
    running.directory().create_user(broken).await.unwrap_err();
    let taken = administrator.says(new_user("ana"));
    running.directory().create_user(taken).await.unwrap_err();
    assert_eq!(refusals(&running, &administrator).await, []);
}

#[tokio::test]
async fn a_user_whose_call_a_service_passes_on_is_who_is_refused() {
    // R122.
    let running = start().await;
    let (administrator, ana, user) = running.with_user("ana").await;
    let (project, _) = running.with_layer(&administrator, user).await;
    let service = running.service(&running.service_key).await;
    let reserve = crate::fixture::reserve(project, "new", 9);
    let denied = running
        .registry()
        .reserve_layer(service.says_for(&ana, reserve))
        .await;
    refused(denied, Code::PermissionDenied, "NOT_PERMITTED");
    let records = refusals(&running, &administrator).await;
    let [record] = records.as_slice() else {
        panic!("one record: {records:#?}");
    };
    let caller = record.caller.clone().unwrap();
    assert_eq!(
        (caller.user_id, caller.via_service_name.as_str()),
        (user, "layer-data")
    );
}

#[tokio::test]
async fn pages_cover_the_record_once_the_newest_first() {
    let running = start().await;
    let (administrator, _, _) = running.with_user("ana").await;
    let (mut seen, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = pb::ListAuditRecordsRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = list(&running, &administrator, request).await.unwrap();
        seen.extend(page.records.iter().map(|one| one.record_id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
        let other = pb::ListAuditRecordsRequest {
            page_token: page_token.clone(),
            ..asks(kinds(&[pb::AuditKind::Change]))
        };
        wrong(list(&running, &administrator, other).await, "page_token");
    }
    let mut expected = seen.clone();
    expected.sort_unstable_by(|a, b| b.cmp(a));
    expected.dedup();
    assert_eq!(seen, expected);
    assert_eq!(*seen.last().unwrap(), 1);
}

#[tokio::test]
async fn a_stream_gives_the_record_in_order_and_goes_on_where_it_was_cut_off() {
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let read = async |caller: &Caller, after_record_id| {
        let request = pb::StreamAuditRecordsRequest {
            after_record_id,
            ..Default::default()
        };
        let opened = running
            .audit()
            .stream_audit_records(caller.says(request))
            .await;
        let mut stream = opened?.into_inner();
        let (mut ids, mut looked_at) = (Vec::new(), 0);
        while let Some(part) = stream.message().await? {
            ids.extend(part.records.iter().map(|one| one.record_id));
            looked_at = part.looked_at_record_id;
        }
        Ok::<_, Status>((ids, looked_at))
    };
    let (all, last) = read(&administrator, 0).await.unwrap();
    assert_eq!(all, (1..=last).collect::<Vec<_>>());
    running.sign_in("ana").await;
    let (rest, _) = read(&administrator, last).await.unwrap();
    assert_eq!(rest, [last + 1]);
    refused(read(&ana, 0).await, Code::PermissionDenied, "NOT_PERMITTED");
    wrong(read(&administrator, -1).await, "after_record_id");
}

#[tokio::test]
async fn nobody_but_administrators_is_shown_the_record() {
    // R122.
    let running = start().await;
    let (administrator, ana, user) = running.with_user("ana").await;
    let (project_id, _) = running.with_layer(&administrator, user).await;
    let service = running.service(&running.service_key).await;
    let of_project = pb::AuditFilter {
        project_id,
        ..Default::default()
    };
    for caller in [&ana, &service] {
        for filter in [pb::AuditFilter::default(), of_project.clone()] {
            let listed = list(&running, caller, asks(filter)).await;
            refused(listed, Code::PermissionDenied, "NOT_PERMITTED");
        }
    }
    let nobody = list(&running, &Caller::ANONYMOUS, asks(of_project)).await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}

#[expect(clippy::too_many_lines, reason = "a table of bad fields")]
#[tokio::test]
async fn fields_of_filters_are_checked() {
    // R120.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let about = |kind: i32, id| pb::AuditFilter {
        about: Some(pb::AuditedResource {
            kind,
            id,
            ..Default::default()
        }),
        ..Default::default()
    };
    let endless = Some(Timestamp {
        seconds: i64::MAX,
        nanos: 0,
    });
    for (filter, path) in [
        (
            pb::AuditFilter {
                user_id: -1,
                ..Default::default()
            },
            "filter.user_id",
        ),
        (
            pb::AuditFilter {
                service_id: -1,
                ..Default::default()
            },
            "filter.service_id",
        ),
        (
            pb::AuditFilter {
                project_id: -1,
                ..Default::default()
            },
            "filter.project_id",
        ),
        (
            pb::AuditFilter {
                kinds: vec![1, 99],
                ..Default::default()
            },
            "filter.kinds[1]",
        ),
        (
            pb::AuditFilter {
                outcome: 99,
                ..Default::default()
            },
            "filter.outcome",
        ),
        (
            pb::AuditFilter {
                from_time: endless,
                ..Default::default()
            },
            "filter.from_time",
        ),
        (
            pb::AuditFilter {
                until_time: endless,
                ..Default::default()
            },
            "filter.until_time",
        ),
        (about(0, 1), "filter.about.kind"),
        (about(7, 0), "filter.about.id"),
    ] {
        wrong(list(&running, &administrator, asks(filter)).await, path);
    }
    let page = pb::ListAuditRecordsRequest {
        page_size: -1,
        ..Default::default()
    };
    wrong(list(&running, &administrator, page).await, "page_size");
}

fn report() -> pb::RefusedCalls {
    let time = Some(Timestamp::default());
    pb::RefusedCalls {
        method: "/a.B/C".to_owned(),
        reason: "NOT_OWN_ELEMENT".to_owned(),
        time,
        last_time: time,
        count: 1,
        ..Default::default()
    }
}

#[expect(clippy::too_many_lines, reason = "a table of bad fields")]
#[tokio::test]
async fn fields_of_reports_are_checked_and_only_services_report() {
    // R120, R122.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let service = running.service(&running.service_key).await;
    let idle = running.service(&running.idle_key).await;
    let tell = async |caller: &Caller, refusals, dropped_count| {
        let request = pb::ReportRefusalsRequest {
            refusals,
            dropped_count,
        };
        let told = running.audit().report_refusals(caller.says(request)).await;
        told.map(tonic::Response::into_inner)
    };
    let session = Some(pb::refused_calls::Caller::SessionId(0));
    let about = Some(pb::AuditedResource::default());
    for (report, path) in [
        (
            pb::RefusedCalls {
                caller: session,
                ..report()
            },
            "refusals[0].session_id",
        ),
        (
            pb::RefusedCalls {
                method: "two words".to_owned(),
                ..report()
            },
            "refusals[0].method",
        ),
        (
            pb::RefusedCalls {
                method: "m".repeat(129),
                ..report()
            },
            "refusals[0].method",
        ),
        (
            pb::RefusedCalls {
                reason: String::new(),
                ..report()
            },
            "refusals[0].reason",
        ),
        (
            pb::RefusedCalls {
                reason: "R".repeat(64),
                ..report()
            },
            "refusals[0].reason",
        ),
        (
            pb::RefusedCalls {
                resource: about,
                ..report()
            },
            "refusals[0].resource.kind",
        ),
        (
            pb::RefusedCalls {
                request_id: "a b".to_owned(),
                ..report()
            },
            "refusals[0].request_id",
        ),
        (
            pb::RefusedCalls {
                time: None,
                ..report()
            },
            "refusals[0].time",
        ),
        (
            pb::RefusedCalls {
                last_time: None,
                ..report()
            },
            "refusals[0].last_time",
        ),
        (
            pb::RefusedCalls {
                count: 0,
                ..report()
            },
            "refusals[0].count",
        ),
    ] {
        wrong(tell(&service, vec![report], 0).await, path);
    }
    wrong(tell(&service, vec![], -1).await, "dropped_count");
    refused(
        tell(&service, vec![report(); 1001], 0).await,
        Code::ResourceExhausted,
        "TOO_LARGE",
    );
    tell(&service, vec![report()], 0).await.unwrap();
    refused(
        tell(&idle, vec![], 0).await,
        Code::PermissionDenied,
        "SCOPE_MISSING",
    );
    refused(
        tell(&administrator, vec![], 0).await,
        Code::PermissionDenied,
        "NOT_PERMITTED",
    );
    refused(
        tell(&Caller::ANONYMOUS, vec![], 0).await,
        Code::Unauthenticated,
        "SIGN_IN_REQUIRED",
    );
}

#[tokio::test]
async fn a_sign_in_that_is_refused_is_recorded_once_and_tells_the_caller_nothing_of_it() {
    // R122, R117.
    let running = start().await;
    let (administrator, _, user) = running.with_user("ana").await;
    let known = running.try_sign_in(password("ana", "wrong")).await;
    let unknown = running.try_sign_in(password("nobody", PASSWORD)).await;
    let known = refused(known, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    let unknown = refused(unknown, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    assert_eq!(known.details(), unknown.details());
    let records = refusals(&running, &administrator).await;
    let about: BTreeSet<_> = records
        .iter()
        .map(|one| one.resources.first().map(|about| about.id))
        .collect();
    assert_eq!(about, BTreeSet::from([None, Some(user)]));
    assert_eq!(records.len(), 2);
    assert!(records.iter().all(|one| one.act.ends_with("/SignIn")));
}
