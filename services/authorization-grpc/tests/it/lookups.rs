//! Lookups, reports and what-if by calls: streams of parts, tokens that go on, and who is told what.

use jmap_proto::{authorization as pb, types};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt;

use crate::fixture::{
    Caller, Running, about_itself, delta, grant_project, layer_grant, layer_question, refused,
    reserve, start, subject, user,
};

/// All messages of a stream.
async fn all<T>(stream: Result<tonic::Response<Streaming<T>>, Status>) -> Vec<T> {
    let mut stream = stream.unwrap().into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    messages
}

fn viewable(subject: Option<pb::Subject>) -> pb::LookupLayersRequest {
    pb::LookupLayersRequest {
        subject,
        act: pb::LayerAct::View.into(),
        ..Default::default()
    }
}

fn account(user_id: i64) -> Option<pb::Subject> {
    subject(pb::subject::Subject::UserId(user_id))
}

/// A second layer in a project of the administrator's.
async fn second_layer(running: &Running, owner: &Caller, project_id: i64) -> i64 {
    let service = running.service(&running.service_key).await;
    let request = service.says_for(owner, reserve(project_id, "Signs", 2));
    let reserved = running.registry().reserve_layer(request).await.unwrap();
    let layer_id = reserved.into_inner().layer_id;
    let request = service.says_for(owner, pb::ActivateLayerRequest { layer_id });
    running.registry().activate_layer(request).await.unwrap();
    layer_id
}

#[tokio::test]
async fn a_lookup_comes_in_parts_and_goes_on_from_each_token() {
    // R23, R40.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (project_id, first) = running.with_layer(&administrator, ana_id).await;
    let second = second_layer(&running, &administrator, project_id).await;
    let request = pb::LookupLayersRequest {
        page_size: 1,
        ..viewable(about_itself())
    };
    let mut lookups = running.lookups();
    let parts = all(lookups.lookup_layers(ana.says(request.clone())).await).await;
    let ids = |parts: &[pb::LookupLayersResponse]| {
        let layers = parts.iter().flat_map(|part| &part.layers);
        layers.map(|layer| layer.layer_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&parts), [first, second]);
    assert_eq!(parts.len(), 2);
    assert!(parts[1].next_page_token.is_empty());
    assert_eq!(parts[0].layers[0].project_id, project_id);
    let rest = pb::LookupLayersRequest {
        page_token: parts[0].next_page_token.clone(),
        ..request
    };
    let rest = all(lookups.lookup_layers(ana.says(rest)).await).await;
    assert_eq!(ids(&rest), [second]);
    // A token of another list is none of this one.
    let other = pb::LookupLayersRequest {
        act: pb::LayerAct::CopyExport.into(),
        page_token: parts[0].next_page_token.clone(),
        ..viewable(about_itself())
    };
    refused(
        lookups.lookup_layers(ana.says(other)).await,
        Code::InvalidArgument,
        "INVALID_FIELD",
    );
}

#[tokio::test]
async fn a_closed_session_looks_nothing_up() {
    // R117.
    let running = start().await;
    let (_, ana, _) = running.with_user("ana").await;
    let sign_out = ana.says(pb::SignOutRequest {});
    running.sessions().sign_out(sign_out).await.unwrap();
    let request = ana.says(viewable(about_itself()));
    let ended = running.lookups().lookup_layers(request).await;
    refused(ended, Code::Unauthenticated, "SESSION_CLOSED");
}

#[tokio::test]
async fn who_may_is_told_with_the_paths() {
    // R41, R45.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (_, layer_id) = running.with_layer(&administrator, ana_id).await;
    let request = pb::LookupSubjectsRequest {
        question: Some(layer_question(layer_id, pb::LayerAct::View)),
        ..Default::default()
    };
    let mut lookups = running.lookups();
    let found = all(lookups
        .lookup_subjects(administrator.says(request.clone()))
        .await)
    .await;
    let subjects = &found[0].subjects;
    let names: Vec<_> = subjects.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["administrator", "ana"]);
    let all_elements = pb::decision::Decision::All(pb::AllElements {});
    let decision = subjects[1].decision.and_then(|one| one.decision);
    assert_eq!(decision, Some(all_elements));
    let grants = &subjects[1].grants;
    let told: Vec<_> = grants
        .iter()
        .map(|grant| {
            (
                grant.path(),
                grant.gives.as_str(),
                grant.principal_name.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (pb::GrantPath::Direct, "open", "ana"),
            (pb::GrantPath::Everyone, "view", "everyone"),
        ]
    );
    let by_ana = lookups.lookup_subjects(ana.says(request.clone())).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
    let by_nobody = lookups
        .lookup_subjects(Caller::ANONYMOUS.says(request))
        .await;
    refused(by_nobody, Code::NotFound, "NOT_FOUND");
}

