//! The administration plane: tables of several layers, orders, deletions, questions about others.

use jmap_proto::{
    authorization::{
        CheckRequest, DeleteProjectRequest, ExplainRequest, GetLayerPermissionsRequest, LayerAct,
        LayerGrants, LayerGrantsDelta, LayerPermissionsChange, ListLayerRegistrationsRequest,
        ReorderLayersRequest, ReserveLayerRequest, Subject, UpdateLayerPermissionsRequest,
        layer_permissions_change::Change, reserve_layer_request, subject,
    },
    layerdata::GetLayerRequest,
    types::{EffectivePermissions, LayerGrant, Permission},
};
use testkit::{
    Floor, Stage,
    ready::eventually,
    wire,
    world::{Names, Outcome},
};

const TOWN: &str = "
world: an administrator without view, and others
users: [admin, ana, ben]
projects: [{ project: city, open: [ana, ben], administrate: [admin] }]
layers:
  - { layer: first, editing: true }
  - { layer: second }
  - { layer: third, view: nobody }
grants: [{ layer: third, to: ana, give: [view] }]
elements: [{ element: tree, in: first, by: ana }]
";

fn row(principal: Option<jmap_proto::types::Principal>, permissions: &[Permission]) -> LayerGrant {
    let permissions = permissions
        .iter()
        .map(|permission| i32::from(*permission))
        .collect();
    LayerGrant {
        principal,
        permissions,
        only_own: false,
    }
}

