//! Sign-in, refresh, sign-out, closing (R117, R118).

use std::pin::pin;

use authorization_core::{
    Origin, Refusal, Resource, Settings, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, PolicyChange},
    directory::{DirectoryError, UserUpdate},
    model::AccountState,
    ports::PolicyStore as _,
    secret::{NewPassword, PasswordError, PasswordHash, SecretChange},
    sessions::{Credentials, Holder, SignInError},
};
use futures::{executor::block_on, poll};
use jmap_domain::{
    Caller, Decision, DenyReason, GlobalPermission, ProjectAct, Question, SessionKind, UserId,
};
use secrecy::SecretString;

use crate::house::{House, PASSWORD, caller, name, password};

fn credentials(who: &str, password: &str) -> Credentials {
    Credentials::Password {
        name: name(who),
        password: password.to_owned().into(),
    }
}

fn disabled() -> UserUpdate {
    UserUpdate {
        expected: None,
        display_name: None,
        state: Some(AccountState::Disabled),
    }
}

fn create_projects() -> Question {
    Question::Global(GlobalPermission::CreateProjects)
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let house = House::new();
    house.user("ana");
    for (who, password) in [
        ("ana", "wrong horse"),
        ("eve", PASSWORD),
        ("anonymous", PASSWORD),
    ] {
        let signed_in = block_on(
            house
                .authority
                .sign_in(&credentials(who, password), Origin::default()),
        );
        assert_eq!(
            signed_in.unwrap_err(),
            SignInError::WrongCredentials,
            "{who}"
        );
    }
    let garbage = Credentials::ServiceKey("c2VydmljZQ".to_owned().into());
    let signed_in = block_on(house.authority.sign_in(&garbage, Origin::default()));
    assert_eq!(signed_in.unwrap_err(), SignInError::WrongCredentials);
}

#[test]
fn nobody_signs_in_as_anonymous_whatever_is_stored() {
    // R118.
    let house = House::new();
    let new = password();
    let set = house
        .authority
        .set_password(&house.administrator, UserId::ANONYMOUS, &new);
    assert_eq!(block_on(set), Err(DirectoryError::NoPasswordAllowed));
    let snapshot = house.authority.snapshot();
    let hash = PasswordHash(PASSWORD.to_owned().into());
    let stored = ChangeSet {
        revision: snapshot.revision().next(),
        at: Timestamp::from_millis(0),
        by: Author::System,
        changes: vec![PolicyChange::PasswordSet(UserId::ANONYMOUS)],
        marks: snapshot.marks(),
        note: ChangeNote::default(),
        secrets: vec![SecretChange::Password {
            user: UserId::ANONYMOUS,
            hash,
        }],
    };
    block_on(house.store.commit(&stored)).unwrap();
    let signed_in = block_on(
        house
            .restarted()
            .sign_in(&credentials("anonymous", PASSWORD), Origin::default()),
    );
    assert_eq!(signed_in.unwrap_err(), SignInError::WrongCredentials);
}

#[test]
fn an_account_opens_sessions_of_its_own_kind_only() {
    // R100.
    let house = House::new();
    for (person, kind) in [
        (house.user("ana"), SessionKind::Ordinary),
        (house.server("robot"), SessionKind::Server),
    ] {
        let Caller::Session(session) = person.caller else {
            panic!("a person has a session")
        };
        assert_eq!(session.kind, kind);
        // A token that says otherwise is of no session.
        let other = match kind {
            SessionKind::Ordinary => SessionKind::Server,
            SessionKind::Server => SessionKind::Ordinary,
        };
        let forged = Caller::Session(jmap_domain::SessionCaller {
            kind: other,
            ..session
        });
        let refused = house.authority.own_globals(&forged);
        assert_eq!(refused.unwrap_err(), Refusal::SessionClosed);
    }
}

#[test]
fn signing_out_ends_the_session_with_the_next_call() {
    // R117.
    let house = House::new();
    let ana = house.user("ana");
    let other = caller(&house.sign_in("ana"));
    block_on(house.authority.sign_out(&ana.caller)).unwrap();
    assert_eq!(
        house.authority.own_globals(&ana.caller).unwrap_err(),
        Refusal::SessionClosed
    );
    house.authority.own_globals(&other).unwrap();
    // A service that asks about the session hears the same, as an answer.
    let answer = house.ask_about(&ana.caller, create_projects()).unwrap();
    assert_eq!(answer.value, [Decision::Denied(DenyReason::SessionClosed)]);
    assert_eq!(
        house.restarted().own_globals(&ana.caller).unwrap_err(),
        Refusal::SessionClosed
    );
}

