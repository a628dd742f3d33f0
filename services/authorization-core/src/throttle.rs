//! Brute force: who has failed to prove who it is has to wait, the longer the oftener it failed.
//!
//! Failures are counted for an account at one network, for an account as a whole, and for a network as a whole, by the
//! name as it was typed, whether an account bears it or not. While a wait lasts nothing is verified, so that guesses
//! tell nothing. Counts are forgiven with time. Who has signed in from a network before is held up there by its own
//! failures alone: neither a stranger who guesses at its name nor a neighbour who guesses at others locks it out.

mod bounded;

use std::{
    hash::Hash,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jmap_domain::{Name, ServiceId};

use crate::{Authority, Refusal, ports::Platform, secret::SecretHash};
use bounded::Bounded;

/// Where a call comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origin(Option<IpAddr>);

impl Origin {
    /// A caller at an address; those without one count as one network.
    #[must_use]
    pub fn at(address: Option<IpAddr>) -> Self {
        Self(address)
    }

    /// The network: an IPv4 address, or the 64 bits of an IPv6 address that one customer gets.
    fn network(self) -> Network {
        Network(match self.0.map(|address| address.to_canonical()) {
            None => 0,
            Some(IpAddr::V4(address)) => address.to_ipv6_mapped().to_bits(),
            Some(IpAddr::V6(address)) => address.to_bits() & !u128::from(u64::MAX),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Network(u128);

/// Whom an attempt claims to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claimed {
    /// The user of a name, by the hash of the name's key: names are long, and many.
    User(SecretHash),
    /// A service. Its key cannot be guessed, so only whoever tries is slowed, and never the service elsewhere.
    Service(ServiceId),
    /// Nobody, until the proof is verified.
    Nobody,
}

impl Claimed {
    /// The user of a name, whether there is one or not.
    pub(crate) fn user(name: &Name) -> Self {
        Self::User(SecretHash::of(name.key().as_bytes()))
    }
}

/// An attempt to prove who one is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) claimed: Claimed,
    pub(crate) from: Origin,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Right,
    Wrong,
    /// Nothing was verified, or something else was in the way.
    Open,
}

/// How failures are counted.
#[derive(Debug)]
struct Measure {
    /// Failures that cost nothing.
    free: u32,
    /// The longest wait; the first one is a second, and each further failure doubles it.
    longest: Duration,
    /// After so long without a failure, one is forgiven.
    forgiven_every: Duration,
}

const PAIR: Measure = Measure {
    free: 5,
    longest: Duration::from_mins(15),
    forgiven_every: Duration::from_mins(5),
};
/// Many networks guess at one name: each wait is short, because the account's owner may wait as well.
const ACCOUNT: Measure = Measure {
    free: 20,
    longest: Duration::from_secs(30),
    forgiven_every: Duration::from_mins(1),
};
/// Many people may share an address, and mistype.
const NETWORK: Measure = Measure {
    free: 50,
    longest: Duration::from_mins(5),
    forgiven_every: Duration::from_mins(1),
};

impl Measure {
    fn wait_after(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX);
        Duration::from_secs(seconds).min(self.longest)
    }

    /// More failures than these make no wait longer, and would only take longer to be forgiven.
    fn most(&self) -> u32 {
        let doublings = self.longest.as_secs().max(1).ilog2().saturating_add(1);
        self.free.saturating_add(doublings)
    }
}

/// The failures of one key.
#[derive(Clone, Copy, Debug, Default)]
struct Failures {
    count: u32,
    last: Duration,
}

impl Failures {
    fn left(self, measure: &Measure, now: Duration) -> u32 {
        let passed = now.saturating_sub(self.last).as_secs() / measure.forgiven_every.as_secs();
        let forgiven = u32::try_from(passed).unwrap_or(u32::MAX);
        self.count.saturating_sub(forgiven)
    }
}

/// Failures by key.
#[derive(Debug)]
struct Track<K> {
    measure: &'static Measure,
    failures: Bounded<K, Failures>,
}

impl<K: Copy + Eq + Hash> Track<K> {
    fn new(measure: &'static Measure) -> Self {
        Self {
            measure,
            failures: Bounded::default(),
        }
    }

    /// How long the next attempt has to wait.
    fn wait(&self, key: K, now: Duration) -> Duration {
        let Failures { count, last } = self.failures.get(&key).unwrap_or_default();
        let not_before = last.saturating_add(self.measure.wait_after(count));
        not_before.saturating_sub(now)
    }

    /// Lets one attempt pass and counts it as a failure at once: many at the same time are worth no more than one after
    /// the other, and one whose caller goes away before its end has failed.
    fn pass(&mut self, key: K, now: Duration) {
        let held = self.failures.get(&key).unwrap_or_default();
        let count = held.left(self.measure, now).saturating_add(1);
        self.put(key, now, count.min(self.measure.most()));
    }

    /// Takes back the failure that an attempt was counted as. The failures of others go on counting.
    fn take_back(&mut self, key: K, now: Duration) {
        let held = self.failures.get(&key).unwrap_or_default();
        match held.count.saturating_sub(1) {
            0 => self.failures.forget(&key),
            count => self.put(key, now, count),
        }
    }

    fn put(&mut self, key: K, now: Duration, count: u32) {
        self.failures.put(key, now, Failures { count, last: now });
    }
}

/// What has failed lately. In memory: a restart forgives everything, and takes longer than the first waits.
#[derive(Debug)]
pub(crate) struct Throttle(Mutex<Tracks>);

#[derive(Debug)]
struct Tracks {
    pairs: Track<(Claimed, Network)>,
    accounts: Track<Claimed>,
    networks: Track<Network>,
    /// Who has signed in from where.
    known: Bounded<(Claimed, Network), ()>,
}

/// What an attempt is held up by.
#[derive(Clone, Copy, Debug)]
struct Passage {
    pair: Option<(Claimed, Network)>,
    account: Option<Claimed>,
    network: Option<Network>,
}

impl Default for Throttle {
    fn default() -> Self {
        Self(Mutex::new(Tracks {
            pairs: Track::new(&PAIR),
            accounts: Track::new(&ACCOUNT),
            networks: Track::new(&NETWORK),
            known: Bounded::default(),
        }))
    }
}

impl Throttle {
    fn lock(&self) -> MutexGuard<'_, Tracks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tracks {
    fn passage(&self, attempt: Attempt) -> Passage {
        let Attempt { claimed, from } = attempt;
        let network = from.network();
        let is_known = self.known.get(&(claimed, network)).is_some();
        let account = matches!(claimed, Claimed::User(_)) && !is_known;
        Passage {
            pair: (claimed != Claimed::Nobody).then_some((claimed, network)),
            account: account.then_some(claimed),
            network: (!is_known).then_some(network),
        }
    }

    fn begin(&mut self, attempt: Attempt, now: Duration) -> Result<Passage, Refusal> {
        let passage = self.passage(attempt);
        let Passage {
            pair,
            account,
            network,
        } = passage;
        let waits = [
            pair.map(|key| self.pairs.wait(key, now)),
            account.map(|key| self.accounts.wait(key, now)),
            network.map(|key| self.networks.wait(key, now)),
        ];
        let wait = waits.into_iter().flatten().max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(Refusal::TooManyAttempts { wait });
        }
        if let Some(key) = pair {
            self.pairs.pass(key, now);
        }
        if let Some(key) = account {
            self.accounts.pass(key, now);
        }
        if let Some(key) = network {
            self.networks.pass(key, now);
        }
        Ok(passage)
    }

    fn end(&mut self, passage: Passage, now: Duration, outcome: Outcome) {
        let Passage {
            pair,
            account,
            network,
        } = passage;
        match (pair, outcome) {
            (_, Outcome::Wrong) => return,
            (Some(key), Outcome::Right) => {
                self.pairs.failures.forget(&key);
                self.known.put(key, now, ());
            }
            (Some(key), Outcome::Open) => self.pairs.take_back(key, now),
            (None, Outcome::Right | Outcome::Open) => {}
        }
        if let Some(key) = account {
            self.accounts.take_back(key, now);
        }
        if let Some(key) = network {
            self.networks.take_back(key, now);
        }
    }
}

impl<S, P: Platform> Authority<S, P> {
    /// Verifies a proof of who somebody is, unless too many have failed there before.
    pub(crate) async fn slowed<T, E: From<Refusal>>(
        &self,
        attempt: Attempt,
        is_wrong: fn(&E) -> bool,
        proof: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        let now = self.platform.elapsed();
        let passage = self.throttle.lock().begin(attempt, now)?;
        let result = proof.await;
        let outcome = match &result {
            Ok(_) => Outcome::Right,
            Err(error) if is_wrong(error) => Outcome::Wrong,
            Err(_) => Outcome::Open,
        };
        let now = self.platform.elapsed();
        self.throttle.lock().end(passage, now, outcome);
        result
    }
}
