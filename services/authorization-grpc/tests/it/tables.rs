//! Permission tables of layers: refused grants, stale tables, rows that sleep (R22, R28, R31, R41, R42, R83, R100, R108).

use jmap_proto::{authorization as pb, types};
use tonic::Code;
use tonic_types::StatusExt;

use crate::fixture::{Caller, Running, delta, layer_grant, mask, refused, start};

async fn grant(
    running: &Running,
    caller: &Caller,
    layer: i64,
    grant: types::LayerGrant,
) -> Result<i64, tonic::Status> {
    let request = caller.says(delta(layer, vec![grant]));
    let response = running.layers().update_layer_permissions(request).await?;
    Ok(response.into_inner().grants_revisions[0])
}

#[tokio::test]
async fn grants_are_refused_for_the_reasons_of_the_rules() {
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let (_, _, bo_id) = running.with_user("bo").await;
    let (_, layer) = running.with_layer(&administrator, ana_id).await;
    let view = |id| layer_grant(id, &[types::Permission::View]);
    let refuse = async |caller: &Caller, row, code, reason: &str| {
        refused(grant(&running, caller, layer, row).await, code, reason)
    };
    // R28, R31, R41, R100.
    refuse(
        &administrator,
        view(bo_id),
        Code::FailedPrecondition,
        "CANNOT_OPEN_PROJECT",
    )
    .await;
    let add = layer_grant(ana_id, &[types::Permission::AddElements]);
    refuse(
        &administrator,
        add,
        Code::FailedPrecondition,
        "EDITING_DISABLED",
    )
    .await;
    refuse(&ana, view(ana_id), Code::PermissionDenied, "NOT_PERMITTED").await;
    let remote = layer_grant(ana_id, &[types::Permission::RemoteAccess]);
    refuse(
        &administrator,
        remote,
        Code::FailedPrecondition,
        "NOT_GRANTABLE",
    )
    .await;
    refuse(&administrator, view(77), Code::NotFound, "NOT_FOUND").await;
    grant(&running, &administrator, layer, view(ana_id))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_table_that_was_changed_meanwhile_is_answered_with_its_revision() {
    // R42, R108.
    let running = start().await;
    let (administrator, _, ana_id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, ana_id).await;
    let read = administrator.says(pb::GetLayerPermissionsRequest { layer_id: layer });
    let table = running
        .layers()
        .get_layer_permissions(read)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(table.rows[0].principal_name, "everyone");
    let copy = layer_grant(ana_id, &[types::Permission::CopyExport]);
    let current = grant(&running, &administrator, layer, copy).await.unwrap();
    let mut late = delta(layer, vec![layer_grant(ana_id, &[types::Permission::View])]);
    late.changes[0].grants_revision = table.grants_revision;
    let result = running
        .layers()
        .update_layer_permissions(administrator.says(late))
        .await;
    let status = refused(result, Code::Aborted, "STALE_REVISION");
    let facts = status.get_details_error_info().unwrap().metadata;
    assert_eq!(facts["current_revision"], current.to_string());
}

#[tokio::test]
async fn stored_grants_that_sleep_are_shown_with_the_reason() {
    // R22, R31, R83.
    let running = start().await;
    let (administrator, _, ana_id) = running.with_user("ana").await;
    let (_, layer_id) = running.with_layer(&administrator, ana_id).await;
    let switch = async |editing_enabled| {
        let request = administrator.says(pb::UpdateLayerRegistrationRequest {
            layer: Some(pb::LayerRegistration {
                layer_id,
                editing_enabled,
                ..Default::default()
            }),
            update_mask: mask(&["editing_enabled"]),
        });
        running
            .layers()
            .update_layer_registration(request)
            .await
            .unwrap()
            .into_inner()
            .layer
            .unwrap()
    };
    assert!(switch(true).await.editing_enabled);
    let row = layer_grant(
        ana_id,
        &[types::Permission::View, types::Permission::AddElements],
    );
    grant(&running, &administrator, layer_id, row)
        .await
        .unwrap();
    switch(false).await;
    let read = administrator.says(pb::GetLayerPermissionsRequest { layer_id });
    let table = running
        .layers()
        .get_layer_permissions(read)
        .await
        .unwrap()
        .into_inner();
    let row = table
        .rows
        .iter()
        .find(|row| row.principal_name == "ana")
        .unwrap();
    assert_eq!(
        row.ineffective,
        [pb::IneffectivePermission {
            permission: types::Permission::AddElements.into(),
            reason: pb::IneffectiveReason::EditingDisabled.into(),
        }]
    );
}
