//! Personal layers: what the answers say, and the refusals that programs tell apart (R71–R82).

mod handover;
mod order;
mod watch;

use jmap_proto::{authorization as pb, types};
use pb::list_personal_layer_access_request::About;
use tonic::Code;

use crate::fixture::{
    Caller, Running, new_project, new_user, refused, reserve, start, user, wrong,
};

/// Somebody with a personal layer, somebody whom it is shared with, and the administrator.
struct World {
    running: Running,
    administrator: Caller,
    ana: (Caller, i64),
    ben: (Caller, i64),
    layer: i64,
    project: i64,
}

async fn world() -> World {
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let request = administrator.says(new_user("ben"));
    let ben = running.directory().create_user(request).await.unwrap();
    let ben_id = ben.into_inner().user.unwrap().user_id;
    let ben = running.sign_in("ben").await;
    let request = administrator.says(pb::UpdateGlobalPermissionsRequest {
        principal: user(ana_id),
        add: vec![types::GlobalPermission::CreatePersonalLayers.into()],
        remove: Vec::new(),
    });
    let mut directory = running.directory();
    directory.update_global_permissions(request).await.unwrap();
    let request = administrator.says(new_project("Town"));
    let project = running.projects().create_project(request).await.unwrap();
    let project = project.into_inner().project.unwrap().project_id;
    let layer = create(&running, &ana, ("walks", 7)).await;
    World {
        running,
        administrator,
        ana: (ana, ana_id),
        ben: (ben, ben_id),
        layer,
        project,
    }
}

/// A personal layer of that name, created under a request id that ends so.
async fn create(running: &Running, owner: &Caller, (name, salt): (&str, u8)) -> i64 {
    let service = running.service(&running.service_key).await;
    let personal = pb::reserve_layer_request::Placement::Personal(types::PersonalPlacement {});
    let reservation = pb::ReserveLayerRequest {
        placement: Some(personal),
        ..reserve(0, name, salt)
    };
    let mut registry = running.registry();
    let request = service.says_for(owner, reservation);
    let reserved = registry.reserve_layer(request).await.unwrap();
    let layer_id = reserved.into_inner().layer_id;
    let request = service.says_for(owner, pb::ActivateLayerRequest { layer_id });
    registry.activate_layer(request).await.unwrap();
    layer_id
}

impl World {
    async fn share(&self) {
        let grant = types::LayerGrant {
            principal: user(self.ben.1),
            permissions: vec![types::Permission::View.into()],
            only_own: false,
        };
        let add = vec![grant];
        let delta = pb::LayerGrantsDelta {
            add,
            remove: Vec::new(),
        };
        let changes = vec![pb::LayerPermissionsChange {
            layer_id: self.layer,
            grants_revision: 0,
            change: Some(pb::layer_permissions_change::Change::Delta(delta)),
        }];
        let request = self
            .ana
            .0
            .says(pb::UpdateLayerPermissionsRequest { changes });
        self.running
            .layers()
            .update_layer_permissions(request)
            .await
            .unwrap();
    }

    async fn access(&self, about: About) -> Vec<pb::PersonalLayerAccess> {
        let request = pb::ListPersonalLayerAccessRequest {
            about: Some(about),
            ..Default::default()
        };
        let request = self.administrator.says(request);
        let answer = self
            .running
            .personal()
            .list_personal_layer_access(request)
            .await;
        answer.unwrap().into_inner().access
    }

    fn publication(&self) -> pb::PublishPersonalLayerRequest {
        pb::PublishPersonalLayerRequest {
            layer_id: self.layer,
            project_id: self.project,
            ..Default::default()
        }
    }
}