#[tokio::test]
async fn a_report_lists_what_is_held_by_which_path_and_what_sleeps() {
    // R19, R31.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (project_id, layer_id) = running.with_layer(&administrator, ana_id).await;
    let copy = layer_grant(ana_id, &[types::Permission::CopyExport]);
    let grant = administrator.says(delta(layer_id, vec![copy]));
    running
        .layers()
        .update_layer_permissions(grant)
        .await
        .unwrap();
    let request = pb::ReportPermissionsRequest {
        principal: user(ana_id),
        page_size: 1,
        ..Default::default()
    };
    let mut lookups = running.lookups();
    let parts = all(lookups.report_permissions(ana.says(request.clone())).await).await;
    let entries: Vec<_> = parts.iter().flat_map(|part| &part.entries).collect();
    let held = pb::HeldProjectPermissions {
        project_id,
        name: "Roads".to_owned(),
        permissions: vec![types::ProjectPermission::Open.into()],
    };
    assert_eq!(entries[0].held, Some(pb::report_entry::Held::Project(held)));
    let on_the_layer: Vec<_> = entries[1..].iter().map(|one| one.path()).collect();
    assert_eq!(
        on_the_layer,
        [pb::GrantPath::Direct, pb::GrantPath::Everyone]
    );
    assert_eq!((parts.len(), entries.len()), (2, 3));
    let (_, bo, _) = running.with_user("bo").await;
    let by_bo = lookups.report_permissions(bo.says(request)).await;
    refused(by_bo, Code::PermissionDenied, "NOT_PERMITTED");
}

#[tokio::test]
async fn what_if_tells_both_answers_and_refuses_what_the_change_would_be_refused() {
    // R28, R45.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (_, _, bo_id) = running.with_user("bo").await;
    let (project_id, layer_id) = running.with_layer(&administrator, ana_id).await;
    let propose = |change| pb::ProposedChange {
        change: Some(change),
    };
    let opened = propose(pb::proposed_change::Change::ProjectPermissions(
        pb::ProposedProjectPermissions {
            project_id,
            changes: vec![grant_project(bo_id, types::ProjectPermission::Open)],
        },
    ));
    let copy = layer_grant(bo_id, &[types::Permission::CopyExport]);
    let mut changes = delta(layer_id, vec![copy]).changes;
    let granted = propose(pb::proposed_change::Change::LayerPermissions(
        changes.remove(0),
    ));
    let request = |supposing| pb::WhatIfRequest {
        subject: account(bo_id),
        questions: vec![layer_question(layer_id, pb::LayerAct::CopyExport)],
        supposing,
        freshness: None,
    };
    let mut lookups = running.lookups();
    let both = request(vec![opened.clone(), granted.clone()]);
    let answer = lookups.what_if(administrator.says(both.clone())).await;
    let answer = answer.unwrap().into_inner().answers.remove(0);
    let not_visible = pb::Denied {
        reason: pb::DenyReason::NotVisible.into(),
    };
    assert_eq!(
        answer.now.and_then(|one| one.decision),
        Some(pb::decision::Decision::Denied(not_visible))
    );
    assert_eq!(
        answer.then.and_then(|one| one.decision),
        Some(pb::decision::Decision::All(pb::AllElements {}))
    );
    assert_eq!((answer.grants.len(), answer.missing), (3, vec![]));
    // In the other order the second is refused, as it would be.
    let status = refused(
        lookups
            .what_if(administrator.says(request(vec![granted, opened])))
            .await,
        Code::FailedPrecondition,
        "CANNOT_OPEN_PROJECT",
    );
    let facts = status.get_details_error_info().unwrap().metadata;
    assert_eq!(facts["proposal"], "0");
    let by_ana = lookups.what_if(ana.says(both)).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
}

#[tokio::test]
async fn tables_of_several_layers_are_read_at_once_or_not_at_all() {
    // R40, R42, R46.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (project_id, first) = running.with_layer(&administrator, ana_id).await;
    let second = second_layer(&running, &administrator, project_id).await;
    let request = |layer_ids: &[i64]| pb::BatchGetLayerPermissionsRequest {
        layer_ids: layer_ids.to_vec(),
    };
    let mut layers = running.layers();
    let read = administrator.says(request(&[second, first]));
    let tables = layers.batch_get_layer_permissions(read).await.unwrap();
    let tables = tables.into_inner().tables;
    let ids: Vec<_> = tables.iter().map(|table| table.layer_id).collect();
    assert_eq!(ids, [second, first]);
    assert_eq!(tables[0].rows[0].principal_name, "everyone");
    assert!(tables[0].grants_revision > tables[1].grants_revision);
    let absent = administrator.says(request(&[first, 999]));
    let absent = layers.batch_get_layer_permissions(absent).await;
    refused(absent, Code::NotFound, "NOT_FOUND");
    let by_ana = ana.says(request(&[first]));
    let by_ana = layers.batch_get_layer_permissions(by_ana).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
}

#[tokio::test]
async fn candidates_are_listed_page_by_page_with_what_can_be_granted() {
    // R28, R31.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    running.with_user("bo").await;
    let (_, layer_id) = running.with_layer(&administrator, ana_id).await;
    let mut layers = running.layers();
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = administrator.says(pb::ListGrantCandidatesRequest {
            layer_id,
            page_size: 2,
            page_token,
            ..Default::default()
        });
        let page = layers.list_grant_candidates(request).await.unwrap();
        let page = page.into_inner();
        names.extend(page.candidates.into_iter().map(|one| one.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["everyone", "administrator", "ana"]);
    let search = |text: &str| pb::ListGrantCandidatesRequest {
        layer_id,
        search: text.to_owned(),
        ..Default::default()
    };
    let found = layers
        .list_grant_candidates(administrator.says(search("AN")))
        .await;
    let found = found.unwrap().into_inner().candidates;
    assert_eq!(found.len(), 1);
    // Editing is disabled on a new layer, and ana opens no server sessions.
    let grantable: Vec<types::Permission> = found[0].grantable().collect();
    assert_eq!(
        grantable,
        [types::Permission::View, types::Permission::CopyExport]
    );
    let by_ana = layers.list_grant_candidates(ana.says(search(""))).await;
    refused(by_ana, Code::PermissionDenied, "NOT_PERMITTED");
}
