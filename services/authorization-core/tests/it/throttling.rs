//! Brute force on sign-in is slowed, and locks nobody out for good.

use std::{net::IpAddr, time::Duration};

use authorization_core::{
    Origin, Refusal,
    directory::DirectoryError,
    sessions::{Credentials, SignInError},
};
use futures::executor::block_on;
use jmap_domain::ServiceId;

use crate::house::{House, PASSWORD, name, password};

/// Failures of one name from one network that cost nothing.
const FREE: usize = 5;

fn at(address: &str) -> Origin {
    Origin::at(Some(address.parse::<IpAddr>().unwrap()))
}

impl House {
    fn tries(&self, who: &str, password: &str, from: Origin) -> Result<(), SignInError> {
        let credentials = Credentials::Password {
            name: name(who),
            password: password.to_owned().into(),
        };
        block_on(self.authority.sign_in(&credentials, from)).map(|_| ())
    }

    fn guesses(&self, who: &str, times: usize, from: Origin) -> Vec<Result<(), SignInError>> {
        let guess = |_| self.tries(who, "wrong horse", from);
        (0..times).map(guess).collect()
    }
}

fn wait(answer: Result<(), SignInError>) -> Duration {
    match answer {
        Err(SignInError::Refused(Refusal::TooManyAttempts { wait })) => wait,
        other => panic!("not held up: {other:?}"),
    }
}

#[test]
fn guesses_wait_ever_longer_and_a_known_and_an_unknown_name_wait_alike() {
    let house = House::new();
    house.user("ana");
    let mut seen = Vec::new();
    for (who, from) in [("ana", at("192.0.2.1")), ("nobody", at("192.0.2.2"))] {
        let free = house.guesses(who, FREE, from);
        assert!(
            free.iter()
                .all(|one| *one == Err(SignInError::WrongCredentials))
        );
        let mut waits = Vec::new();
        for _ in 0..12 {
            let wait = wait(house.tries(who, "wrong horse", from));
            waits.push(wait.as_secs());
            house.platform.advance(wait);
            let verified = house.tries(who, "wrong horse", from);
            assert_eq!(verified, Err(SignInError::WrongCredentials), "{who}");
        }
        seen.push(waits);
    }
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 512, 512]);
}

#[test]
fn while_a_wait_lasts_not_even_the_right_password_is_told_from_a_wrong_one() {
    let house = House::new();
    house.user("ana");
    let from = at("192.0.2.1");
    house.guesses("ana", FREE, from);
    let wrong = house.tries("ana", "wrong horse", from);
    assert_eq!(house.tries("ana", PASSWORD, from), wrong);
    house.platform.advance(wait(wrong));
    assert_eq!(house.tries("ana", PASSWORD, from), Ok(()));
}

#[test]
fn the_right_password_gets_in_from_elsewhere_while_somebody_guesses() {
    let house = House::new();
    house.user("ana");
    house.guesses("ana", 40, at("192.0.2.1"));
    wait(house.tries("ana", PASSWORD, at("192.0.2.1")));
    assert_eq!(house.tries("ana", PASSWORD, at("198.51.100.7")), Ok(()));
}

#[test]
fn a_name_that_many_networks_guess_at_waits_shortly_and_where_it_signed_in_before_not_at_all() {
    let house = House::new();
    house.user("ana");
    let home = at("198.51.100.7");
    assert_eq!(house.tries("ana", PASSWORD, home), Ok(()));
    let mut longest = Duration::ZERO;
    for host in 1..=200 {
        let from = at(&format!("192.0.2.{host}"));
        if let Err(SignInError::Refused(Refusal::TooManyAttempts { wait })) =
            house.tries("ana", "wrong horse", from)
        {
            longest = longest.max(wait);
            house.platform.advance(wait);
            house.guesses("ana", 1, from);
        }
    }
    assert_eq!(longest, Duration::from_secs(30));
    let elsewhere = wait(house.tries("ana", PASSWORD, at("203.0.113.9")));
    assert_eq!(house.tries("ana", PASSWORD, home), Ok(()));
    house.platform.advance(elsewhere);
    assert_eq!(house.tries("ana", PASSWORD, at("203.0.113.9")), Ok(()));
}