#[tokio::test]
async fn both_lists_tell_who_has_access_and_why() {
    // R71.
    let world = world().await;
    world.share().await;
    let of_layer = world.access(About::LayerId(world.layer)).await;
    let told: Vec<_> = of_layer
        .iter()
        .map(|one| (one.user_name.as_str(), one.owner, one.through.len()))
        .collect();
    assert_eq!(told, [("ana", true, 0), ("ben", false, 1)]);
    assert_eq!(of_layer[1].through[0].name, "ben");
    assert_eq!(of_layer[1].owner_name, "ana");
    for (place, who) in [world.ana.1, world.ben.1].into_iter().enumerate() {
        assert_eq!(
            world.access(About::UserId(who)).await,
            [of_layer[place].clone()]
        );
    }
    let request = world
        .ben
        .0
        .says(pb::ListSharedPersonalLayersRequest::default());
    let shared = world
        .running
        .personal()
        .list_shared_personal_layers(request)
        .await;
    assert_eq!(shared.unwrap().into_inner().layers, [of_layer[1].clone()]);
    let request = world.administrator.says(pb::ListPersonalLayerUsersRequest {
        page_size: 1,
        ..Default::default()
    });
    let users = world
        .running
        .personal()
        .list_personal_layer_users(request)
        .await;
    let users = users.unwrap().into_inner();
    let told: Vec<_> = users
        .users
        .iter()
        .map(|one| (one.owned_count, one.shared_count))
        .collect();
    assert_eq!(told, [(1, 0)]);
    let request = world.administrator.says(pb::ListPersonalLayerUsersRequest {
        page_size: 1,
        page_token: users.next_page_token,
        search: String::new(),
    });
    let users = world
        .running
        .personal()
        .list_personal_layer_users(request)
        .await;
    let users = users.unwrap().into_inner();
    assert_eq!(
        (users.users[0].shared_count, users.next_page_token.as_str()),
        (1, "")
    );
}

#[tokio::test]
async fn a_published_layer_is_told_as_it_is_then() {
    // R74, R77.
    let world = world().await;
    world.share().await;
    let mut personal = world.running.personal();
    let by_ana = world.ana.0.says(world.publication());
    let result = personal.publish_personal_layer(by_ana).await;
    refused(result, Code::PermissionDenied, "NOT_PERMITTED");
    let by_ben = world.ben.0.says(pb::PublishPersonalLayerRequest {
        layer_id: 99,
        ..world.publication()
    });
    let result = personal.publish_personal_layer(by_ben).await;
    refused(result, Code::NotFound, "NOT_FOUND");
    let request = world.administrator.says(world.publication());
    let published = personal.publish_personal_layer(request).await;
    let published = published.unwrap().into_inner();
    let layer = published.layer.unwrap();
    assert_eq!((layer.project_id, layer.owner_user_id), (world.project, 0));
    assert!(layer.editing_enabled);
    let viewers: Vec<_> = published
        .rows
        .iter()
        .map(|row| row.principal_name.as_str())
        .collect();
    assert_eq!(viewers, ["everyone"]);
    let request = world.administrator.says(world.publication());
    let result = personal.publish_personal_layer(request).await;
    refused(result, Code::FailedPrecondition, "NOT_PERSONAL");
}

#[tokio::test]
async fn what_is_left_or_given_away_is_told_apart() {
    // R79, R81.
    let world = world().await;
    let mut personal = world.running.personal();
    let leave = |who: &Caller| {
        who.says(pb::LeavePersonalLayerRequest {
            layer_id: world.layer,
        })
    };
    let result = personal.leave_personal_layer(leave(&world.ben.0)).await;
    refused(result, Code::NotFound, "NOT_FOUND");
    let result = personal.leave_personal_layer(leave(&world.ana.0)).await;
    refused(result, Code::FailedPrecondition, "NOT_SHARED");
    world.share().await;
    personal
        .leave_personal_layer(leave(&world.ben.0))
        .await
        .unwrap();
    let reassign = |owner_user_id, name: &str| {
        world.administrator.says(pb::ReassignPersonalLayerRequest {
            layer_id: world.layer,
            owner_user_id,
            name: name.to_owned(),
        })
    };
    wrong(
        personal.reassign_personal_layer(reassign(0, "")).await,
        "owner_user_id",
    );
    wrong(
        personal.reassign_personal_layer(reassign(999, "")).await,
        "owner_user_id",
    );
    wrong(
        personal
            .reassign_personal_layer(reassign(world.ben.1, "two\nlines"))
            .await,
        "name",
    );
    let given = personal
        .reassign_personal_layer(reassign(world.ben.1, "trails"))
        .await;
    let layer = given.unwrap().into_inner().layer.unwrap();
    assert_eq!(
        (layer.owner_user_id, layer.name.as_str()),
        (world.ben.1, "trails")
    );
    let own = world
        .ben
        .0
        .says(pb::ListOwnPersonalLayersRequest::default());
    let own = personal
        .list_own_personal_layers(own)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(own.layers, [layer]);
}

