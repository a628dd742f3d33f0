//! The registry: both callers, retries, tombstones (R24, R29, R64, R73).

use jmap_proto::{authorization as pb, types};
use tonic::{Code, Status};

use crate::fixture::{
    Caller, Running, about_itself, layer_grant, layer_question, new_project, not_built, refused,
    reserve, start, wrong,
};

async fn world() -> (Running, Caller, Caller, i64) {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let request = administrator.says(new_project("Roads"));
    let project = running
        .projects()
        .create_project(request)
        .await
        .unwrap()
        .into_inner()
        .project
        .unwrap();
    let service = running.service(&running.service_key).await;
    (running, service, administrator, project.project_id)
}

async fn views(running: &Running, caller: &Caller, layer_id: i64) -> bool {
    let request = caller.says(pb::CheckRequest {
        subject: about_itself(),
        questions: vec![layer_question(layer_id, pb::LayerAct::View)],
        freshness: None,
    });
    let decisions = running
        .checks()
        .check(request)
        .await
        .unwrap()
        .into_inner()
        .decisions;
    matches!(decisions[0].decision, Some(pb::decision::Decision::All(_)))
}

#[tokio::test]
async fn a_layer_exists_for_nobody_until_it_is_activated_and_vanishes_with_a_tombstone() {
    let (running, service, user, project) = world().await;
    let mut registry = running.registry();
    let reserved = registry
        .reserve_layer(service.says_for(&user, reserve(project, " Lanes ", 1)))
        .await;
    let reserved = reserved.unwrap().into_inner();
    assert_eq!((reserved.name.as_str(), reserved.active), ("Lanes", false));
    assert!(reserved.expire_time.is_some() && !views(&running, &user, reserved.layer_id).await);

    let layer_id = reserved.layer_id;
    registry
        .activate_layer(service.says_for(&user, pb::ActivateLayerRequest { layer_id }))
        .await
        .unwrap();
    assert!(views(&running, &user, layer_id).await);

    let unregister = |name: &str| pb::UnregisterLayerRequest {
        layer_id,
        confirm_name: name.to_owned(),
    };
    let result = registry
        .unregister_layer(service.says_for(&user, unregister("Roads")))
        .await;
    refused(result, Code::FailedPrecondition, "CONFIRMATION_MISMATCH");
    registry
        .unregister_layer(service.says_for(&user, unregister("Lanes")))
        .await
        .unwrap();
    assert!(!views(&running, &user, layer_id).await);
    let list = || service.says(pb::ListRemovalsRequest::default());
    let removals = registry
        .list_removals(list())
        .await
        .unwrap()
        .into_inner()
        .removals;
    assert_eq!(
        (removals[0].layer_id, removals[0].deleted_by_user_id),
        (layer_id, 1)
    );
    let confirm = pb::ConfirmRemovalsRequest {
        layer_ids: vec![layer_id],
    };
    registry
        .confirm_removals(service.says(confirm))
        .await
        .unwrap();
    assert!(
        registry
            .list_removals(list())
            .await
            .unwrap()
            .into_inner()
            .removals
            .is_empty()
    );
}

