//! The policy as it was: who may ask, what is told, what is kept.

use std::time::Duration;

use authorization_core::{
    Answer, Asking, CheckError, Refusal, Resource, Timestamp,
    lookup::{FoundSubject, Inquiry, InquiryError, LayersWanted, On, Portion},
    past::{At, Moment, Past},
    ports::{Clock, PolicyStore},
};
use futures::{executor::block_on, future::join_all};
use jmap_domain::{
    Caller, Decision, DenyReason, Epoch, LayerAct, LayerId, Permission, PolicyRevision,
    PolicyToken, ProjectAct, ProjectId, Question, Subject, UserId,
};

use crate::house::{House, Person, name};

/// Shorter than the session of a service.
const LATER: Duration = Duration::from_hours(6);

/// A house where ben could modify a layer last Tuesday, and cannot now.
struct Tuesday {
    house: House,
    project: ProjectId,
    layer: LayerId,
    ben: Person,
    /// When he could.
    noon: Timestamp,
    token: PolicyToken,
}

impl Tuesday {
    fn new() -> Self {
        let house = House::new();
        let (project, ben) = (house.project("Atlas"), house.user("ben"));
        house.grant_project(project, ben, &[ProjectAct::Open]);
        let layer = house.layer(project, "cities");
        house.grant(layer, ben, &[Permission::ModifyElements]);
        let (token, noon) = (house.authority.token(), house.platform.now());
        house.platform.advance(LATER);
        house.revoke(layer, ben, &[Permission::ModifyElements]);
        Self {
            house,
            project,
            layer,
            ben,
            noon,
            token,
        }
    }

    fn modify(&self) -> Question {
        Question::Layer(self.layer, LayerAct::Elements(Permission::ModifyElements))
    }

    fn past(&self, caller: &Caller, at: At) -> Result<Past, CheckError> {
        block_on(self.house.authority.past(caller, at))
    }

    fn noon(&self) -> Past {
        self.past(&self.house.administrator, At::Time(self.noon))
            .unwrap()
    }

    fn check(
        &self,
        caller: &Caller,
        subject: Option<Subject>,
        question: Question,
    ) -> Result<Answer<Vec<Decision>>, CheckError> {
        let asking = asking(caller, subject);
        self.house
            .authority
            .check_past(asking, &self.noon(), &[question])
    }

    fn could(&self, question: Question) -> Result<Vec<FoundSubject>, InquiryError> {
        let past = self.noon();
        let inquiry = Inquiry {
            asking: asking(&self.house.administrator, None),
            on: On::Past(&past),
        };
        let all = Portion {
            after: None,
            limit: 100,
        };
        let found = self.house.authority.lookup_subjects(inquiry, question, all);
        found.map(|answer| answer.value)
    }
}

fn asking(caller: &Caller, subject: Option<Subject>) -> Asking<'_> {
    Asking {
        caller,
        subject,
        at_least: None,
    }
}

const NOT_VISIBLE: Decision = Decision::Denied(DenyReason::NotVisible);

#[test]
fn who_could_edit_last_tuesday_is_told_with_the_revision_and_permits_nothing() {
    // R45: the answer names the state that it was made at. R123: it is no permit.
    let tuesday = Tuesday::new();
    let ben = Subject::User(tuesday.ben.id);
    let then = tuesday.check(&tuesday.house.administrator, Some(ben), tuesday.modify());
    let then = then.unwrap();
    assert_eq!(then.value, [Decision::All]);
    assert_eq!(
        (then.token, then.valid_for),
        (tuesday.token, Duration::ZERO)
    );
    assert_ne!(
        tuesday.house.may(&tuesday.ben.caller, tuesday.modify()),
        Decision::All
    );

    let could = tuesday.could(tuesday.modify()).unwrap();
    let could: Vec<UserId> = could.iter().map(|one| one.user.id).collect();
    assert_eq!(could, [tuesday.ben.id]);
}

#[test]
fn a_token_and_the_time_of_its_change_name_the_same_policy() {
    let tuesday = Tuesday::new();
    let administrator = &tuesday.house.administrator;
    let exactly = tuesday
        .past(administrator, At::Exactly(tuesday.token))
        .unwrap();
    assert_eq!(exactly.policy(), tuesday.noon().policy());
    assert_eq!(exactly.policy().token(), tuesday.token);
    let now = tuesday.past(administrator, At::Exactly(tuesday.house.authority.token()));
    assert_eq!(now.unwrap().policy(), &tuesday.house.authority.snapshot());
}

