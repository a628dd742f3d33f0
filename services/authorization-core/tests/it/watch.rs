//! Watching the policy: every change in order, for those who may, and a word when there is a new one.

use authorization_core::{Refusal, Resource, Snapshot, model::Description};
use futures::executor::block_on;
use jmap_domain::{Caller, GlobalPermission, PolicyRevision, PolicyToken};

use crate::house::{House, name};

#[test]
fn every_change_has_the_next_number_and_comes_in_order() {
    let house = House::new();
    house.layer(house.project("Atlas"), "cities");
    let authority = &house.authority;
    let mut token = PolicyToken {
        revision: PolicyRevision(0),
        ..authority.token()
    };
    let mut policy = Snapshot::empty(token.epoch);
    loop {
        let sets = block_on(authority.changes_after(token)).unwrap();
        let Some(last) = sets.last() else { break };
        token.revision = last.revision;
        policy = sets.iter().fold(policy, |policy, set| policy.apply(set));
    }
    assert_eq!(token, authority.token());
    assert_eq!(policy, *authority.snapshot());
}

#[test]
fn services_with_the_scope_and_super_administrators_watch_and_nobody_else() {
    // R15.
    let house = House::new();
    let ben = house.user("ben");
    let watches = |caller: &Caller| house.authority.admit_watcher(caller);
    assert_eq!(watches(&house.administrator), Ok(()));
    assert_eq!(watches(&house.layer_data), Ok(()));
    let forbidden = Refusal::Forbidden(Resource::Installation);
    assert_eq!(watches(&ben.caller), Err(forbidden));
    assert_eq!(watches(&Caller::Anonymous), Err(Refusal::NotSignedIn));
    house
        .set_globals(ben, &[GlobalPermission::SuperAdministrator])
        .unwrap();
    assert_eq!(watches(&ben.caller), Ok(()));
    house.disable(ben.id);
    assert_eq!(watches(&ben.caller), Err(Refusal::AccountDisabled));
}

#[test]
fn who_waits_for_a_change_is_woken_by_it() {
    let house = House::new();
    let now = house.authority.token();
    let create =
        house
            .authority
            .create_group(&house.administrator, name("news"), Description::default());
    let waiting = house.authority.newer_than(now.revision);
    let (made, ()) = block_on(futures::future::join(create, waiting));
    made.unwrap();
    assert!(house.authority.token().revision > now.revision);
}