#[test]
fn a_network_that_guesses_at_many_names_waits_whatever_the_name() {
    let house = House::new();
    house.user("ana");
    let from = at("2001:db8::1");
    for number in 0..50 {
        house.guesses(&format!("user {number}"), 1, from);
    }
    // The 64 bits that one customer gets are one network.
    wait(house.tries("ana", PASSWORD, at("2001:db8::2")));
    assert_eq!(house.tries("ana", PASSWORD, at("2001:db8:0:1::1")), Ok(()));
    // An address of either family is the same one.
    let four = house
        .guesses("ben", FREE + 1, at("192.0.2.1"))
        .pop()
        .unwrap();
    wait(four);
    wait(house.tries("ben", PASSWORD, at("::ffff:192.0.2.1")));
}

#[test]
fn failures_are_forgiven_with_time_and_by_a_sign_in() {
    let house = House::new();
    house.user("ana");
    let from = at("192.0.2.1");
    house.guesses("ana", FREE - 1, from);
    assert_eq!(house.tries("ana", PASSWORD, from), Ok(()));
    let again = house.guesses("ana", FREE, from);
    assert!(
        again
            .iter()
            .all(|one| *one == Err(SignInError::WrongCredentials))
    );
    house.platform.advance(Duration::from_hours(2));
    let again = house.guesses("ana", FREE, from);
    assert!(
        again
            .iter()
            .all(|one| *one == Err(SignInError::WrongCredentials))
    );
}

#[test]
fn many_guesses_at_once_are_verified_one_at_a_time_once_the_free_ones_are_used() {
    let house = House::new();
    house.user("ana");
    let from = at("192.0.2.1");
    house.guesses("ana", FREE, from);
    house.platform.advance(Duration::from_secs(1));
    let credentials = Credentials::Password {
        name: name("ana"),
        password: "wrong horse".to_owned().into(),
    };
    let at_once = (0..20).map(|_| house.authority.sign_in(&credentials, from));
    let answers = block_on(futures::future::join_all(at_once));
    let verified = answers
        .iter()
        .filter(|answer| matches!(answer, Err(SignInError::WrongCredentials)));
    assert_eq!(verified.count(), 1);
}

#[test]
fn service_keys_and_the_current_password_are_slowed_as_well() {
    let house = House::new();
    let ana = house.user("ana");
    let from = at("192.0.2.1");
    let wrong = "wrong horse".to_owned().into();
    let change = || {
        let new = password();
        let changed = house
            .authority
            .change_own_password(&ana.caller, &wrong, &new, from);
        block_on(changed)
    };
    for _ in 0..FREE {
        assert_eq!(change(), Err(DirectoryError::WrongPassword));
    }
    let refused = change();
    let held = DirectoryError::Refused(Refusal::TooManyAttempts {
        wait: Duration::from_secs(1),
    });
    assert_eq!(refused, Err(held));

    let (_, key) = block_on(house.authority.create_service(
        &house.administrator,
        name("monitor"),
        jmap_domain::ScopeSet::default(),
    ))
    .unwrap()
    .value;
    let (other, _) = block_on(
        house
            .authority
            .rotate_service_key(&house.administrator, ServiceId::new(2).unwrap()),
    )
    .unwrap()
    .value;
    assert_eq!(other.id.get(), 2);
    let old = Credentials::ServiceKey(key);
    let from = at("192.0.2.3");
    for _ in 0..FREE {
        let refused = block_on(house.authority.sign_in(&old, from)).unwrap_err();
        assert_eq!(refused, SignInError::WrongCredentials);
    }
    wait(block_on(house.authority.sign_in(&old, from)).map(|_| ()));
}