#[test]
fn one_who_asks_about_itself_learns_nothing_of_what_it_may_not_know_of_now() {
    // R46.
    let tuesday = Tuesday::new();
    let ben = &tuesday.ben.caller;
    let mine = |question| tuesday.check(ben, None, question).unwrap().value;
    assert_eq!(mine(tuesday.modify()), [Decision::All]);
    tuesday
        .house
        .grant_project(tuesday.project, tuesday.ben, &[]);
    assert_eq!(mine(tuesday.modify()), [NOT_VISIBLE]);
    assert_eq!(
        mine(Question::Project(tuesday.project, ProjectAct::Open)),
        [NOT_VISIBLE]
    );

    let absent = Refusal::NotFound(Resource::Layer(tuesday.layer));
    let (authority, past) = (&tuesday.house.authority, tuesday.noon());
    let explained = authority.explain_past(asking(ben, None), &past, tuesday.modify());
    assert_eq!(explained.unwrap_err(), CheckError::Refused(absent));
    let listed = authority.list_chosen_layers_past(asking(ben, None), &past, &[tuesday.layer]);
    assert!(listed.unwrap().value.is_empty());
    let opened = authority.list_layers_past(asking(ben, None), &past, tuesday.project);
    let absent = Refusal::NotFound(Resource::Project(tuesday.project));
    assert_eq!(opened.unwrap_err(), CheckError::Refused(absent));
    let inquiry = Inquiry {
        asking: asking(ben, None),
        on: On::Past(&past),
    };
    let wanted = LayersWanted {
        act: LayerAct::Elements(Permission::View),
        project: None,
    };
    let all = Portion {
        after: None,
        limit: 100,
    };
    assert!(
        authority
            .lookup_layers(inquiry, wanted, all)
            .unwrap()
            .value
            .is_empty()
    );
    let all = Portion {
        after: None,
        limit: 100,
    };
    let held = authority
        .report(inquiry, tuesday.ben.id.into(), all)
        .unwrap();
    assert!(held.value.is_empty(), "{:?}", held.value);
}

#[test]
fn the_right_to_ask_is_the_one_of_now() {
    // R41, R46: who administered then may not ask, who administers now may.
    let tuesday = Tuesday::new();
    let (house, project) = (&tuesday.house, tuesday.project);
    let (before, after) = (house.user("before"), house.user("after"));
    house.grant_project(
        project,
        before,
        &[ProjectAct::Open, ProjectAct::Administrate],
    );
    let noon = house.platform.now();
    house.platform.advance(LATER);
    house.grant_project(project, before, &[ProjectAct::Open]);
    house.grant_project(
        project,
        after,
        &[ProjectAct::Open, ProjectAct::Administrate],
    );
    let past = tuesday.past(&house.administrator, At::Time(noon)).unwrap();
    let explain = |caller: &Caller| {
        let asking = asking(caller, Some(Subject::User(tuesday.ben.id)));
        house
            .authority
            .explain_past(asking, &past, tuesday.modify())
            .map(drop)
    };
    let forbidden = Refusal::Forbidden(Resource::Layer(tuesday.layer));
    assert_eq!(explain(&before.caller), Err(CheckError::Refused(forbidden)));
    assert_eq!(explain(&after.caller), Ok(()));
    // A decision about others without its reasons is for super administrators.
    let about = Some(Subject::User(tuesday.ben.id));
    let forbidden = Refusal::Forbidden(Resource::Installation);
    let checked = house
        .authority
        .check_past(asking(&after.caller, about), &past, &[]);
    assert_eq!(checked.unwrap_err(), CheckError::Refused(forbidden));
}

#[test]
fn services_and_those_who_are_not_signed_in_have_no_questions_about_the_past() {
    // R123: what a service is answered may be acted on, and the past may not.
    let tuesday = Tuesday::new();
    let at = At::Exactly(tuesday.token);
    let forbidden = CheckError::Refused(Refusal::Forbidden(Resource::Installation));
    assert_eq!(
        tuesday.past(&tuesday.house.layer_data, at).unwrap_err(),
        forbidden
    );
    let anonymous = tuesday.past(&Caller::Anonymous, at).unwrap_err();
    assert_eq!(anonymous, CheckError::Refused(Refusal::NotSignedIn));
    // The state of a session is not history.
    let Caller::Session(session) = tuesday.ben.caller else {
        panic!("ben is signed in")
    };
    let about = Some(Subject::Session(session.session));
    let asked = tuesday.check(&tuesday.house.administrator, about, tuesday.modify());
    assert_eq!(asked.unwrap_err(), forbidden);
    let server = tuesday.house.server("partner");
    assert_eq!(tuesday.past(&server.caller, at).unwrap_err(), forbidden);
}

