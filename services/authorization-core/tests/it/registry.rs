//! The registry of layers: reservations, names, defaults, tombstones.

use authorization_core::{
    Refusal, Resource, Settings,
    layer_permissions::GrantError,
    model::{Editing, GrantRow, LayerGrant},
    registry::{InitialView, LayerStatus, LayerUpdate, OnBehalf, RegistryError, Site},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, GroupId, LayerAct, Permission, PolicyRevision,
    ProjectAct, Question,
};

use crate::house::{House, name, request, set};

#[test]
fn a_new_layer_grants_view_to_everyone_and_nothing_else() {
    // R4, R29, R83.
    let house = House::new();
    let project = house.project("town");
    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    let ana = house.user("ana");
    let layer = house.layer(project, "roads");
    let table = house
        .authority
        .layer_table(&house.administrator, layer)
        .unwrap();
    let rows: Vec<_> = table.rows.iter().map(|row| row.row).collect();
    let grant = LayerGrant {
        permissions: set(&[Permission::View]),
        own_only: false,
    };
    assert_eq!(
        rows,
        [GrantRow {
            principal: GroupId::EVERYONE.into(),
            grant
        }]
    );
    assert_eq!(
        house.may_on(&ana.caller, layer, Permission::View),
        Decision::All
    );
    // R4: it reaches nobody who cannot open the project.
    let view = house.may_on(&Caller::Anonymous, layer, Permission::View);
    assert_eq!(view, Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn a_layer_can_start_seen_by_nobody_but_those_granted() {
    // R29, R30.
    let house = House::new();
    let project = house.project("town");
    house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let grant = LayerGrant {
        permissions: set(&[Permission::View]),
        own_only: false,
    };
    let mut asked = request(project, "roads", 1);
    asked.site = Site::Project {
        project,
        editing: Editing::Disabled,
        view: InitialView::Nobody,
        grants: vec![GrantRow {
            principal: ana.into(),
            grant,
        }],
    };
    let callers = house.on_behalf(&house.administrator);
    let layer = block_on(house.authority.reserve_layer(callers, asked))
        .unwrap()
        .value
        .id;
    block_on(house.authority.activate_layer(callers, layer)).unwrap();
    assert_eq!(
        house.may_on(&ana.caller, layer, Permission::View),
        Decision::All
    );
    let other = house.may_on(&ben.caller, layer, Permission::View);
    assert_eq!(other, Decision::Denied(DenyReason::NotVisible));
}

#[test]
fn initial_grants_are_judged_like_others() {
    // R28.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let grant = LayerGrant {
        permissions: set(&[Permission::View]),
        own_only: false,
    };
    let mut asked = request(project, "roads", 1);
    asked.site = Site::Project {
        project,
        editing: Editing::Enabled,
        view: InitialView::Everyone,
        grants: vec![GrantRow {
            principal: ana.into(),
            grant,
        }],
    };
    let reserve = house
        .authority
        .reserve_layer(house.on_behalf(&house.administrator), asked);
    let refused = RegistryError::InitialGrant(ana.into(), GrantError::CannotOpen);
    assert_eq!(block_on(reserve).unwrap_err(), refused);
}

#[test]
fn a_reserved_layer_exists_for_nobody_until_it_is_activated() {
    // R29, R40.
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    let admin = &house.administrator;
    let hidden = Decision::Denied(DenyReason::NotVisible);
    assert_eq!(house.may_on(admin, layer, Permission::View), hidden);
    assert_eq!(
        house.may(admin, Question::Layer(layer, LayerAct::ReadConfiguration)),
        hidden
    );
    assert!(
        house
            .authority
            .list_administered_layers(admin, project)
            .unwrap()
            .is_empty()
    );
    block_on(
        house
            .authority
            .activate_layer(house.on_behalf(admin), layer),
    )
    .unwrap();
    assert_eq!(house.may_on(admin, layer, Permission::View), Decision::All);
}

#[test]
fn the_same_request_continues_and_another_one_under_its_id_is_refused() {
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    assert_eq!(house.reserve(project, "roads", 1), Ok(layer));
    let callers = house.on_behalf(&house.administrator);
    block_on(house.authority.activate_layer(callers, layer)).unwrap();
    assert_eq!(house.reserve(project, "roads", 1), Ok(layer));
    let mut other = request(project, "roads", 1);
    other.name = name("trees");
    let reserved = block_on(house.authority.reserve_layer(callers, other));
    assert_eq!(reserved.unwrap_err(), RegistryError::RequestReused);
}

#[test]
fn layer_names_are_unique_in_their_project_pending_ones_included() {
    // R26.
    let house = House::new();
    let (town, lake) = (house.project("town"), house.project("lake"));
    house.reserve(town, "Roads", 1).unwrap();
    assert_eq!(
        house.reserve(town, "rOADS", 2),
        Err(RegistryError::NameTaken(name("rOADS")))
    );
    house.reserve(lake, "roads", 3).unwrap();
    let trees = house.layer(town, "trees");
    let update = LayerUpdate {
        name: Some(name("ROADS")),
        ..LayerUpdate::default()
    };
    let renamed = block_on(
        house
            .authority
            .update_layer(&house.administrator, trees, update),
    );
    assert_eq!(
        renamed.unwrap_err(),
        RegistryError::NameTaken(name("ROADS"))
    );
}

#[test]
fn an_expired_reservation_cannot_be_activated_and_becomes_a_tombstone() {
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    house.platform.advance(Settings::default().reservation);
    let callers = house.on_behalf(&house.administrator);
    let activated = block_on(house.authority.activate_layer(callers, layer));
    assert_eq!(
        activated.unwrap_err(),
        RegistryError::ReservationGone(layer)
    );
    block_on(house.authority.expire_reservations()).unwrap();
    let statuses = house
        .authority
        .layer_statuses(&house.layer_data, &[layer])
        .unwrap();
    assert_eq!(statuses, [LayerStatus::Deleted]);
    assert_ne!(house.reserve(project, "roads", 1).unwrap(), layer);
}

#[test]
fn an_expired_reservation_holds_no_name() {
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    house.platform.advance(Settings::default().reservation);
    house.reserve(project, "roads", 2).unwrap();
    assert!(house.authority.snapshot().tombstone(layer).is_some());
}

#[test]
fn an_expired_reservation_makes_way_for_a_new_one_under_its_request_id() {
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    house.platform.advance(Settings::default().reservation);
    let mut other = request(project, "roads", 1);
    other.name = name("trees");
    let callers = house.on_behalf(&house.administrator);
    let reserve = || {
        block_on(house.authority.reserve_layer(callers, other.clone()))
            .unwrap()
            .value
            .id
    };
    let next = reserve();
    assert!(house.authority.snapshot().tombstone(layer).is_some());
    assert_eq!(reserve(), next);
}

#[test]
fn an_abandoned_reservation_is_a_tombstone() {
    let house = House::new();
    let project = house.project("town");
    let layer = house.reserve(project, "roads", 1).unwrap();
    let callers = house.on_behalf(&house.administrator);
    block_on(house.authority.abandon_layer(callers, layer)).unwrap();
    assert!(house.authority.snapshot().tombstone(layer).is_some());
    let other = house.layer(project, "roads");
    let abandoned = block_on(house.authority.abandon_layer(callers, other));
    assert_eq!(abandoned, Err(RegistryError::ReservationGone(other)));
}

#[test]
fn creating_layers_needs_the_service_and_the_users_own_right() {
    // R17.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Access]);
    let reserve = |service: &Caller, user: &Caller| {
        let callers = OnBehalf { service, user };
        block_on(
            house
                .authority
                .reserve_layer(callers, request(project, "roads", 1)),
        )
    };
    let forbidden = Refusal::Forbidden(Resource::Project(project));
    assert_eq!(
        reserve(&house.layer_data, &ana.caller).unwrap_err(),
        forbidden.into()
    );
    let bare = Refusal::Forbidden(Resource::Installation);
    let admin = &house.administrator;
    assert_eq!(reserve(admin, admin).unwrap_err(), bare.into());
    let unsigned = reserve(&house.layer_data, &Caller::Anonymous);
    assert_eq!(unsigned.unwrap_err(), Refusal::NotSignedIn.into());
}

#[test]
fn a_deleted_layer_vanishes_for_everyone_and_leaves_a_tombstone_until_confirmed() {
    // R10, R40.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let before = house.authority.token().revision;
    let callers = house.on_behalf(&house.administrator);
    let unregister = |text| {
        block_on(
            house
                .authority
                .unregister_layer(callers, layer, Some(&name(text))),
        )
    };
    assert_eq!(unregister("Roads"), Err(RegistryError::WrongName(layer)));
    unregister("roads").unwrap();
    let view = house.may_on(&house.administrator, layer, Permission::View);
    assert_eq!(view, Decision::Denied(DenyReason::NotVisible));

    let removals = |after| {
        house
            .authority
            .list_removals(&house.layer_data, after, 10)
            .unwrap()
    };
    assert_eq!(
        removals(before).iter().map(|t| t.layer).collect::<Vec<_>>(),
        [layer]
    );
    assert!(!removals(before)[0].confirmed);
    block_on(
        house
            .authority
            .confirm_removals(&house.layer_data, &[layer]),
    )
    .unwrap();
    assert!(removals(before)[0].confirmed);
    assert!(removals(before.next()).is_empty());
    assert!(
        house
            .restarted()
            .snapshot()
            .tombstone(layer)
            .unwrap()
            .confirmed
    );
    let refused = house
        .authority
        .list_removals(&house.administrator, PolicyRevision(0), 10);
    assert_eq!(
        refused.unwrap_err(),
        Refusal::Forbidden(Resource::Installation)
    );
}

#[test]
fn layer_ids_are_never_given_twice() {
    // R8, R116.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let callers = house.on_behalf(&house.administrator);
    block_on(house.authority.unregister_layer(callers, layer, None)).unwrap();
    assert_eq!(house.restarted().snapshot().marks().layer, layer.get());
    assert!(house.layer(project, "roads") > layer);
}

#[test]
fn layers_are_put_into_an_order() {
    // R23.
    let house = House::new();
    let project = house.project("town");
    let [a, b, c] = ["a", "b", "c"].map(|text| house.layer(project, text));
    let admin = &house.administrator;
    block_on(house.authority.order_layers(admin, project, &[c, a])).unwrap();
    let listed = house
        .authority
        .list_administered_layers(admin, project)
        .unwrap();
    assert_eq!(
        listed.iter().map(|layer| layer.id).collect::<Vec<_>>(),
        [c, a, b]
    );
    let foreign = house.layer(house.project("lake"), "d");
    let refused = block_on(house.authority.order_layers(admin, project, &[foreign]));
    assert_eq!(refused, Err(RegistryError::BadOrder));
}

#[test]
fn a_personal_layer_needs_the_global_permission_and_is_its_owners_alone() {
    // R12, R13, R67, R69, R70, R83.
    let house = House::new();
    let ana = house.user("ana");
    let mut asked = request(house.project("town"), "walks", 1);
    asked.site = Site::Personal;
    let reserve = || {
        let callers = house.on_behalf(&ana.caller);
        block_on(house.authority.reserve_layer(callers, asked.clone()))
    };
    assert_eq!(
        reserve().unwrap_err(),
        Refusal::Forbidden(Resource::Installation).into()
    );
    house
        .set_globals(ana, &[GlobalPermission::CreatePersonalLayers])
        .unwrap();
    let layer = reserve().unwrap().value.id;
    block_on(
        house
            .authority
            .activate_layer(house.on_behalf(&ana.caller), layer),
    )
    .unwrap();
    house.set_globals(ana, &[]).unwrap();
    for permission in [
        Permission::View,
        Permission::DeleteElements,
        Permission::CopyExport,
    ] {
        assert_eq!(house.may_on(&ana.caller, layer, permission), Decision::All);
    }
    let hidden = Decision::Denied(DenyReason::NotVisible);
    assert_eq!(
        house.may_on(&house.administrator, layer, Permission::View),
        hidden
    );
    let update = LayerUpdate {
        editing: Some(Editing::Disabled),
        ..LayerUpdate::default()
    };
    let disabled = block_on(house.authority.update_layer(&ana.caller, layer, update));
    assert_eq!(disabled.unwrap_err(), RegistryError::AlwaysEditable);
}