fn added(layer_id: i64, row: LayerGrant) -> LayerPermissionsChange {
    let delta = LayerGrantsDelta {
        add: vec![row],
        remove: Vec::new(),
    };
    LayerPermissionsChange {
        layer_id,
        grants_revision: 0,
        change: Some(Change::Delta(delta)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_of_several_layers_change_all_or_not_at_all() {
    // R42, R31.
    let mut stage = Stage::set(TOWN).await;
    let admin = stage.caller("admin").await;
    let (first, second) = (stage.layer("first"), stage.layer("second"));
    let id = stage.floor.user("ben");
    let ben = || wire::user(id);
    // Editing is disabled on the second.
    let both = |permission| {
        vec![
            added(first, row(ben(), &[permission])),
            added(second, row(ben(), &[permission])),
        ]
    };
    let request = UpdateLayerPermissionsRequest {
        changes: both(Permission::AddElements),
    };
    let refused = admin
        .administration()
        .update_layer_permissions(request)
        .await;
    assert_eq!(
        wire::outcome(&refused),
        Outcome::refused("FAILED_PRECONDITION", "EDITING_DISABLED")
    );
    assert!(
        !stage
            .floor
            .flags("ben", "first")
            .await
            .all
            .contains(jmap_domain::Permission::AddElements)
    );
    let request = UpdateLayerPermissionsRequest {
        changes: both(Permission::CopyExport),
    };
    admin
        .administration()
        .update_layer_permissions(request)
        .await
        .unwrap();
    for layer in ["first", "second"] {
        let flags = stage.floor.flags("ben", layer).await;
        assert!(flags.all.contains(jmap_domain::Permission::CopyExport));
        // What is not mentioned stays.
        assert!(flags.all.contains(jmap_domain::Permission::View));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_changed_meanwhile_is_not_replaced() {
    // R42.
    let stage = Stage::set(TOWN).await;
    let (admin, layer_id) = (stage.caller("admin").await, stage.layer("first"));
    let current = || async {
        let request = GetLayerPermissionsRequest { layer_id };
        admin
            .administration()
            .get_layer_permissions(request)
            .await
            .unwrap()
            .into_inner()
    };
    let before = current().await;
    let rows: Vec<_> = before
        .rows
        .iter()
        .filter_map(|row| row.grant.clone())
        .collect();
    let replaced = |grants_revision, rows: Vec<LayerGrant>| UpdateLayerPermissionsRequest {
        changes: vec![LayerPermissionsChange {
            layer_id,
            grants_revision,
            change: Some(Change::Replace(LayerGrants { grants: rows })),
        }],
    };
    let mut more = rows.clone();
    more.push(row(
        wire::user(stage.floor.user("ben")),
        &[Permission::AddElements],
    ));
    let request = replaced(before.grants_revision, more);
    admin
        .administration()
        .update_layer_permissions(request)
        .await
        .unwrap();
    let outdated = replaced(before.grants_revision, rows);
    let refused = admin
        .administration()
        .update_layer_permissions(outdated)
        .await;
    assert_eq!(
        wire::outcome(&refused),
        Outcome::refused("ABORTED", "STALE_REVISION")
    );
    assert_eq!(current().await.rows.len(), before.rows.len() + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn layers_are_listed_in_the_administrators_order() {
    // R23.
    let mut stage = Stage::set(TOWN).await;
    let admin = stage.caller("admin").await;
    let names = |names: &[&str]| Names::Are(names.iter().map(|name| (*name).to_owned()).collect());
    let layer_ids = ["third", "first", "second"]
        .map(|name| stage.layer(name))
        .to_vec();
    let project_id = stage.floor.project("city");
    let request = ReorderLayersRequest {
        project_id,
        layer_ids,
    };
    let ana = stage.caller("ana").await;
    let refused = ana.administration().reorder_layers(request.clone()).await;
    assert_eq!(
        wire::outcome(&refused),
        Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED")
    );
    admin
        .administration()
        .reorder_layers(request)
        .await
        .unwrap();
    assert_eq!(
        stage.floor.layers("ana", "city").await,
        names(&["third", "first", "second"])
    );
    assert_eq!(
        stage.floor.layers("ben", "city").await,
        names(&["first", "second"])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_sees_the_configuration_and_no_element() {
    // R18, R46.
    let stage = Stage::set(TOWN).await;
    let (admin, layer_id) = (stage.caller("admin").await, stage.layer("third"));
    let request = ListLayerRegistrationsRequest {
        project_id: stage.floor.project("city"),
        ..ListLayerRegistrationsRequest::default()
    };
    let listed = admin
        .administration()
        .list_layer_registrations(request)
        .await;
    let names = listed
        .unwrap()
        .into_inner()
        .layers
        .into_iter()
        .map(|layer| layer.name);
    assert_eq!(names.collect::<Vec<_>>(), ["first", "second", "third"]);
    let answer = admin
        .layers()
        .get_layer(GetLayerRequest { layer_id })
        .await
        .unwrap();
    let layer = answer.into_inner().layer.unwrap();
    assert_eq!(layer.definition.unwrap().attributes.len(), 1);
    assert_eq!(
        layer.permissions.unwrap_or_default(),
        EffectivePermissions::default()
    );
    let refused = admin.count(layer_id).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("NOT_FOUND", "NOT_FOUND")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_asks_about_others_but_who_administers() {
    // R45, R117: a session asks about itself alone.
    let stage = Stage::set(TOWN).await;
    let (ana, admin) = (stage.caller("ana").await, stage.caller("admin").await);
    let question = wire::on_layer(stage.layer("first"), LayerAct::View.into());
    let of_a_session = Subject {
        subject: Some(subject::Subject::SessionId(1)),
        end_user_assertion: String::new(),
    };
    let not_permitted = Outcome::refused("PERMISSION_DENIED", "NOT_PERMITTED");
    let ben = wire::about(stage.floor.user("ben"));
    for subject in [ben.clone(), of_a_session] {
        let check = CheckRequest {
            subject: Some(subject),
            questions: vec![question],
            freshness: None,
        };
        let refused = ana.checks().check(check).await;
        assert_eq!(wire::outcome(&refused), not_permitted);
    }
    let explain = ExplainRequest {
        subject: Some(ben),
        question: Some(question),
        freshness: None,
    };
    let refused = ana.checks().explain(explain.clone()).await;
    assert_eq!(wire::outcome(&refused), not_permitted);
    admin.checks().explain(explain).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_services_register_layers() {
    // R18: the registry is for layer-data, with the user's own token.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let request = ReserveLayerRequest {
        placement: Some(reserve_layer_request::Placement::ProjectId(
            stage.floor.project("city"),
        )),
        name: "by hand".to_owned(),
        request_id: "7f1a6d53-5f43-4d0b-94ef-3b5f4b1f2c11".to_owned(),
        ..ReserveLayerRequest::default()
    };
    let refused = administrator
        .registry()
        .reserve_layer(request)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_a_project_removes_the_storage_of_its_layers() {
    // R24, R25.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let project_id = stage.floor.project("city");
    let tables = || stage.pair.home().layer_tables();
    assert!(tables().await >= 3);
    let request = |name: &str| DeleteProjectRequest {
        project_id,
        confirm_name: name.to_owned(),
    };
    let refused = administrator
        .projects()
        .delete_project(request("town"))
        .await;
    assert_eq!(
        wire::outcome(&refused),
        Outcome::refused("FAILED_PRECONDITION", "CONFIRMATION_MISMATCH")
    );
    administrator
        .projects()
        .delete_project(request("city"))
        .await
        .unwrap();
    eventually("the end of the tables", || async {
        (tables().await == 0).then_some(())
    })
    .await;
    // R40: and they answer as layers that never were.
    let refused = administrator.count(stage.layer("first")).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("NOT_FOUND", "NOT_FOUND")
    );
}
