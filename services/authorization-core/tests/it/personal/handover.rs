//! Handing a personal layer over: what an offer tells and gives, how it ends, and what is refused (R69, R79, R81).

use authorization_core::{
    Refusal, Resource,
    model::Layer,
    personal::{MadeBy, Offer, PersonalError, Through},
};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, GroupId, LayerAct, LayerId, Permission, ProjectAct, Question, UserId,
};

use super::{HIDDEN, into, maker, overseer, personal, publish, share};
use crate::house::{House, Person, name};

/// An owner, somebody whom the layer is shared with, somebody else, and the layer.
struct World {
    house: House,
    ana: Person,
    ben: Person,
    cem: Person,
    layer: LayerId,
}

type Done = Result<(), PersonalError>;

impl World {
    fn new() -> Self {
        let house = House::new();
        let (ana, ben, cem) = (maker(&house, "ana"), house.user("ben"), house.user("cem"));
        let layer = personal(&house, &ana, "walks");
        share(&house, &ana, layer, ben.into(), &[Permission::View]);
        Self {
            house,
            ana,
            ben,
            cem,
            layer,
        }
    }

    fn offer(&self, by: &Person, to: UserId) -> Done {
        let offering = self.house.authority.offer_layer(&by.caller, self.layer, to);
        block_on(offering).map(drop)
    }

    fn withdraw(&self, by: &Person) -> Done {
        let withdrawing = self.house.authority.withdraw_offer(&by.caller, self.layer);
        block_on(withdrawing).map(drop)
    }

    fn accept(&self, by: &Person, named: Option<&str>) -> Done {
        let authority = &self.house.authority;
        let named = named.map(name);
        block_on(authority.accept_layer(&by.caller, self.layer, named)).map(drop)
    }

    fn decline(&self, by: &Person) -> Done {
        let declining = self.house.authority.decline_layer(&by.caller, self.layer);
        block_on(declining).map(drop)
    }

    fn offers(&self, to: &Person, made_by: MadeBy) -> Vec<Offer> {
        let offers = self.house.authority.offered_layers(&to.caller, made_by);
        offers.unwrap()
    }

    fn is_offered_to(&self, to: &Person) -> bool {
        !self.offers(to, MadeBy::Others).is_empty()
    }

    fn stored(&self) -> Layer {
        let snapshot = self.house.authority.snapshot();
        (*snapshot.layer(self.layer).unwrap().layer).clone()
    }

    fn may(&self, who: &Person, permission: Permission) -> Decision {
        self.house.may_on(&who.caller, self.layer, permission)
    }

    fn not_found(&self) -> Done {
        Err(Refusal::NotFound(Resource::Layer(self.layer)).into())
    }

    fn not_offered(&self) -> Done {
        Err(PersonalError::NotOffered(self.layer))
    }
}

#[test]
fn an_offer_tells_its_offeree_of_the_layer_and_gives_no_right() {
    // R40, R69, R81.
    let world = World::new();
    let World {
        house,
        ana,
        cem,
        layer,
        ..
    } = &world;
    assert!(!world.is_offered_to(cem));
    world.offer(ana, cem.id).unwrap();
    let offers = world.offers(cem, MadeBy::Others);
    assert_eq!(world.offers(ana, MadeBy::Caller), offers);
    let [offer] = &offers[..] else {
        panic!("one offer: {offers:?}");
    };
    assert_eq!(
        (offer.layer.id, &offer.layer.name),
        (*layer, &name("walks"))
    );
    assert_eq!((offer.owner.id, offer.offeree.id), (ana.id, cem.id));
    for act in Permission::ALL.map(LayerAct::Elements).into_iter().chain([
        LayerAct::ReadConfiguration,
        LayerAct::ChangeStructure,
        LayerAct::Delete,
    ]) {
        let decided = house.may(&cem.caller, Question::Layer(*layer, act));
        assert_eq!(decided, HIDDEN, "{act:?}");
    }
    let shared = house.authority.shared_personal_layers(&cem.caller);
    assert_eq!(shared, Ok(Vec::new()));
    assert_eq!(world.may(ana, Permission::DeleteElements), Decision::All);
    for nobody in [&Caller::Anonymous, &house.layer_data] {
        let offers = house.authority.offered_layers(nobody, MadeBy::Others);
        assert!(offers.is_err());
    }
}

#[test]
fn an_accepted_layer_is_the_new_owners_and_the_former_one_keeps_nothing() {
    // R79, R81.
    let world = World::new();
    let World {
        house,
        ana,
        ben,
        cem,
        layer,
    } = &world;
    share(house, ana, *layer, cem.id.into(), &[Permission::View]);
    world.offer(ana, cem.id).unwrap();
    world.accept(cem, None).unwrap();
    assert_eq!(world.may(ana, Permission::View), HIDDEN);
    assert_eq!(world.may(cem, Permission::DeleteElements), Decision::All);
    assert_eq!(world.may(ben, Permission::View), Decision::All);
    let access = house
        .authority
        .personal_layer_access(&house.administrator, *layer);
    let access = access.unwrap();
    let through = access.iter().map(|one| (one.user.id, one.through[0]));
    let shared = Through::Share(ben.id.into());
    let expected = [(ben.id, shared), (cem.id, Through::Ownership)];
    assert_eq!(through.collect::<Vec<_>>(), expected);
    assert_eq!(world.stored().offered_to, None);
    // A retry of the new owner, and acts of the former one.
    assert_eq!(world.accept(cem, None), world.not_offered());
    assert_eq!(world.withdraw(ana), world.not_found());
    assert_eq!(world.offer(ana, ben.id), world.not_found());
}