#[test]
fn someone_deleted_since_is_still_told_of_to_super_administrators() {
    // R8, R9: the id is never another's, so the past of the account stays its own.
    let tuesday = Tuesday::new();
    let house = &tuesday.house;
    let delete = house
        .authority
        .delete_user(&house.administrator, tuesday.ben.id);
    block_on(delete).unwrap();
    let about = Some(Subject::User(tuesday.ben.id));
    let then = tuesday.check(&house.administrator, about, tuesday.modify());
    assert_eq!(then.unwrap().value, [Decision::All]);
    assert_eq!(
        tuesday.could(tuesday.modify()).unwrap()[0].user.name,
        name("ben")
    );
}

#[test]
fn a_token_of_another_life_one_not_reached_and_a_time_to_come_are_told_apart() {
    let tuesday = Tuesday::new();
    let administrator = &tuesday.house.administrator;
    let foreign = PolicyToken {
        epoch: Epoch(77),
        ..tuesday.token
    };
    let later = PolicyToken {
        revision: PolicyRevision(9_999),
        ..tuesday.token
    };
    let past = |at| tuesday.past(administrator, at).unwrap_err();
    assert_eq!(past(At::Exactly(foreign)), CheckError::ForeignToken);
    assert_eq!(past(At::Exactly(later)), CheckError::NotReached);
    let tomorrow = tuesday.house.platform.now().after(LATER);
    assert_eq!(past(At::Time(tomorrow)), CheckError::NotYet);
    let first = block_on(tuesday.house.store.history(PolicyRevision(0), 1)).unwrap();
    let beginning = Moment {
        token: PolicyToken {
            revision: PolicyRevision(1),
            ..tuesday.token
        },
        at: first[0].at,
    };
    let before = At::Time(first[0].at.before(LATER));
    assert_eq!(past(before), CheckError::HistoryPruned(beginning));
}

#[test]
fn pruned_history_is_refused_with_the_oldest_that_is_kept_and_the_rest_stays() {
    let tuesday = Tuesday::new();
    let (authority, administrator) = (&tuesday.house.authority, &tuesday.house.administrator);
    let before = PolicyToken {
        revision: PolicyRevision(tuesday.token.revision.0 - 1),
        ..tuesday.token
    };
    // Asked for once, it is kept in memory; pruned, it is gone from there, too.
    tuesday.past(administrator, At::Exactly(before)).unwrap();
    let kept = tuesday.noon();
    block_on(authority.prune_history(LATER / 2)).unwrap();
    let beginning = Moment {
        token: tuesday.token,
        at: tuesday.noon,
    };
    let gone = CheckError::HistoryPruned(beginning);
    assert_eq!(
        tuesday
            .past(administrator, At::Exactly(before))
            .unwrap_err(),
        gone
    );
    let earlier = At::Time(tuesday.noon.before(Duration::from_secs(1)));
    assert_eq!(tuesday.past(administrator, earlier).unwrap_err(), gone);
    assert_eq!(block_on(authority.changes_after(before)).unwrap_err(), gone);

    let again = tuesday.house.restarted();
    let rebuilt = block_on(again.past(administrator, At::Exactly(tuesday.token))).unwrap();
    assert_eq!(rebuilt.policy(), kept.policy());
    let changes = block_on(again.changes_after(tuesday.token)).unwrap();
    assert_eq!(changes.len(), 1);
    // A second time there is nothing to do.
    let base = block_on(tuesday.house.store.history_base()).unwrap();
    block_on(again.prune_history(LATER / 2)).unwrap();
    assert_eq!(block_on(tuesday.house.store.history_base()).unwrap(), base);
}

#[test]
fn the_second_question_about_a_policy_reads_no_history() {
    let tuesday = Tuesday::new();
    tuesday.noon();
    let reads = tuesday.house.store.history_reads();
    let exactly = At::Exactly(tuesday.token);
    tuesday.past(&tuesday.house.administrator, exactly).unwrap();
    // Where history begins is looked up, and nothing else.
    assert_eq!(tuesday.house.store.history_reads(), reads + 1);
}

#[test]
fn more_questions_than_may_wait_are_sent_away() {
    let tuesday = Tuesday::new();
    let ask = || {
        let at = At::Exactly(tuesday.token);
        tuesday
            .house
            .authority
            .past(&tuesday.house.administrator, at)
    };
    tuesday.house.store.pause_history();
    let many = join_all((0..12).map(|_| ask()));
    let resume = async { tuesday.house.store.resume_history() };
    let (answers, ()) = block_on(futures::future::join(many, resume));
    let crowded = |answer: &&Result<Past, CheckError>| matches!(answer, Err(CheckError::Crowded));
    assert_eq!(answers.iter().filter(crowded).count(), 4);
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 8);
    assert!(block_on(ask()).is_ok());
}