#[test]
fn an_administrator_closes_anybodys_session_and_others_only_their_own() {
    // R15, R117.
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let Caller::Session(session) = ana.caller else {
        panic!("a person has a session")
    };
    let close = |caller| block_on(house.authority.close_session(caller, session.session));
    let absent = Refusal::NotFound(Resource::Session(session.session));
    assert_eq!(close(&ben.caller), Err(absent));
    assert_eq!(
        house
            .authority
            .sessions_of(&ana.caller, Holder::User(ana.id))
            .unwrap()
            .len(),
        1
    );
    assert!(
        house
            .authority
            .sessions_of(&ben.caller, Holder::User(ana.id))
            .is_err()
    );
    close(&house.administrator).unwrap();
    assert_eq!(
        house.authority.own_globals(&ana.caller).unwrap_err(),
        Refusal::SessionClosed
    );
    assert!(
        house
            .authority
            .sessions_of(&house.administrator, Holder::User(ana.id))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_session_ends_when_it_is_not_refreshed() {
    // R117.
    let house = House::new();
    let ana = house.user("ana");
    house.platform.advance(Settings::default().idle_session);
    assert_eq!(
        house.authority.own_globals(&ana.caller).unwrap_err(),
        Refusal::SessionExpired
    );
    block_on(house.authority.forget_expired_sessions()).unwrap();
    assert_eq!(
        house.authority.own_globals(&ana.caller).unwrap_err(),
        Refusal::SessionClosed
    );
}

#[test]
fn disabling_and_deleting_an_account_end_its_sessions_with_the_next_call() {
    // R9, R10, R117.
    let house = House::new();
    let (ana, ben) = (house.user("ana"), house.user("ben"));
    let admin = &house.administrator;
    block_on(house.authority.update_user(admin, ana.id, disabled())).unwrap();
    block_on(house.authority.delete_user(admin, ben.id)).unwrap();
    for person in [ana, ben] {
        let refused = house.authority.own_globals(&person.caller);
        assert_eq!(refused.unwrap_err(), Refusal::AccountDisabled);
        let answer = house.ask_about(&person.caller, create_projects()).unwrap();
        assert_eq!(
            answer.value,
            [Decision::Denied(DenyReason::AccountDisabled)]
        );
    }
    let right = block_on(
        house
            .authority
            .sign_in(&credentials("ana", PASSWORD), Origin::default()),
    );
    assert_eq!(right.unwrap_err(), Refusal::AccountDisabled.into());
    let wrong = block_on(
        house
            .authority
            .sign_in(&credentials("ana", "wrong horse"), Origin::default()),
    );
    assert_eq!(wrong.unwrap_err(), SignInError::WrongCredentials);
}

#[test]
fn a_refresh_token_works_once_and_its_return_closes_the_session() {
    // R117.
    let house = House::new();
    house.user("ana");
    let first = house.sign_in("ana");
    let refresh = |token: &SecretString| block_on(house.authority.refresh(token));
    let second = refresh(first.refresh_token.as_ref().unwrap()).unwrap();
    assert_eq!(second.session.id, first.session.id);
    let third = refresh(second.refresh_token.as_ref().unwrap()).unwrap();
    let stolen = refresh(first.refresh_token.as_ref().unwrap());
    assert_eq!(stolen.unwrap_err(), SignInError::RefreshReused);
    let owner = refresh(third.refresh_token.as_ref().unwrap());
    assert_eq!(owner.unwrap_err(), Refusal::SessionClosed.into());
    let refused = house.authority.own_globals(&caller(&first));
    assert_eq!(refused.unwrap_err(), Refusal::SessionClosed);
}

#[test]
fn a_made_up_refresh_token_closes_nobodys_session() {
    let house = House::new();
    let ana = house.user("ana");
    let token = house.sign_in("ana").refresh_token.unwrap();
    let mut text = secrecy::ExposeSecret::expose_secret(&token).to_owned();
    // The part that all tokens of the session share begins after the session's id.
    text.replace_range(12..16, "AAAA");
    let refreshed = block_on(house.authority.refresh(&text.into()));
    assert_eq!(refreshed.unwrap_err(), SignInError::WrongCredentials);
    let garbage = block_on(house.authority.refresh(&"garbage".to_owned().into()));
    assert_eq!(garbage.unwrap_err(), SignInError::WrongCredentials);
    house.authority.own_globals(&ana.caller).unwrap();
    block_on(house.authority.refresh(&token)).unwrap();
}

#[test]
fn a_refreshed_session_survives_a_restart() {
    let house = House::new();
    house.user("ana");
    let first = house.sign_in("ana");
    house.platform.advance(Settings::default().access_token);
    let second = block_on(house.authority.refresh(&first.refresh_token.unwrap())).unwrap();
    assert!(second.access_expires_at > first.access_expires_at);
    let restarted = house.restarted();
    block_on(restarted.refresh(&second.refresh_token.unwrap())).unwrap();
    let next =
        block_on(restarted.sign_in(&credentials("ana", PASSWORD), Origin::default())).unwrap();
    assert!(next.session.id > second.session.id);
}

#[test]
fn no_token_is_the_anonymous_account() {
    // R118, R21.
    let house = House::new();
    let project = house.project("town");
    house.grant_project(project, UserId::ANONYMOUS, &[ProjectAct::Open]);
    let open = Question::Project(project, ProjectAct::Open);
    assert_eq!(house.may(&Caller::Anonymous, open), Decision::All);
    let signed_out = block_on(house.authority.sign_out(&Caller::Anonymous));
    assert_eq!(signed_out.unwrap_err(), Refusal::NotSignedIn);
}

#[test]
fn changing_ones_password_needs_the_current_one_and_closes_other_sessions() {
    let house = House::new();
    let ana = house.user("ana");
    let other = caller(&house.sign_in("ana"));
    let new = NewPassword::parse("battery staple".to_owned().into()).unwrap();
    let change = |current: &str| {
        let current = current.to_owned().into();
        block_on(house.authority.change_own_password(
            &ana.caller,
            &current,
            &new,
            Origin::default(),
        ))
    };
    assert_eq!(change("wrong horse"), Err(DirectoryError::WrongPassword));
    change(PASSWORD).unwrap();
    house.authority.own_globals(&ana.caller).unwrap();
    assert_eq!(
        house.authority.own_globals(&other).unwrap_err(),
        Refusal::SessionClosed
    );
    assert!(
        block_on(
            house
                .authority
                .sign_in(&credentials("ana", PASSWORD), Origin::default())
        )
        .is_err()
    );
    block_on(
        house
            .authority
            .sign_in(&credentials("ana", "battery staple"), Origin::default()),
    )
    .unwrap();
}

#[test]
fn a_password_that_is_replaced_while_it_is_verified_opens_no_session() {
    // R117.
    let house = House::new();
    let ana = house.user("ana");
    let credentials = credentials("ana", PASSWORD);
    let mut signing_in = pin!(house.authority.sign_in(&credentials, Origin::default()));
    let new = NewPassword::parse("another horse".to_owned().into()).unwrap();
    let signed_in = block_on(async {
        assert!(poll!(signing_in.as_mut()).is_pending());
        let set = house
            .authority
            .set_password(&house.administrator, ana.id, &new);
        set.await.unwrap();
        signing_in.await
    });
    assert_eq!(signed_in.unwrap_err(), SignInError::WrongCredentials);
    let open = house
        .authority
        .sessions_of(&house.administrator, Holder::User(ana.id))
        .unwrap();
    assert_eq!(open, []);
}

#[test]
fn a_password_that_is_replaced_while_it_is_verified_sets_no_other() {
    // R117.
    let house = House::new();
    let ana = house.user("ana");
    let (stolen, current) = (password(), SecretString::from(PASSWORD));
    let new = NewPassword::parse("another horse".to_owned().into()).unwrap();
    let authority = &house.authority;
    let mut changing =
        pin!(authority.change_own_password(&ana.caller, &current, &stolen, Origin::default()));
    let changed = block_on(async {
        assert!(poll!(changing.as_mut()).is_pending());
        authority
            .change_own_password(&ana.caller, &current, &new, Origin::default())
            .await
            .unwrap();
        changing.await
    });
    assert_eq!(changed, Err(DirectoryError::WrongPassword));
    let by_new = credentials("ana", "another horse");
    block_on(authority.sign_in(&by_new, Origin::default())).unwrap();
}

#[test]
fn passwords_are_neither_blank_nor_short_nor_endless() {
    let parse = |text: &str| NewPassword::parse(text.to_owned().into()).err();
    assert_eq!(parse(""), Some(PasswordError::TooShort));
    assert_eq!(parse("           "), Some(PasswordError::TooShort));
    assert_eq!(parse("7 bytes"), Some(PasswordError::TooShort));
    assert_eq!(parse(&"x".repeat(1025)), Some(PasswordError::TooLong));
    assert_eq!(parse("8 bytes!"), None);
}

#[test]
fn secrets_are_not_printed() {
    // R120.
    let house = House::new();
    house.user("ana");
    let signed_in = house.sign_in("ana");
    let token = signed_in.refresh_token.clone().unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&token).to_owned();
    let printed = format!("{signed_in:?} {:?}", credentials("ana", PASSWORD));
    assert!(!printed.contains(&token) && !printed.contains(PASSWORD));
    assert!(printed.contains("SecretHash(..)"));
}
