//! Federated sign-in: accounts and memberships that an OpenID provider vouches for (R7, R8, R11, R16).

use std::time::Duration;

use authorization_core::{
    Origin, Refusal, Timestamp,
    directory::UserUpdate,
    federation::{FederationError, GroupRemark, GroupRules, Identified, UnknownGroups},
    model::{AccountState, FederatedId},
    ports::Clock as _,
    secret::SecretHash,
    sessions::{Credentials, SignInError, SignedIn},
};
use futures::executor::block_on;
use jmap_domain::{Caller, GlobalPermission, UserId};

use crate::house::{House, caller, name};

fn rules(unknown: UnknownGroups, default_group: Option<&str>) -> GroupRules {
    GroupRules {
        unknown,
        default_group: default_group.map(name),
    }
}

/// Whom the provider knows as `subject`, with the groups of a token.
fn says(subject: &str, groups: &[&str]) -> Identified {
    Identified {
        identity: FederatedId {
            issuer: "https://login.example".to_owned(),
            subject: subject.to_owned(),
        },
        name: name(subject),
        display_name: None,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        rules: rules(UnknownGroups::Ignored, None),
        token: SecretHash([0; 32]),
        accepted_until: Timestamp::from_millis(i64::MAX),
    }
}

impl House {
    /// Signs in with a fresh token that says so.
    fn federated(&self, identified: Identified) -> Result<SignedIn, SignInError> {
        self.platform.advance(Duration::from_millis(1));
        let token = format!("token {}", self.platform.now().as_millis());
        let identified = Identified {
            token: SecretHash::of(token.as_bytes()),
            ..identified
        };
        self.platform.vouch(&token, identified);
        self.exchange(&token)
    }

    fn exchange(&self, token: &str) -> Result<SignedIn, SignInError> {
        let credentials = Credentials::FederatedToken(token.to_owned().into());
        block_on(self.authority.sign_in(&credentials, Origin::default()))
    }

    /// The names of the groups that a user is in.
    fn groups_of(&self, user: UserId) -> Vec<String> {
        let snapshot = self.authority.snapshot();
        let ids = snapshot.groups_of(user).into_iter().flatten();
        ids.map(|id| snapshot.group(*id).unwrap().name.to_string())
            .collect()
    }
}

fn user_of(signed_in: &SignedIn) -> UserId {
    let Caller::Session(session) = caller(signed_in) else {
        panic!("a person has a session")
    };
    session.user
}

#[test]
fn the_first_sign_in_makes_an_account_and_the_next_finds_it_whatever_it_is_called_meanwhile() {
    // R11, R7.
    let house = House::new();
    let first = house.federated(says("ana", &[])).unwrap();
    let renamed = Identified {
        name: name("another name"),
        ..says("ana", &[])
    };
    let revision = house.authority.snapshot().revision();
    let second = house.federated(renamed).unwrap();
    assert_eq!(user_of(&second), user_of(&first));
    assert_eq!(
        house.authority.snapshot().revision(),
        revision,
        "nothing changed"
    );
    let snapshot = house.authority.snapshot();
    let ana = snapshot.user(user_of(&first)).unwrap();
    assert_eq!((ana.name.as_str(), ana.is_enabled()), ("ana", true));
    let other = Identified {
        name: name("ana of elsewhere"),
        identity: FederatedId {
            issuer: "https://elsewhere.example".to_owned(),
            subject: "ana".to_owned(),
        },
        ..says("ana", &[])
    };
    let other = house.federated(other).unwrap();
    assert_ne!(
        user_of(&other),
        user_of(&first),
        "another issuer's subject is another person"
    );
}

#[test]
fn a_provider_never_takes_over_an_account_that_it_did_not_make() {
    // R8.
    let house = House::new();
    let ana = house.user("ana");
    for taken in ["ana", "ANA", "administrator", "anonymous"] {
        let claims = Identified {
            name: name(taken),
            ..says("7", &[])
        };
        let before = house.authority.snapshot();
        let refused = house.federated(claims).unwrap_err();
        assert_eq!(refused, SignInError::NameTaken(name(taken)));
        assert_eq!(house.authority.snapshot(), before);
    }
    // Local accounts keep working beside it.
    assert_eq!(user_of(&house.sign_in("ana")), ana.id);
}

#[test]
fn a_deleted_account_is_not_revived_by_the_person_who_had_it() {
    // R8.
    let house = House::new();
    let crew = house.group("crew", &[]);
    let first = user_of(&house.federated(says("ana", &["crew"])).unwrap());
    block_on(house.authority.delete_user(&house.administrator, first)).unwrap();
    assert_eq!(house.authority.snapshot().members_of(crew).count(), 0);
    let second = user_of(&house.federated(says("ana", &[])).unwrap());
    assert!(second > first);
    assert_eq!(house.groups_of(second), [""; 0]);
}

#[test]
fn a_disabled_account_does_not_sign_in_and_its_memberships_stay() {
    // R9.
    let house = House::new();
    house.group("crew", &[]);
    let ana = user_of(&house.federated(says("ana", &["crew"])).unwrap());
    let disabled = UserUpdate {
        expected: None,
        display_name: None,
        state: Some(AccountState::Disabled),
    };
    block_on(
        house
            .authority
            .update_user(&house.administrator, ana, disabled),
    )
    .unwrap();
    let refused = house.federated(says("ana", &[])).unwrap_err();
    assert_eq!(refused, SignInError::Refused(Refusal::AccountDisabled));
    assert_eq!(house.groups_of(ana), ["crew"]);
}