#[test]
fn a_layer_is_accepted_under_another_name_where_its_own_is_taken() {
    // R64, R81.
    let world = World::new();
    let World { house, ana, .. } = &world;
    let dora = maker(house, "dora");
    personal(house, &dora, "Walks");
    world.offer(ana, dora.id).unwrap();
    let before = house.authority.token();
    let taken = Err(PersonalError::NameTaken(name("walks")));
    assert_eq!(world.accept(&dora, None), taken);
    assert_eq!(house.authority.token(), before);
    assert!(world.is_offered_to(&dora), "the offer stays open");
    world.accept(&dora, Some("trails")).unwrap();
    assert_eq!(world.stored().name, name("trails"));
    // The name among the former owner's layers is free again.
    personal(house, ana, "walks");
}

#[test]
fn an_offer_is_declined_withdrawn_and_replaced() {
    // R81.
    let world = World::new();
    let World {
        house,
        ana,
        ben,
        cem,
        ..
    } = &world;
    world.offer(ana, cem.id).unwrap();
    let before = house.authority.token();
    world.offer(ana, cem.id).unwrap();
    assert_eq!(house.authority.token(), before, "the same offer again");
    world.offer(ana, ben.id).unwrap();
    assert!(!world.is_offered_to(cem));
    assert_eq!(world.accept(cem, None), world.not_found());
    world.decline(ben).unwrap();
    assert_eq!(world.decline(ben), world.not_offered());
    assert_eq!(world.accept(ben, None), world.not_offered());
    assert_eq!(world.withdraw(ana), world.not_offered());
    world.offer(ana, cem.id).unwrap();
    world.withdraw(ana).unwrap();
    assert_eq!(world.decline(cem), world.not_found());
    assert_eq!(world.may(ana, Permission::DeleteElements), Decision::All);
}

#[test]
fn only_the_owner_offers_and_only_to_who_could_own_the_layer() {
    // R40, R68, R69.
    let world = World::new();
    let World {
        house,
        ana,
        ben,
        cem,
        ..
    } = &world;
    let forbidden = Err(Refusal::Forbidden(Resource::Layer(world.layer)).into());
    assert_eq!(world.offer(ben, cem.id), forbidden);
    assert_eq!(world.withdraw(ben), forbidden);
    assert_eq!(world.offer(&overseer(house), cem.id), forbidden);
    assert_eq!(world.offer(cem, ben.id), world.not_found());
    let own = Err(PersonalError::OwnsAlready(ana.id));
    assert_eq!(world.offer(ana, ana.id), own);
    let nobodies = [
        UserId::ANONYMOUS,
        house.server("machine").id,
        UserId::new(GroupId::EVERYONE.get()).unwrap(),
        UserId::new(999).unwrap(),
    ];
    for nobody in nobodies {
        let refused = Err(PersonalError::NoOwner(nobody));
        assert_eq!(world.offer(ana, nobody), refused);
    }
    for other in [ben, cem] {
        world.offer(ana, other.id).unwrap();
    }
    // Who sees the layer and is not offered it is told so; for all others there is none.
    assert_eq!(world.accept(ben, None), world.not_offered());
    let layer = world.layer;
    let anonymous = block_on(
        house
            .authority
            .accept_layer(&Caller::Anonymous, layer, None),
    );
    assert_eq!(anonymous.map(drop), Err(Refusal::NotSignedIn.into()));
}

#[test]
fn an_offer_ends_with_what_makes_the_layer_somebody_elses_or_nobodys() {
    // R74, R79, R81.
    type End = fn(&World);
    let ends: [(&str, End); 5] = [
        ("publication", |world| {
            let house = &world.house;
            let project = house.project("town");
            house.grant_project(project, GroupId::AUTHENTICATED, &[ProjectAct::Open]);
            publish(house, &house.administrator, world.layer, into(project)).unwrap();
        }),
        ("reassignment", |world| {
            let (by, to) = (&world.house.administrator, (world.ben.id, None));
            let authority = &world.house.authority;
            block_on(authority.reassign_layer(by, world.layer, to)).unwrap();
        }),
        ("deletion of the layer", |world| {
            let callers = world.house.on_behalf(&world.ana.caller);
            let authority = &world.house.authority;
            block_on(authority.unregister_layer(callers, world.layer, None)).unwrap();
        }),
        ("deletion of the owner", |world| {
            let by = &world.house.administrator;
            block_on(world.house.authority.delete_user(by, world.ana.id)).unwrap();
        }),
        ("deletion of the offeree", |world| {
            let by = &world.house.administrator;
            block_on(world.house.authority.delete_user(by, world.cem.id)).unwrap();
        }),
    ];
    for (what, end) in ends {
        let world = World::new();
        world.offer(&world.ana, world.cem.id).unwrap();
        end(&world);
        let snapshot = world.house.authority.snapshot();
        let left = snapshot.layers_offered_to(world.cem.id).count();
        let layer = snapshot.layer(world.layer);
        let offered_to = layer.and_then(|entry| entry.layer.offered_to);
        assert_eq!((left, offered_to), (0, None), "{what}");
        assert!(world.accept(&world.cem, None).is_err(), "{what}");
        let restarted = world.house.restarted();
        assert_eq!(*restarted.snapshot(), *snapshot, "{what}");
    }
}

#[test]
fn a_renamed_layer_is_offered_under_its_new_name_and_after_a_restart() {
    let world = World::new();
    world.offer(&world.ana, world.cem.id).unwrap();
    let update = authorization_core::registry::LayerUpdate {
        name: Some(name("trails")),
        ..Default::default()
    };
    let authority = &world.house.authority;
    block_on(authority.update_layer(&world.ana.caller, world.layer, update)).unwrap();
    let restarted = world.house.restarted();
    let offers = restarted.offered_layers(&world.cem.caller, MadeBy::Others);
    assert_eq!(offers.unwrap()[0].layer.name, name("trails"));
}