#[tokio::test]
async fn wrong_fields_are_named_and_the_lists_are_for_administrators() {
    // R80, R120.
    let world = world().await;
    let mut personal = world.running.personal();
    let list = |who: &Caller, search: String| {
        who.says(pb::ListPersonalLayersRequest {
            search,
            ..Default::default()
        })
    };
    let long = list(&world.administrator, "x".repeat(201));
    wrong(personal.list_personal_layers(long).await, "search");
    let result = personal
        .list_personal_layers(list(&world.ana.0, String::new()))
        .await;
    refused(result, Code::PermissionDenied, "NOT_PERMITTED");
    let result = personal
        .list_personal_layers(list(&Caller::ANONYMOUS, String::new()))
        .await;
    refused(result, Code::PermissionDenied, "NOT_PERMITTED");
    let own = Caller::ANONYMOUS.says(pb::ListOwnPersonalLayersRequest::default());
    let result = personal.list_own_personal_layers(own).await;
    refused(result, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let nothing = world
        .administrator
        .says(pb::ListPersonalLayerAccessRequest::default());
    wrong(personal.list_personal_layer_access(nothing).await, "about");
    let publish = |change: &dyn Fn(&mut pb::PublishPersonalLayerRequest)| {
        let mut request = world.publication();
        change(&mut request);
        world.administrator.says(request)
    };
    let result = personal
        .publish_personal_layer(publish(&|r| r.layer_id = 0))
        .await;
    wrong(result, "layer_id");
    let result = personal
        .publish_personal_layer(publish(&|r| r.project_id = -1))
        .await;
    wrong(result, "project_id");
    let result = personal
        .publish_personal_layer(publish(&|r| r.initial_view = 9))
        .await;
    wrong(result, "initial_view");
}

#[tokio::test]
async fn who_owns_a_layer_finds_the_group_to_share_it_with_by_its_name_alone() {
    // R67.
    let world = world().await;
    let group = pb::Group {
        name: "Walkers".to_owned(),
        description: "who walk".to_owned(),
        ..Default::default()
    };
    let request = world.administrator.says(pb::CreateGroupRequest {
        group: Some(group),
        request_id: String::new(),
    });
    let mut directory = world.running.directory();
    let made = directory.create_group(request).await.unwrap().into_inner();
    let made = made.group.unwrap();
    let get = |group| pb::GetGroupRequest { group: Some(group) };
    let by_name = get(pb::get_group_request::Group::Name("walkers".to_owned()));
    let by_id = get(pb::get_group_request::Group::GroupId(made.group_id));
    let found = directory.get_group(world.ana.0.says(by_name.clone())).await;
    let known = pb::Group {
        group_id: made.group_id,
        name: made.name.clone(),
        ..Default::default()
    };
    assert_eq!(found.unwrap().into_inner().group, Some(known));
    let refusal = directory.get_group(world.ana.0.says(by_id.clone())).await;
    refused(refusal, Code::PermissionDenied, "NOT_PERMITTED");
    let whole = directory.get_group(world.administrator.says(by_id)).await;
    assert_eq!(whole.unwrap().into_inner().group, Some(made));
    let nobody = directory.get_group(Caller::ANONYMOUS.says(by_name)).await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}
