//! Personal layers through both services: filled, shared, published while others write, and given away (R63–R82, R123).

mod handover;
mod publication;

use jmap_proto::{
    authorization::{
        LayerGrants, LayerPermissionsChange, LeavePersonalLayerRequest, ListPersonalLayersRequest,
        PublishPersonalLayerRequest, ReassignPersonalLayerRequest, UpdateGlobalPermissionsRequest,
        UpdateLayerPermissionsRequest, layer_permissions_change::Change,
    },
    layerdata::{CreateLayerRequest, LayerDefinition, create_layer_request::Placement},
    types::{GeometryType, GlobalPermission, LayerGrant, Permission, PersonalPlacement, Principal},
};
use testkit::{Caller, Stage, ready::eventually, wire};
use tonic::{Code, Status};

const TOWN: &str = "
world: two who share
users: [ana, ben, eye]
projects: [{ project: city, open: [ana, ben, eye] }]
layers: [{ layer: trees, editing: true }]
";

/// Lets somebody create personal layers.
async fn let_create(administrator: &Caller, who: Option<Principal>) {
    let request = UpdateGlobalPermissionsRequest {
        principal: who,
        add: vec![GlobalPermission::CreatePersonalLayers.into()],
        remove: Vec::new(),
    };
    let mut directory = administrator.directory();
    directory.update_global_permissions(request).await.unwrap();
}

async fn create(owner: &Caller, name: &str) -> i64 {
    try_create(owner, name).await.unwrap()
}

async fn try_create(owner: &Caller, name: &str) -> Result<i64, Status> {
    let definition = LayerDefinition {
        geometry_type: GeometryType::Point.into(),
        attributes: vec![wire::text_attribute("name")],
        ..LayerDefinition::default()
    };
    let request = CreateLayerRequest {
        placement: Some(Placement::Personal(PersonalPlacement {})),
        name: name.to_owned(),
        definition: Some(definition),
        ..CreateLayerRequest::default()
    };
    let made = owner.layers().create_layer(request).await?;
    Ok(made.into_inner().layer.unwrap().layer_id)
}

/// The owner's table is exactly this afterwards.
async fn share(owner: &Caller, layer_id: i64, with: Option<Principal>, give: &[Permission]) {
    let grant = LayerGrant {
        principal: with,
        permissions: give.iter().map(|one| (*one).into()).collect(),
        only_own: false,
    };
    let change = LayerPermissionsChange {
        layer_id,
        grants_revision: 0,
        change: Some(Change::Replace(LayerGrants {
            grants: vec![grant],
        })),
    };
    let changes = vec![change];
    let request = UpdateLayerPermissionsRequest { changes };
    let mut administration = owner.administration();
    administration
        .update_layer_permissions(request)
        .await
        .unwrap();
}

async fn listed(administrator: &Caller) -> Vec<i64> {
    let request = ListPersonalLayersRequest::default();
    let answer = administrator.personal().list_personal_layers(request).await;
    let layers = answer.unwrap().into_inner().layers.into_iter();
    layers
        .map(|one| one.registration.unwrap().layer_id)
        .collect()
}

/// Adds until refused; answers how often it was done, and the code of the refusal.
async fn add_until_refused(caller: Caller, layer: i64) -> (i64, Code) {
    let mut done = 0;
    loop {
        match caller.add(layer, "POINT(1 2)").await {
            Ok(_) => done += 1,
            // On a busy machine permits run out, and nothing is done.
            Err(status) if status.code() == Code::Unavailable => {}
            Err(status) => return (done, status.code()),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_is_published_while_others_write_to_it() {
    // R63, R67, R74–R78, R123.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let (ana, ben, eye) = (
        stage.caller("ana").await,
        stage.caller("ben").await,
        stage.caller("eye").await,
    );
    let_create(&administrator, wire::user(stage.floor.user("ana"))).await;
    let layer = create(&ana, "walks").await;
    let first = ana.add(layer, "POINT(3 4)").await.unwrap();
    assert_eq!(ben.count(layer).await.unwrap_err().code(), Code::NotFound);
    let give = [Permission::View, Permission::AddElements];
    share(&ana, layer, wire::user(stage.floor.user("ben")), &give).await;
    let writers: Vec<_> = [&ana, &ben]
        .map(|who| tokio::spawn(add_until_refused(who.clone(), layer)))
        .into();
    let busy = || async { (ana.count(layer).await.unwrap() > 20).then_some(()) };
    eventually("some elements", busy).await;
    assert_eq!(listed(&administrator).await, [layer]);
    let publish = PublishPersonalLayerRequest {
        layer_id: layer,
        project_id: stage.floor.project("city"),
        ..Default::default()
    };
    let published = administrator
        .personal()
        .publish_personal_layer(publish.clone())
        .await;
    let published = published.unwrap().into_inner();
    assert_eq!(published.layer.unwrap().name, "walks");
    assert_eq!(
        published.rows.len(),
        1,
        "everyone views it, and nothing else"
    );
    // Acknowledged: from here on nothing is added by the old rights, the owner's included.
    let at_acknowledgement = eye.count(layer).await.unwrap();
    let mut added = 1;
    for writer in writers {
        let (done, refusal) = writer.await.unwrap();
        assert_eq!(refusal, Code::PermissionDenied);
        added += done;
    }
    assert_eq!(eye.count(layer).await.unwrap(), at_acknowledgement);
    assert_eq!(added, at_acknowledgement);
    let element = eye.get(layer, first.element_id).await.unwrap().unwrap();
    assert_eq!(
        element.revision, first.revision,
        "elements are as they were"
    );
    assert_eq!(listed(&administrator).await, [] as [i64; 0]);
    let again = administrator
        .personal()
        .publish_personal_layer(publish)
        .await;
    assert_eq!(again.unwrap_err().code(), Code::FailedPrecondition);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layer_is_left_and_given_to_another_owner() {
    // R69, R79, R81.
    let stage = Stage::set(TOWN).await;
    let administrator = stage.caller("administrator").await;
    let (ana, ben) = (stage.caller("ana").await, stage.caller("ben").await);
    let_create(&administrator, wire::user(stage.floor.user("ana"))).await;
    let layer_id = create(&ana, "walks").await;
    ana.add(layer_id, "POINT(3 4)").await.unwrap();
    share(
        &ana,
        layer_id,
        wire::user(stage.floor.user("ben")),
        &[Permission::View],
    )
    .await;
    assert_eq!(ben.count(layer_id).await.unwrap(), 1);
    let leave = LeavePersonalLayerRequest { layer_id };
    ben.personal().leave_personal_layer(leave).await.unwrap();
    assert_eq!(
        ben.count(layer_id).await.unwrap_err().code(),
        Code::NotFound
    );
    let reassign = ReassignPersonalLayerRequest {
        layer_id,
        owner_user_id: stage.floor.user("ben"),
        name: String::new(),
    };
    let refused = ana
        .personal()
        .reassign_personal_layer(reassign.clone())
        .await;
    assert_eq!(refused.unwrap_err().code(), Code::PermissionDenied);
    administrator
        .personal()
        .reassign_personal_layer(reassign)
        .await
        .unwrap();
    ben.add(layer_id, "POINT(5 6)").await.unwrap();
    assert_eq!(ben.count(layer_id).await.unwrap(), 2);
    assert_eq!(
        ana.count(layer_id).await.unwrap_err().code(),
        Code::NotFound
    );
    // Who administers personal layers sees no element data by it (R18).
    assert_eq!(
        administrator.count(layer_id).await.unwrap_err().code(),
        Code::NotFound
    );
}
