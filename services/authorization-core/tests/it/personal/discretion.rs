//! What personal layers do not tell: who is in which group, and what they were shared for in another's hands (R40, R46, R76).

use authorization_core::{
    Asking, Refusal, Resource,
    explain::Ineffective,
    lookup::{Inquiry, InquiryError, On, Portion},
    past::At,
};
use futures::executor::block_on;
use jmap_domain::{Caller, GlobalPermission, LayerAct, Permission, ProjectAct, Question, Subject};

use super::{into, maker, overseer, personal, publish, share};
use crate::house::House;

#[test]
fn an_owner_learns_from_the_table_about_rows_and_not_about_groups() {
    let house = House::new();
    let (ana, ben, cem) = (maker(&house, "ana"), house.user("ben"), house.user("cem"));
    let walkers = house.group("walkers", &[ben]);
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, walkers.into(), &[Permission::View]);
    for who in [ben, cem] {
        share(&house, &ana, layer, who.into(), &[Permission::AddElements]);
    }
    let reasons = |caller: &Caller| {
        let table = house.authority.layer_table(caller, layer).unwrap();
        let of = |who| {
            let row = table.rows.iter().find(|one| one.row.principal == who);
            row.unwrap().ineffective
        };
        (of(ben.into()), of(cem.into()))
    };
    let by_itself = Some(Ineffective::CannotView);
    assert_eq!(reasons(&ana.caller), (by_itself, by_itself));
    // Who administers personal layers may know who is in the group.
    assert_eq!(reasons(&overseer(&house).caller), (None, by_itself));
}

#[test]
fn who_administers_a_published_layer_is_not_told_what_it_was_shared_for() {
    let house = House::new();
    let (ana, ben) = (maker(&house, "ana"), house.user("ben"));
    let chief = house.user("chief");
    let project = house.project("town");
    house.grant_project(project, chief, &[ProjectAct::Administrate]);
    let layer = personal(&house, &ana, "walks");
    share(&house, &ana, layer, ben.into(), &[Permission::View]);
    let shared = house.authority.token();
    publish(&house, &house.administrator, layer, into(project)).unwrap();
    let view = Question::Layer(layer, LayerAct::Elements(Permission::View));
    let who = |caller: &Caller| {
        let past = block_on(house.authority.past(caller, At::Exactly(shared))).unwrap();
        let asking = Asking {
            caller,
            subject: None,
            at_least: None,
        };
        let on = On::Past(&past);
        let all = Portion {
            after: None,
            limit: 100,
        };
        let found = house
            .authority
            .lookup_subjects(Inquiry { asking, on }, view, all);
        let held = Asking {
            subject: Some(Subject::User(ben.id)),
            ..asking
        };
        let explained = house.authority.explain_past(held, &past, view);
        let all = Portion {
            after: None,
            limit: 100,
        };
        let report = house
            .authority
            .report(Inquiry { asking, on }, ben.into(), all);
        let found = found.map(|found| found.value.len());
        (found, explained.is_ok(), report.unwrap().value.len())
    };
    let refused = InquiryError::from(Refusal::Forbidden(Resource::Layer(layer)));
    assert_eq!(who(&chief.caller), (Err(refused), false, 0));
    let oversee = [GlobalPermission::AdministerPersonalLayers];
    house.set_globals(chief, &oversee).unwrap();
    assert_eq!(who(&chief.caller), (Ok(2), true, 1));
}
