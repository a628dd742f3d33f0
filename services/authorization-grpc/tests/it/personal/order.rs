//! Orders of the administrators' list (R82).

use jmap_proto::{authorization as pb, types};
use pb::PersonalLayerOrder as Order;
use tonic::Code;

use super::{World, create, world};
use crate::fixture::{refused, user, wrong};

/// The names of all layers, page by page.
async fn names(world: &World, order: Order, descending: bool) -> Vec<String> {
    let mut request = pb::ListPersonalLayersRequest {
        order: order.into(),
        descending,
        page_size: 1,
        ..Default::default()
    };
    let mut names = Vec::new();
    loop {
        let asked = world.administrator.says(request.clone());
        let mut personal = world.running.personal();
        let page = personal.list_personal_layers(asked).await.unwrap();
        let page = page.into_inner();
        let layers = page.layers.into_iter();
        names.extend(layers.map(|one| one.registration.unwrap().name));
        if page.next_page_token.is_empty() {
            return names;
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn layers_are_listed_in_the_order_that_is_asked_for_page_by_page() {
    let world = world().await;
    let request = world
        .administrator
        .says(pb::UpdateGlobalPermissionsRequest {
            principal: user(world.ben.1),
            add: vec![types::GlobalPermission::CreatePersonalLayers.into()],
            remove: Vec::new(),
        });
    let mut directory = world.running.directory();
    directory.update_global_permissions(request).await.unwrap();
    create(&world.running, &world.ben.0, ("Apples", 8)).await;
    create(&world.running, &world.ana.0, ("brooks", 9)).await;
    let created = ["walks", "Apples", "brooks"];
    assert_eq!(names(&world, Order::Unspecified, false).await, created);
    let by_name = ["Apples", "brooks", "walks"];
    assert_eq!(names(&world, Order::Name, false).await, by_name);
    let turned = ["walks", "brooks", "Apples"];
    assert_eq!(names(&world, Order::Name, true).await, turned);
    let by_owner = ["walks", "brooks", "Apples"];
    assert_eq!(names(&world, Order::Owner, false).await, by_owner);
}

#[tokio::test]
async fn a_page_token_is_of_one_order_and_an_unknown_order_is_refused() {
    let world = world().await;
    create(&world.running, &world.ana.0, ("brooks", 9)).await;
    let first = pb::ListPersonalLayersRequest {
        page_size: 1,
        ..Default::default()
    };
    let mut personal = world.running.personal();
    let asked = world.administrator.says(first.clone());
    let page = personal.list_personal_layers(asked).await.unwrap();
    let other = pb::ListPersonalLayersRequest {
        page_token: page.into_inner().next_page_token,
        descending: true,
        ..first.clone()
    };
    let other = world.administrator.says(other);
    let answer = personal.list_personal_layers(other).await;
    refused(answer, Code::InvalidArgument, "INVALID_FIELD");
    let unknown = pb::ListPersonalLayersRequest { order: 9, ..first };
    let unknown = world.administrator.says(unknown);
    wrong(personal.list_personal_layers(unknown).await, "order");
}

#[tokio::test]
async fn users_are_found_by_their_names() {
    let world = world().await;
    world.share().await;
    let found = async |search: &str| {
        let request = pb::ListPersonalLayerUsersRequest {
            search: search.to_owned(),
            ..Default::default()
        };
        let asked = world.administrator.says(request);
        let mut personal = world.running.personal();
        let users = personal.list_personal_layer_users(asked).await;
        users.map(|users| {
            let users = users.into_inner().users.into_iter();
            users.map(|one| one.name).collect::<Vec<_>>()
        })
    };
    assert_eq!(found("").await.unwrap(), ["ana", "ben"]);
    assert_eq!(found("BE").await.unwrap(), ["ben"]);
    wrong(found(&"x".repeat(201)).await, "search");
}
