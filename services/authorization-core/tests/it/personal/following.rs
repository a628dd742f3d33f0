//! Following personal layers: each change is told once, to whom it concerns, and to nobody else (R40, R67, R71).

use std::collections::BTreeMap;

use authorization_core::personal::{Follower, News, NewsKind, Reach, Reaching};
use futures::executor::block_on;
use jmap_domain::{GlobalPermission, LayerId, Permission, PermissionSet, ProjectAct};
use proptest::prelude::*;

use super::{
    agreement::{Life, deed},
    amend, into, maker, overseer, personal, publish, share,
};
use crate::house::{House, Person};

fn follow(house: &House, who: &Person) -> Follower {
    block_on(house.authority.follow_personal(&who.caller, None)).unwrap()
}

fn news(house: &House, follower: &mut Follower) -> Vec<News> {
    let all = block_on(house.authority.personal_news(follower)).unwrap();
    assert_eq!(follower.token(), house.authority.token());
    all.into_iter().flat_map(|(_, news)| news).collect()
}

fn kinds(house: &House, follower: &mut Follower) -> Vec<(LayerId, NewsKind)> {
    let news = news(house, follower).into_iter();
    news.map(|one| (one.layer.layer, one.kind)).collect()
}

#[test]
fn sharing_changing_and_taking_back_are_told_by_their_effect() {
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let eve = house.user("eve");
    let walkers = house.group("walkers", &[ben]);
    let [mut anas, mut bens, mut eves] = [&ana, &ben, &eve].map(|who| follow(&house, who));
    let layer = personal(&house, &ana, "walks");
    assert_eq!(kinds(&house, &mut anas), [(layer, NewsKind::Received)]);
    share(&house, &ana, layer, walkers.into(), &[Permission::View]);
    assert_eq!(kinds(&house, &mut bens), [(layer, NewsKind::Shared)]);
    // Twice, and told twice: by the group already, and by himself with more.
    share(&house, &ana, layer, ben.id.into(), &[Permission::View]);
    assert_eq!(kinds(&house, &mut bens), []);
    share(
        &house,
        &ana,
        layer,
        ben.id.into(),
        &[Permission::AddElements],
    );
    let told = news(&house, &mut bens);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, NewsKind::Changed);
    assert!(
        told[0]
            .layer
            .permissions
            .all
            .contains(Permission::AddElements)
    );
    let nothing = (PermissionSet::EMPTY, PermissionSet::ALL);
    amend(&house, &ana, (layer, ben.id.into()), nothing).unwrap();
    assert_eq!(kinds(&house, &mut bens), [(layer, NewsKind::Changed)]);
    house.leave(&house.administrator, walkers, ben.id).unwrap();
    assert_eq!(kinds(&house, &mut bens), [(layer, NewsKind::Unshared)]);
    // What becomes of it afterwards is not his business, and never was hers.
    let callers = house.on_behalf(&ana.caller);
    block_on(house.authority.unregister_layer(callers, layer, None)).unwrap();
    assert_eq!(kinds(&house, &mut anas), [(layer, NewsKind::Deleted)]);
    assert_eq!(kinds(&house, &mut bens), []);
    assert_eq!(kinds(&house, &mut eves), []);
}

#[test]
fn each_change_is_told_by_itself_also_to_who_comes_late() {
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let beginning = house.authority.token();
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, ben.id.into(), &[Permission::View]);
    let nothing = (PermissionSet::EMPTY, PermissionSet::ALL);
    amend(&house, &ana, (layer, ben.id.into()), nothing).unwrap();
    let callers = house.on_behalf(&ana.caller);
    block_on(house.authority.unregister_layer(callers, layer, None)).unwrap();
    let late = house
        .authority
        .follow_personal(&ben.caller, Some(beginning));
    let mut late = block_on(late).unwrap();
    let told = [(layer, NewsKind::Shared), (layer, NewsKind::Unshared)];
    assert_eq!(
        kinds(&house, &mut late),
        told,
        "and not that it was deleted"
    );
}

