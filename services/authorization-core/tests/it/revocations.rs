//! Revocations and failures of the store: what was acknowledged holds (R123).

use std::time::Duration;

use authorization_core::{
    Refusal,
    memory::Failure,
    model::{Description, Editing},
    ports::StoreError,
    projects::ProjectError,
};
use futures::executor::block_on;
use jmap_domain::{Caller, Decision, DenyReason, LayerAct, Permission, ProjectAct, Question};

use crate::house::{House, name};

#[test]
fn a_revocation_is_acknowledged_once_earlier_permits_have_run_out() {
    // R10, R123.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.grant(layer, ana, &[Permission::AddElements]);
    let add = Question::Layer(layer, LayerAct::Elements(Permission::AddElements));
    let answer = house.ask_about(&ana.caller, add).unwrap();
    assert_eq!(answer.value, [Decision::All]);
    assert_eq!(answer.valid_for, Duration::from_millis(500));

    house.platform.advance(Duration::from_millis(100));
    let before = house.platform.slept();
    house.revoke(layer, ana, &[Permission::AddElements]);
    let waited = house.platform.slept().saturating_sub(before);
    assert!((Duration::from_millis(400)..=Duration::from_millis(401)).contains(&waited));
    let answer = house.ask_about(&ana.caller, add).unwrap();
    assert_eq!(answer.value, [Decision::Denied(DenyReason::NoGrant)]);
    assert_eq!(answer.valid_for, Duration::ZERO);
}

#[test]
fn nothing_is_waited_for_when_nothing_is_taken_or_no_permit_is_out() {
    // R123.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.grant(layer, ana, &[Permission::AddElements]);
    house.revoke(layer, ana, &[Permission::AddElements]);
    let view = Question::Layer(layer, LayerAct::Elements(Permission::View));
    assert_eq!(
        house.ask_about(&ana.caller, view).unwrap().valid_for,
        Duration::ZERO
    );
    house.set_editing(layer, Editing::Disabled);
    house.set_editing(layer, Editing::Enabled);
    house.grant(layer, ana, &[Permission::AddElements]);
    let add = Question::Layer(layer, LayerAct::Elements(Permission::AddElements));
    house.ask_about(&ana.caller, add).unwrap();
    house.grant(layer, ana, &[Permission::DeleteElements]);
    assert_eq!(house.platform.slept(), Duration::ZERO);
}

#[test]
fn signing_out_waits_for_permits_too() {
    // R117, R123.
    let house = House::new();
    let project = house.project("town");
    let layer = house.layer(project, "roads");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.grant(layer, ana, &[Permission::AddElements]);
    let add = Question::Layer(layer, LayerAct::Elements(Permission::AddElements));
    house.ask_about(&ana.caller, add).unwrap();
    block_on(house.authority.sign_out(&ana.caller)).unwrap();
    assert!(house.platform.slept() >= Duration::from_millis(500));
}

#[test]
fn a_change_that_the_store_refuses_changes_nothing() {
    let house = House::new();
    let project = house.project("town");
    let before = house.authority.token();
    house
        .store
        .fail_next(Failure::BeforeWriting, StoreError::Unavailable);
    let open = house.try_grant_project(
        &house.administrator,
        project,
        jmap_domain::GroupId::EVERYONE,
        &[ProjectAct::Open],
    );
    assert_eq!(
        open,
        Err(ProjectError::Refused(Refusal::Store(
            StoreError::Unavailable
        )))
    );
    assert_eq!(house.authority.token(), before);
    house.project("lake");
}

#[test]
fn a_commit_whose_end_was_not_seen_is_read_again_before_the_next_change() {
    let house = House::new();
    house
        .store
        .fail_next(Failure::AfterWriting, StoreError::Unavailable);
    let first =
        house
            .authority
            .create_group(&house.administrator, name("team"), Description::default());
    assert_eq!(
        block_on(first).unwrap_err(),
        Refusal::Store(StoreError::Unavailable).into()
    );
    // The group is there after all, so its name is taken.
    let again = block_on(house.authority.create_group(
        &house.administrator,
        name("team"),
        Description::default(),
    ));
    assert!(again.is_err());
    assert!(
        house
            .authority
            .snapshot()
            .group_named(&name("team"))
            .is_some()
    );
}

#[test]
fn a_commit_whose_end_was_not_seen_decides_without_waiting_for_the_next_change() {
    // R10.
    let house = House::new();
    house
        .store
        .fail_next(Failure::AfterWriting, StoreError::Unavailable);
    let group =
        house
            .authority
            .create_group(&house.administrator, name("team"), Description::default());
    block_on(group).unwrap_err();
    let known = || {
        house
            .authority
            .snapshot()
            .group_named(&name("team"))
            .is_some()
    };
    assert!(!known());
    block_on(house.authority.keep_in_step()).unwrap();
    assert!(known());
}

#[test]
fn nothing_is_answered_while_another_process_may_have_the_store() {
    // R121, R123: the other one may have taken away what this one still remembers.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    let open = Question::Project(project, ProjectAct::Open);
    house.store.lose();
    let unavailable = Refusal::Store(StoreError::Unavailable);
    assert_eq!(house.ask_about(&ana.caller, open), Err(unavailable.into()));
    assert_eq!(
        house.authority.own_session(&ana.caller).unwrap_err(),
        unavailable
    );
    let anonymous = house.authority.own_session(&Caller::Anonymous);
    assert_eq!(anonymous.unwrap_err(), unavailable);
    house.store.hold_again();
    assert_eq!(house.may(&ana.caller, open), Decision::All);
}

#[test]
fn a_session_that_could_not_be_stored_as_closed_does_not_come_back() {
    // R117: closed at once, acknowledged only when stored, and stored when the store works again.
    let house = House::new();
    let ana = house.user("ana");
    house.store.refuse_sessions();
    let failed = block_on(house.authority.sign_out(&ana.caller));
    assert_eq!(failed, Err(Refusal::Store(StoreError::Unavailable)));
    let over = house.authority.own_session(&ana.caller);
    assert_eq!(over.unwrap_err(), Refusal::SessionClosed);

    house.store.accept_sessions();
    block_on(house.authority.keep_in_step()).unwrap();
    let over = house.restarted().own_session(&ana.caller);
    assert_eq!(over.unwrap_err(), Refusal::SessionClosed);
}

#[test]
fn revisions_have_no_gaps_and_history_tells_who_did_what() {
    let house = House::new();
    let start = house.authority.token().revision;
    house.project("town");
    house.project("lake");
    assert_eq!(house.authority.token().revision, start.next().next());
    let sets = block_on(authorization_core::ports::PolicyStore::history(
        &house.store,
        start,
        10,
    ));
    let authors: Vec<_> = sets.unwrap().iter().map(|set| set.by.user()).collect();
    assert_eq!(authors, [Some(jmap_domain::UserId::ADMINISTRATOR); 2]);
}

#[test]
fn a_restart_finds_the_same_policy() {
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    house.grant_project(project, ana, &[ProjectAct::Open]);
    house.grant(
        house.layer(project, "roads"),
        ana,
        &[Permission::CopyExport],
    );
    assert_eq!(*house.restarted().snapshot(), *house.authority.snapshot());
}