#[tokio::test]
async fn a_services_bare_word_never_becomes_a_user() {
    let (running, service, user, project) = world().await;
    let mut registry = running.registry();
    let bare = registry
        .reserve_layer(service.says(reserve(project, "Lanes", 1)))
        .await;
    refused(bare, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let forged = Caller {
        token: Some("x.y.z".to_owned()),
    };
    let forged = registry
        .reserve_layer(service.says_for(&forged, reserve(project, "Lanes", 1)))
        .await;
    refused(forged, Code::Unauthenticated, "TOKEN_MALFORMED");
    let itself = registry
        .reserve_layer(service.says_for(&service, reserve(project, "Lanes", 1)))
        .await;
    refused(itself, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    // Nor does a user become a service, or a service get a scope that its key has not.
    let alone = registry
        .reserve_layer(user.says_for(&user, reserve(project, "Lanes", 1)))
        .await;
    refused(alone, Code::PermissionDenied, "NOT_PERMITTED");
    let idle = running.service(&running.idle_key).await;
    let idle_word = registry
        .reserve_layer(idle.says_for(&user, reserve(project, "Lanes", 1)))
        .await;
    refused(idle_word, Code::PermissionDenied, "SCOPE_MISSING");
    let removals = registry
        .list_removals(idle.says(pb::ListRemovalsRequest::default()))
        .await;
    refused(removals, Code::PermissionDenied, "SCOPE_MISSING");
    let nobody = registry
        .list_removals(pb::ListRemovalsRequest::default())
        .await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn the_acting_user_needs_the_right_and_its_session_must_be_open() {
    let (running, service, administrator, project) = world().await;
    let (_, ana, _) = running.with_user("ana").await;
    let mut registry = running.registry();
    let result = registry
        .reserve_layer(service.says_for(&ana, reserve(project, "Lanes", 1)))
        .await;
    refused(result, Code::NotFound, "NOT_FOUND");
    running
        .sessions()
        .sign_out(administrator.says(pb::SignOutRequest {}))
        .await
        .unwrap();
    let result = registry
        .reserve_layer(service.says_for(&administrator, reserve(project, "Lanes", 1)))
        .await;
    refused(result, Code::Unauthenticated, "SESSION_CLOSED");
}

#[tokio::test]
async fn a_retry_continues_and_another_request_under_its_id_is_refused() {
    let (running, service, user, project) = world().await;
    let mut registry = running.registry();
    let mut reserve = async |name: &str, request: u8| {
        let request = service.says_for(&user, reserve(project, name, request));
        registry
            .reserve_layer(request)
            .await
            .map(|response| response.into_inner().layer_id)
    };
    let first = reserve("Lanes", 1).await.unwrap();
    assert_eq!(reserve("Lanes", 1).await.unwrap(), first);
    refused(
        reserve("Paths", 1).await,
        Code::FailedPrecondition,
        "REQUEST_ID_REUSED",
    );
    // R26: whatever the case.
    refused(reserve("LANES", 2).await, Code::AlreadyExists, "NAME_TAKEN");
    let layer_id = first;
    let abandon = service.says_for(&user, pb::AbandonLayerRequest { layer_id });
    running.registry().abandon_layer(abandon).await.unwrap();
    let activate = service.says_for(&user, pb::ActivateLayerRequest { layer_id });
    refused(
        running.registry().activate_layer(activate).await,
        Code::FailedPrecondition,
        "RESERVATION_EXPIRED",
    );
}

async fn attempt(
    (running, service, user, project): &(Running, Caller, Caller, i64),
    change: impl FnOnce(&mut pb::ReserveLayerRequest),
) -> Result<tonic::Response<pb::ReserveLayerResponse>, Status> {
    let mut message = reserve(*project, "Lanes", 9);
    change(&mut message);
    running
        .registry()
        .reserve_layer(service.says_for(user, message))
        .await
}

#[tokio::test]
async fn every_field_of_a_reservation_is_checked() {
    // R120.
    let world = world().await;
    let negative = Some(pb::reserve_layer_request::Placement::ProjectId(-4));
    wrong(attempt(&world, |m| m.placement = None).await, "placement");
    wrong(
        attempt(&world, |m| m.placement = negative).await,
        "project_id",
    );
    for name in ["", "two\nlines", &"x".repeat(201)] {
        wrong(attempt(&world, |m| m.name = name.to_owned()).await, "name");
    }
    for id in ["", "seven"] {
        wrong(
            attempt(&world, |m| m.request_id = id.to_owned()).await,
            "request_id",
        );
    }
    wrong(
        attempt(&world, |m| m.initial_view = 44).await,
        "initial_view",
    );
    not_built(
        attempt(&world, |m| m.connection_id = 3).await,
        "connection_id",
    );
    attempt(&world, |_| ()).await.unwrap();
}

#[tokio::test]
async fn every_field_of_an_initial_grant_is_checked() {
    // R120.
    let world = world().await;
    let with = async |grant| attempt(&world, |m| m.initial_grants = vec![grant]).await;
    let nobody = layer_grant(0, &[types::Permission::View]);
    wrong(with(nobody).await, "initial_grants[0].principal.user_id");
    wrong(
        with(layer_grant(1, &[])).await,
        "initial_grants[0].permissions",
    );
    let unspecified = layer_grant(1, &[types::Permission::Unspecified]);
    wrong(with(unspecified).await, "initial_grants[0].permissions[0]");
}

#[tokio::test]
async fn a_personal_layer_starts_editable_and_its_owners_alone() {
    // R67, R68, R83.
    let world = world().await;
    let personal = async |change: &dyn Fn(&mut pb::ReserveLayerRequest)| {
        let nowhere = pb::reserve_layer_request::Placement::Personal(types::PersonalPlacement {});
        let change = |message: &mut pb::ReserveLayerRequest| {
            message.placement = Some(nowhere);
            change(message);
        };
        attempt(&world, change).await
    };
    wrong(
        personal(&|m| m.editing_enabled = Some(false)).await,
        "editing_enabled",
    );
    let everyone = types::InitialView::Everyone.into();
    wrong(
        personal(&|m| m.initial_view = everyone).await,
        "initial_view",
    );
    let shared = vec![layer_grant(1, &[types::Permission::View])];
    not_built(
        personal(&|m| m.initial_grants.clone_from(&shared)).await,
        "initial_grants",
    );
    // R12: nobody may create one by default.
    refused(
        personal(&|_| ()).await,
        Code::PermissionDenied,
        "NOT_PERMITTED",
    );
}