#[test]
fn a_published_layer_is_told_with_its_project_to_those_who_know_of_that() {
    // R77, R21.
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let eve = house.user("eve");
    let chief = overseer(&house);
    let project = house.project("town");
    house.grant_project(project, chief, &[ProjectAct::Administrate]);
    house.grant_project(project, ben, &[ProjectAct::Open]);
    let layer = personal(&house, &ana, "walks");
    for who in [ben, eve] {
        share(&house, &ana, layer, who.id.into(), &[Permission::View]);
    }
    let [mut anas, mut bens, mut eves] = [&ana, &ben, &eve].map(|who| follow(&house, who));
    publish(&house, &chief.caller, layer, into(project)).unwrap();
    let published = |project| [(layer, NewsKind::Published(project))];
    assert_eq!(kinds(&house, &mut anas), published(None));
    assert_eq!(kinds(&house, &mut bens), published(Some(project)));
    assert_eq!(kinds(&house, &mut eves), published(None));
}

#[test]
fn a_layer_that_is_given_away_is_told_to_both_and_to_those_who_share_it() {
    // R79, R81.
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let eve = house.user("eve");
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, eve.id.into(), &[Permission::View]);
    let [mut anas, mut bens, mut eves] = [&ana, &ben, &eve].map(|who| follow(&house, who));
    let to = (ben.id, None);
    let reassigned = house
        .authority
        .reassign_layer(&house.administrator, layer, to);
    block_on(reassigned).unwrap();
    assert_eq!(kinds(&house, &mut anas), [(layer, NewsKind::GivenAway)]);
    assert_eq!(kinds(&house, &mut bens), [(layer, NewsKind::Received)]);
    assert_eq!(kinds(&house, &mut eves), [(layer, NewsKind::Changed)]);
}

#[test]
fn only_people_follow() {
    let house = House::new();
    let caller = jmap_domain::Caller::Anonymous;
    assert!(house.authority.admit_follower(&caller).is_err());
    let ana = house.user("ana");
    house
        .set_globals(ana, &[GlobalPermission::CreatePersonalLayers])
        .unwrap();
    assert_eq!(house.authority.admit_follower(&ana.caller), Ok(ana.id));
}

/// What somebody knows who was told everything.
struct Told {
    follower: Follower,
    layers: BTreeMap<LayerId, Reaching>,
}

impl Told {
    fn begin(life: &Life, who: &Person) -> Self {
        Self {
            follower: follow(&life.house, who),
            layers: BTreeMap::new(),
        }
    }

    fn catch_up(&mut self, house: &House) {
        for News { layer, kind } in news(house, &mut self.follower) {
            let known = self.layers.get(&layer.layer);
            match kind {
                NewsKind::Received | NewsKind::Shared | NewsKind::Changed => {
                    assert_ne!(known, Some(&layer), "nothing is told twice");
                    assert!(known.is_none() || kind != NewsKind::Shared, "{kind:?}");
                    assert!(known.is_some() || kind != NewsKind::Changed, "{kind:?}");
                    self.layers.insert(layer.layer, layer);
                }
                NewsKind::GivenAway
                | NewsKind::Unshared
                | NewsKind::Published(_)
                | NewsKind::Deleted => {
                    assert_eq!(known, Some(&layer), "only what was known ends");
                    self.layers.remove(&layer.layer);
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Whoever is told what is new, now or later, knows what there is.
    #[test]
    fn what_is_told_adds_up_to_what_there_is(
        deeds in prop::collection::vec((deed(), 0..4_usize), 200..220)
    ) {
        let mut life = Life::begin();
        let mut all: Vec<Told> = life.people.iter().map(|who| Told::begin(&life, who)).collect();
        for (deed, who) in deeds {
            life.live(deed);
            all[who].catch_up(&life.house);
        }
        let policy = life.house.authority.snapshot();
        for (told, who) in all.iter_mut().zip(&life.people) {
            told.catch_up(&life.house);
            let reach = Reach::of(&policy, who.id);
            let there: Vec<&Reaching> = reach.layers().collect();
            prop_assert_eq!(told.layers.values().collect::<Vec<_>>(), there);
        }
    }
}