#[test]
fn a_token_opens_one_session_also_after_a_restart() {
    let house = House::new();
    house.platform.vouch("once", says("ana", &[]));
    house.exchange("once").unwrap();
    let spent = SignInError::Federation(FederationError::Spent);
    assert_eq!(house.exchange("once").unwrap_err(), spent);
    let credentials = Credentials::FederatedToken("once".to_owned().into());
    let restarted = house.restarted();
    let again = restarted.sign_in(&credentials, Origin::default());
    assert_eq!(block_on(again).unwrap_err(), spent);
    // What the provider would not accept itself need not be remembered.
    let short = Identified {
        token: SecretHash([1; 32]),
        accepted_until: house.platform.now(),
        ..says("ana", &[])
    };
    house.platform.vouch("short", short);
    house.exchange("short").unwrap();
    block_on(house.authority.forget_expired_sessions()).unwrap();
    assert_eq!(house.exchange("short").unwrap_err(), spent);
    house.platform.advance(Duration::from_millis(1));
    block_on(house.authority.forget_expired_sessions()).unwrap();
    house.exchange("short").unwrap();
}

#[test]
fn a_spent_token_gives_no_membership_back() {
    let house = House::new();
    house.group("crew", &[]);
    house.platform.vouch("old", says("ana", &["crew"]));
    let ana = user_of(&house.exchange("old").unwrap());
    house.federated(says("ana", &[])).unwrap();
    house.exchange("old").unwrap_err();
    assert_eq!(house.groups_of(ana), [""; 0]);
}

#[test]
fn groups_are_matched_by_their_exact_names() {
    // R11: one that differs only in case is refused, and told.
    let house = House::new();
    for group in ["crew", "Field Team"] {
        house.group(group, &[]);
    }
    let long = "x".repeat(201);
    let claimed = [
        "crew",
        "field team",
        "nobody's",
        "everyone",
        "Authenticated",
        " crew",
        &long,
    ];
    let signed_in = house.federated(says("ana", &claimed)).unwrap();
    assert_eq!(house.groups_of(user_of(&signed_in)), ["crew"]);
    let owned = str::to_owned;
    let differs = GroupRemark::DiffersInCase {
        claimed: owned("field team"),
        known: name("Field Team"),
    };
    let remarks = [
        differs,
        GroupRemark::Unknown(owned("nobody's")),
        GroupRemark::Special(owned("everyone")),
        GroupRemark::Special(owned("Authenticated")),
        GroupRemark::NotAName(owned(" crew")),
        GroupRemark::NotAName(long),
    ];
    assert_eq!(signed_in.remarks, remarks);
}

#[test]
fn unknown_groups_are_made_where_the_configuration_says_so() {
    // R11.
    let house = House::new();
    let claims = Identified {
        rules: rules(UnknownGroups::Created, None),
        ..says("ana", &["surveyors", "Surveyors", "crew"])
    };
    let signed_in = house.federated(claims).unwrap();
    assert_eq!(house.groups_of(user_of(&signed_in)), ["surveyors", "crew"]);
    assert!(matches!(
        signed_in.remarks.as_slice(),
        [GroupRemark::DiffersInCase { claimed, .. }] if claimed == "Surveyors"
    ));
}

#[test]
fn who_has_no_group_joins_the_default_group_and_leaves_it_for_another() {
    // R11.
    let house = House::new();
    house.group("crew", &[]);
    let says = |groups: &[&str]| Identified {
        rules: rules(UnknownGroups::Ignored, Some("guests")),
        ..says("ana", groups)
    };
    let ana = user_of(&house.federated(says(&["nobody's"])).unwrap());
    assert_eq!(house.groups_of(ana), ["guests"]);
    house.federated(says(&["crew"])).unwrap();
    assert_eq!(house.groups_of(ana), ["crew"]);
    house.federated(says(&[])).unwrap();
    assert_eq!(house.groups_of(ana), ["guests"]);
}

#[test]
fn each_sign_in_takes_what_the_provider_gave_and_leaves_what_an_administrator_gave() {
    // R11, R10.
    let house = House::new();
    let (crew, ops) = (house.group("crew", &[]), house.group("ops", &[]));
    let ana = user_of(&house.federated(says("ana", &["crew"])).unwrap());
    house.join(ops, ana).unwrap();
    // A membership that was there before stays an administrator's, though the provider names it as well.
    house.federated(says("ana", &["crew", "ops"])).unwrap();
    house.federated(says("ana", &[])).unwrap();
    assert_eq!(house.groups_of(ana), ["ops"]);
    let snapshot = house.authority.snapshot();
    assert!(!snapshot.is_federated(ops, ana) && !snapshot.is_federated(crew, ana));
}

#[test]
fn a_provider_cannot_lock_the_installation() {
    // R16: the membership without which nobody administers is kept until somebody else can.
    let house = House::new();
    let admins = house.group("admins", &[]);
    let ana = user_of(&house.federated(says("ana", &["admins"])).unwrap());
    let all = [GlobalPermission::SuperAdministrator];
    house.set_globals(admins, &all).unwrap();
    house.disable(UserId::ADMINISTRATOR);
    let signed_in = house.federated(says("ana", &[])).unwrap();
    assert_eq!(signed_in.remarks, [GroupRemark::LastHolder(name("admins"))]);
    assert_eq!(house.groups_of(ana), ["admins"]);
    let ben = user_of(&house.federated(says("ben", &["admins"])).unwrap());
    let signed_in = house.federated(says("ana", &[])).unwrap();
    assert!(signed_in.remarks.is_empty() && house.groups_of(ana).is_empty());
    assert_eq!(house.groups_of(ben), ["admins"]);
}
