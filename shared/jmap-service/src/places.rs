//! The places of watchers: a part of all calls, so that who only waits keeps nobody from working.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use jmap_domain::{Caller, UserId};

/// Of all calls, one in so many may watch; of these, as many of one account.
const PART: usize = 4;

/// Who watches, and how often.
#[derive(Debug)]
pub struct WatchPlaces {
    most: usize,
    most_each: usize,
    taken: Mutex<BTreeMap<i64, usize>>,
}

impl WatchPlaces {
    /// The places for watchers where so many calls run at the same time.
    #[must_use]
    pub fn of(max_concurrent_calls: usize) -> Arc<Self> {
        let most = (max_concurrent_calls / PART).max(1);
        Arc::new(Self {
            most,
            most_each: (most / PART).max(1),
            taken: Mutex::default(),
        })
    }

    /// A place, unless all are taken, or all of this account's; everybody without one counts as one.
    #[must_use]
    pub fn take(places: &Arc<Self>, caller: &Caller) -> Option<WatchPlace> {
        let account = account(caller);
        let mut taken = places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= places.most {
            return None;
        }
        let own = taken.entry(account).or_default();
        if *own >= places.most_each {
            return None;
        }
        *own += 1;
        Some(WatchPlace {
            places: Arc::clone(places),
            account,
        })
    }
}

/// Services act for nobody here, and see what anybody sees.
fn account(caller: &Caller) -> i64 {
    match caller {
        Caller::Session(session) => session.user.get(),
        Caller::Anonymous | Caller::Service(_) => UserId::ANONYMOUS.get(),
    }
}

/// A place, until it is dropped.
#[derive(Debug)]
pub struct WatchPlace {
    places: Arc<WatchPlaces>,
    account: i64,
}

impl Drop for WatchPlace {
    fn drop(&mut self) {
        let taken = self.places.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.account) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use jmap_domain::{SessionCaller, SessionId, SessionKind};

    use super::*;

    fn user(id: i64) -> Caller {
        Caller::Session(SessionCaller {
            session: SessionId::new(id).unwrap(),
            user: UserId::new(id).unwrap(),
            kind: SessionKind::Ordinary,
        })
    }

    #[test]
    fn nobody_takes_the_places_of_all_and_watchers_take_not_those_of_other_calls() {
        let places = WatchPlaces::of(512);
        let take = |caller: &Caller| WatchPlaces::take(&places, caller);
        let mut held = Vec::new();
        for caller in [Caller::Anonymous, user(11), user(12), user(13)] {
            held.extend(std::iter::from_fn(|| take(&caller)));
            assert_eq!(held.len() % 32, 0, "a quarter of a quarter");
        }
        assert_eq!(held.len(), 128);
        assert!(take(&user(14)).is_none(), "all are taken");
        drop(held.pop());
        assert!(take(&user(14)).is_some());
        drop(held);
        assert!(places.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn there_is_always_a_place() {
        let places = WatchPlaces::of(1);
        let held = WatchPlaces::take(&places, &user(11));
        assert!(held.is_some() && WatchPlaces::take(&places, &user(11)).is_none());
    }
}
