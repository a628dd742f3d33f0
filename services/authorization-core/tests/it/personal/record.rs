//! What the audit record tells of personal layers, and to whom (R40, R122).

use authorization_core::{
    Resource,
    audit::{AuditAsked, AuditFilter, ShownRecord},
    change::PolicyChange,
};
use futures::executor::block_on;
use jmap_domain::{Caller, GroupId, Permission, PrincipalId, ProjectAct, ProjectId};

use super::{into, maker, personal, publish, share};
use crate::{
    audit::read,
    house::{House, Person},
};

/// The principals whose rows of a layer's table the records show.
fn rows(records: &[ShownRecord]) -> Vec<PrincipalId> {
    let mut rows = Vec::new();
    for change in records.iter().flat_map(|one| &one.changes) {
        if let PolicyChange::LayerGrantsSet {
            layer: _,
            revision: _,
            rows: set,
        } = change
        {
            rows.extend(set.iter().map(|row| row.principal));
        }
    }
    rows
}

fn concerned(records: &[ShownRecord]) -> Vec<Resource> {
    let concerns = records.iter().flat_map(|one| &one.record.entry.concerns);
    concerns.map(|one| one.resource).collect()
}

/// A layer that was shared with a user and a group, was offered, and is in a project now.
struct World {
    house: House,
    manager: Person,
    sharee: Person,
    friends: GroupId,
    offeree: Person,
    project: ProjectId,
    layer: jmap_domain::LayerId,
}

fn world() -> World {
    let house = House::new();
    let project = house.project("town");
    let (ana, manager, sharee) = (
        maker(&house, "ana"),
        house.user("manager"),
        house.user("sharee"),
    );
    let (friend, offeree) = (house.user("friend"), house.user("offeree"));
    let friends = house.group("friends", &[friend]);
    house.grant_project(project, manager, &[ProjectAct::Administrate]);
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, sharee.into(), &[Permission::View]);
    share(&house, &ana, layer, friends.into(), &[Permission::View]);
    block_on(house.authority.offer_layer(&ana.caller, layer, offeree.id)).unwrap();
    publish(&house, &house.administrator, layer, into(project)).unwrap();
    World {
        house,
        manager,
        sharee,
        friends,
        offeree,
        project,
        layer,
    }
}

impl World {
    fn told(&self, who: &Caller, about: Option<Resource>) -> Vec<ShownRecord> {
        let asked = AuditAsked {
            filter: AuditFilter {
                about,
                ..AuditFilter::default()
            },
            project: Some(self.project),
        };
        read(&self.house.authority, who, &asked).unwrap()
    }
}

#[test]
fn who_administrates_the_project_is_not_told_whom_a_published_layer_was_shared_with() {
    let world = world();
    let manager = &world.manager.caller;
    let told = world.told(manager, None);
    // The publication itself is told, with what it grants.
    assert!(concerned(&told).contains(&Resource::Layer(world.layer)));
    assert!(rows(&told).contains(&GroupId::EVERYONE.into()));
    let secret = [
        Resource::User(world.sharee.id),
        Resource::Group(world.friends),
        Resource::User(world.offeree.id),
    ];
    for resource in secret {
        assert!(!concerned(&told).contains(&resource), "{resource}");
        let about = world.told(manager, Some(resource));
        assert!(about.is_empty(), "{resource}: {about:?}");
    }
    let shared: [PrincipalId; 2] = [world.sharee.id.into(), world.friends.into()];
    assert!(!rows(&told).iter().any(|row| shared.contains(row)));
    for record in &told {
        let counted = record.record.entry.concerns.len();
        assert_eq!(record.record.concerns_in_all, counted as u64);
        let text = format!("{:?}", record.changes);
        let offeree = format!("offered_to: Some({:?})", world.offeree.id);
        assert!(!text.contains(&offeree), "{text}");
    }
    // Of the time when it was personal nothing is told at all.
    let of_layer = world.told(manager, Some(Resource::Layer(world.layer)));
    assert_eq!(of_layer.len(), 1, "{of_layer:?}");
}

#[test]
fn super_administrators_are_told_whom_a_published_layer_was_shared_with() {
    let world = world();
    let asked = AuditAsked {
        filter: AuditFilter {
            about: Some(Resource::Layer(world.layer)),
            ..AuditFilter::default()
        },
        project: None,
    };
    let told = read(&world.house.authority, &world.house.administrator, &asked).unwrap();
    let publication = &told[told.len() - 1..];
    let concerned = concerned(publication);
    assert!(concerned.contains(&Resource::User(world.sharee.id)));
    assert!(concerned.contains(&Resource::Group(world.friends)));
    let rows = rows(publication);
    assert!(rows.contains(&world.sharee.id.into()) && rows.contains(&world.friends.into()));
}

#[test]
fn what_becomes_of_an_offer_is_recorded_for_super_administrators() {
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let layer = personal(&house, &ana, "walks");
    let authority = &house.authority;
    let offer = || block_on(authority.offer_layer(&ana.caller, layer, ben.id)).unwrap();
    let about = |resource| {
        let asked = AuditAsked {
            filter: AuditFilter {
                about: Some(resource),
                ..AuditFilter::default()
            },
            project: None,
        };
        read(authority, &house.administrator, &asked).unwrap().len()
    };
    let before = (about(Resource::User(ben.id)), about(Resource::Layer(layer)));
    offer();
    block_on(authority.withdraw_offer(&ana.caller, layer)).unwrap();
    offer();
    block_on(authority.decline_layer(&ben.caller, layer)).unwrap();
    offer();
    block_on(authority.accept_layer(&ben.caller, layer, None)).unwrap();
    let after = (about(Resource::User(ben.id)), about(Resource::Layer(layer)));
    assert_eq!(after, (before.0 + 6, before.1 + 6));
}

#[test]
fn a_row_that_a_projects_administrator_takes_away_is_told_to_the_others() {
    // What happens to the layer in its project is the project's matter.
    let world = world();
    let house = &world.house;
    house.grant_project(world.project, world.sharee, &[ProjectAct::Open]);
    let manager = &world.manager;
    share(
        house,
        manager,
        world.layer,
        world.sharee.into(),
        &[Permission::ModifyElements],
    );
    super::amend(
        house,
        manager,
        (world.layer, world.sharee.into()),
        (
            jmap_domain::PermissionSet::EMPTY,
            jmap_domain::PermissionSet::ALL,
        ),
    )
    .unwrap();
    let about = world.told(&manager.caller, Some(Resource::User(world.sharee.id)));
    assert_eq!(rows(&about), [PrincipalId::from(world.sharee.id); 2]);
}
