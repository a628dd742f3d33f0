//! Lists show exactly what may be seen (R23, R46).

use authorization_core::{Asking, CheckError, Refusal, Resource};
use futures::executor::block_on;
use jmap_domain::{Caller, EffectivePermissions, Permission, ProjectAct};

use crate::house::{House, set};

const fn own(caller: &Caller) -> Asking<'_> {
    Asking {
        caller,
        subject: None,
        at_least: None,
    }
}

#[test]
fn a_list_of_layers_holds_what_may_be_viewed_with_flags_in_order() {
    // R23, R40, R43.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let [a, b, c] = ["a", "b", "c"].map(|text| house.layer(project, text));
    let closed = house.authority.list_layers(own(&ana.caller), project);
    let absent = CheckError::Refused(Refusal::NotFound(Resource::Project(project)));
    assert_eq!(closed.unwrap_err(), absent);

    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.revoke(b, jmap_domain::GroupId::EVERYONE, &[Permission::View]);
    house.grant(c, ana, &[Permission::AddElements]);
    block_on(
        house
            .authority
            .order_layers(&house.administrator, project, &[c]),
    )
    .unwrap();
    let listed = house
        .authority
        .list_layers(own(&ana.caller), project)
        .unwrap()
        .value;
    let listed: Vec<_> = listed
        .iter()
        .map(|l| (l.layer.id, l.permissions.all))
        .collect();
    let flags = set(&[Permission::View, Permission::AddElements]);
    assert_eq!(listed, [(c, flags), (a, set(&[Permission::View]))]);
}

#[test]
fn administrators_list_what_they_access_without_opening_it() {
    // R18, R46.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let layer = house.layer(project, "roads");
    house.grant_project(project, ana, &[ProjectAct::Access]);
    let layers = house
        .authority
        .list_administered_layers(&ana.caller, project)
        .unwrap();
    assert_eq!(
        layers.iter().map(|layer| layer.id).collect::<Vec<_>>(),
        [layer]
    );
    assert!(
        house
            .authority
            .list_projects(own(&ana.caller))
            .unwrap()
            .value
            .is_empty()
    );
    let administered = house.authority.list_administered_projects(own(&ana.caller));
    assert_eq!(administered.unwrap().value.len(), 1);
    assert_eq!(house.authority.layer(&ana.caller, layer).unwrap().id, layer);
}

#[test]
fn chosen_layers_that_are_only_administered_come_without_permissions() {
    // R18, R46.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Access]);
    let layer = house.layer(project, "a");
    let listed = house
        .authority
        .list_chosen_layers(own(&ana.caller), &[layer]);
    let listed = listed.unwrap().value;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].permissions, EffectivePermissions::default());
}

#[test]
fn chosen_layers_that_may_not_be_viewed_are_left_out() {
    // R40.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    let [a, b] = ["a", "b"].map(|text| house.layer(project, text));
    house.revoke(a, jmap_domain::GroupId::EVERYONE, &[Permission::View]);
    let absent = jmap_domain::LayerId::new(99).unwrap();
    let listed = house
        .authority
        .list_chosen_layers(own(&ana.caller), &[a, absent, b]);
    let listed: Vec<_> = listed
        .unwrap()
        .value
        .iter()
        .map(|layer| layer.layer.id)
        .collect();
    assert_eq!(listed, [b]);
}
