//! Who may ask about whom, and how fresh answers are.

use authorization_core::{Asking, CheckError, Refusal, Resource};
use futures::executor::block_on;
use jmap_domain::{
    Caller, Decision, DenyReason, Epoch, LayerAct, Permission, PolicyRevision, PolicyToken,
    ProjectAct, Question, ScopeSet, ServiceCaller, Subject, UserId,
};

use crate::house::{House, Person};

fn session_of(person: Person) -> Subject {
    let Caller::Session(session) = person.caller else {
        panic!("a person has a session")
    };
    Subject::Session(session.session)
}

#[test]
fn a_session_asks_only_about_itself() {
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let question = Question::Project(house.project("town"), ProjectAct::Open);
    let ask = |caller: &Caller, subject| {
        let asking = Asking {
            caller,
            subject: Some(subject),
            at_least: None,
        };
        house
            .authority
            .check(asking, &[question])
            .map(|answer| answer.value)
    };
    let hidden = vec![Decision::Denied(DenyReason::NotVisible)];
    let forbidden = CheckError::Refused(Refusal::Forbidden(Resource::Installation));
    assert_eq!(ask(&ana.caller, session_of(ana)), Ok(hidden.clone()));
    assert_eq!(ask(&ana.caller, session_of(ben)), Err(forbidden));
    assert_eq!(ask(&ana.caller, Subject::User(ben.id)), Err(forbidden));
    assert_eq!(ask(&Caller::Anonymous, session_of(ana)), Err(forbidden));
    assert_eq!(
        ask(&Caller::Anonymous, Subject::Anonymous),
        Ok(hidden.clone())
    );
    assert_eq!(
        ask(&house.administrator, Subject::User(ben.id)),
        Ok(hidden.clone())
    );
    assert_eq!(ask(&house.layer_data, session_of(ben)), Ok(hidden));
    assert_eq!(
        ask(&house.layer_data, Subject::User(ben.id)),
        Err(forbidden)
    );
}

#[test]
fn a_service_needs_the_scope_in_its_token_and_in_its_account() {
    let house = House::new();
    let ana = house.user("ana");
    let Caller::Service(service) = house.layer_data else {
        panic!("a service")
    };
    let caller = Caller::Service(ServiceCaller {
        scopes: ScopeSet::default(),
        ..service
    });
    let asking = Asking {
        caller: &caller,
        subject: Some(session_of(ana)),
        at_least: None,
    };
    let forbidden = CheckError::Refused(Refusal::Forbidden(Resource::Installation));
    assert_eq!(house.authority.check(asking, &[]).unwrap_err(), forbidden);
}

#[test]
fn an_answer_is_as_fresh_as_the_asker_wants() {
    let house = House::new();
    let ask = |token| {
        let caller = &house.administrator;
        house.authority.check(
            Asking {
                caller,
                subject: None,
                at_least: Some(token),
            },
            &[],
        )
    };
    let current = house.authority.token();
    assert_eq!(ask(current).unwrap().token, current);
    let later = PolicyToken {
        revision: current.revision.next(),
        ..current
    };
    assert_eq!(ask(later).unwrap_err(), CheckError::NotReached);
    let foreign = PolicyToken {
        epoch: Epoch(9),
        revision: PolicyRevision(0),
    };
    assert_eq!(ask(foreign).unwrap_err(), CheckError::ForeignToken);
}

#[test]
fn explaining_ones_own_rights_needs_view() {
    // R45, R46.
    let house = House::new();
    let project = house.project("town");
    let ana = house.user("ana");
    let layer = house.layer(project, "roads");
    let question = Question::Layer(layer, LayerAct::Elements(Permission::AddElements));
    let explain = |caller: &Caller, subject| {
        house.authority.explain(
            Asking {
                caller,
                subject,
                at_least: None,
            },
            question,
        )
    };
    let absent = CheckError::Refused(Refusal::NotFound(Resource::Layer(layer)));
    assert_eq!(explain(&ana.caller, None).unwrap_err(), absent);
    // About others: whoever manages the layer.
    let about_ana = explain(&house.administrator, Some(Subject::User(ana.id))).unwrap();
    assert_eq!(
        about_ana.value.decision,
        Decision::Denied(DenyReason::NotVisible)
    );
    house.grant_project(project, ana, &[ProjectAct::Open]);
    let own = explain(&ana.caller, None).unwrap().value;
    assert_eq!(own.decision, Decision::Denied(DenyReason::NoGrant));
    let refused = explain(&ana.caller, Some(Subject::User(UserId::ADMINISTRATOR)));
    let forbidden = CheckError::Refused(Refusal::Forbidden(Resource::Layer(layer)));
    assert_eq!(refused.unwrap_err(), forbidden);
    house.grant_project(project, ana, &[ProjectAct::Administrate]);
    explain(&ana.caller, Some(Subject::User(UserId::ADMINISTRATOR))).unwrap();
}

#[test]
fn a_deleted_service_asks_nothing_more() {
    let house = House::new();
    let Caller::Service(service) = house.layer_data else {
        panic!("a service")
    };
    let ana = house.user("ana");
    let asking = Asking {
        caller: &house.layer_data,
        subject: Some(session_of(ana)),
        at_least: None,
    };
    house.authority.check(asking, &[]).unwrap();
    let delete = house
        .authority
        .delete_service(&house.administrator, service.service);
    block_on(delete).unwrap();
    let refused = CheckError::Refused(Refusal::AccountDisabled);
    assert_eq!(house.authority.check(asking, &[]).unwrap_err(), refused);
}

#[test]
fn an_answer_names_the_actor_whose_stamp_edits_bear() {
    // R54, R55, R59.
    let house = House::new();
    let (ana, robot) = (house.user("ana"), house.server("robot"));
    let actor = |caller: &Caller| {
        let asking = Asking {
            caller,
            subject: None,
            at_least: None,
        };
        house.authority.check(asking, &[]).unwrap().actor
    };
    assert_eq!(actor(&ana.caller), Some(ana.id.into()));
    assert_eq!(actor(&robot.caller), Some(robot.id.into()));
    assert_eq!(actor(&Caller::Anonymous), Some(UserId::ANONYMOUS.into()));
    assert_eq!(actor(&house.layer_data), None);
}
