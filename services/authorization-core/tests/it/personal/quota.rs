//! How many personal layers one account may have: created, accepted or given to it.

use authorization_core::{
    Refusal, Settings,
    personal::PersonalError,
    registry::{RegistryError, Site},
};
use futures::executor::block_on;
use jmap_domain::{Permission, ProjectId};

use super::{maker, personal, try_personal};
use crate::house::{House, Person, name, request};

fn house(limit: u32) -> House {
    House::with(Settings {
        personal_layers: limit,
        ..Settings::default()
    })
}

/// Takes an id and a name, and goes no further.
fn reserve(house: &House, owner: &Person, text: &str, salt: u8) -> Result<(), RegistryError> {
    let mut asked = request(ProjectId::new(1).unwrap(), text, salt);
    asked.site = Site::Personal;
    let callers = house.on_behalf(&owner.caller);
    block_on(house.authority.reserve_layer(callers, asked)).map(drop)
}

const fn full(limit: u32) -> Refusal {
    Refusal::QuotaExceeded { limit, used: limit }
}

#[test]
fn nobody_creates_more_layers_than_it_may_have() {
    // R12.
    let house = house(2);
    let (ana, ben) = (maker(&house, "ana"), maker(&house, "ben"));
    let first = personal(&house, &ana, "walks");
    personal(&house, &ana, "maps");
    let before = house.authority.token();
    let refused = try_personal(&house, &ana, "more", 200).unwrap_err();
    assert_eq!(refused, full(2).into());
    assert_eq!(house.authority.token(), before);
    assert_eq!(
        refused.to_string(),
        "2 personal layers of at most 2 are used: delete or give away one first"
    );
    // Others have their own count, and layers of projects are not counted.
    personal(&house, &ben, "walks");
    let project = house.project("town");
    house.layer(project, "roads");
    let callers = house.on_behalf(&ana.caller);
    block_on(house.authority.unregister_layer(callers, first, None)).unwrap();
    personal(&house, &ana, "more");
}

#[test]
fn reservations_count_until_they_run_out_and_a_retry_is_no_layer_more() {
    let house = house(1);
    let ana = maker(&house, "ana");
    reserve(&house, &ana, "walks", 1).unwrap();
    assert_eq!(reserve(&house, &ana, "maps", 2), Err(full(1).into()));
    reserve(&house, &ana, "walks", 1).unwrap();
    house.platform.advance(Settings::default().reservation);
    reserve(&house, &ana, "maps", 2).unwrap();
}

#[test]
fn acceptance_and_reassignment_are_refused_where_the_new_owner_has_enough() {
    // R81.
    let house = house(1);
    let (ana, ben) = (maker(&house, "ana"), maker(&house, "ben"));
    let layer = personal(&house, &ana, "walks");
    let other = personal(&house, &ben, "maps");
    let authority = &house.authority;
    block_on(authority.offer_layer(&ana.caller, layer, ben.id)).unwrap();
    let before = authority.token();
    let full = PersonalError::from(full(1));
    let accepted = block_on(authority.accept_layer(&ben.caller, layer, None));
    assert_eq!(accepted.map(drop), Err(full.clone()));
    let give = |to: &Person, named: Option<&str>| {
        let to = (to.id, named.map(name));
        block_on(authority.reassign_layer(&house.administrator, layer, to)).map(drop)
    };
    assert_eq!(give(&ben, None), Err(full));
    assert_eq!(authority.token(), before);
    // Who owns it already gets no layer more.
    give(&ana, Some("trails")).unwrap();
    let callers = house.on_behalf(&ben.caller);
    block_on(authority.unregister_layer(callers, other, None)).unwrap();
    block_on(authority.offer_layer(&ana.caller, layer, ben.id)).unwrap();
    block_on(authority.accept_layer(&ben.caller, layer, None)).unwrap();
}

#[test]
fn who_has_more_than_a_lowered_limit_keeps_them() {
    let house = house(2);
    let ana = maker(&house, "ana");
    let layers = ["walks", "maps"].map(|text| personal(&house, &ana, text));
    let lowered = house.restarted_with(Settings {
        personal_layers: 1,
        ..Settings::default()
    });
    assert_eq!(lowered.own_personal_layers(&ana.caller).unwrap().len(), 2);
    for layer in layers {
        let may = house.may_on(&ana.caller, layer, Permission::DeleteElements);
        assert_eq!(may, jmap_domain::Decision::All);
    }
    let mut asked = request(ProjectId::new(1).unwrap(), "more", 9);
    asked.site = Site::Personal;
    let refused = block_on(lowered.reserve_layer(house.on_behalf(&ana.caller), asked));
    let full = Refusal::QuotaExceeded { limit: 1, used: 2 };
    assert_eq!(refused.map(drop), Err(full.into()));
}
