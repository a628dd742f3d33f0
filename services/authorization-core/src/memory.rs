//! A store and a platform that live in memory, for tests: time stands still unless moved, chance is a counter.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    task::Poll,
    time::Duration,
};

use jmap_domain::{Epoch, PolicyRevision, ServiceId, SessionId, UserId};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    Claims, Snapshot, Timestamp,
    change::{ChangeSet, StoredPolicy},
    federation::{FederationError, Identified},
    model::Session,
    ports::{
        Clock, CryptoError, Entropy, IdentityProvider, PasswordHasher, PolicyStore, StoreError,
        TokenSigner,
    },
    secret::{PasswordHash, SecretChange, SecretHash, SigningKey},
};

/// A policy store in memory. Clones share what is stored, so that a test can restart an authority on it.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Mutex<Stored>>);

#[derive(Debug)]
struct Stored {
    policy: Snapshot,
    history: Vec<ChangeSet>,
    passwords: BTreeMap<UserId, PasswordHash>,
    service_keys: BTreeMap<ServiceId, SecretHash>,
    sessions: BTreeMap<SessionId, Session>,
    last_session: i64,
    spent_tokens: BTreeMap<SecretHash, Timestamp>,
    signing_keys: Vec<SigningKey>,
    failure: Option<(Failure, StoreError)>,
    is_lost: bool,
    refuses_sessions: bool,
}

/// When a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Before anything was written.
    BeforeWriting,
    /// After everything was written, so that nobody hears of it.
    AfterWriting,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Stored {
            policy: Snapshot::empty(Epoch(1)),
            history: Vec::new(),
            passwords: BTreeMap::new(),
            service_keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_session: 0,
            spent_tokens: BTreeMap::new(),
            signing_keys: Vec::new(),
            failure: None,
            is_lost: false,
            refuses_sessions: false,
        })))
    }
}

impl MemoryStore {
    /// Lets the next commit fail.
    pub fn fail_next(&self, when: Failure, error: StoreError) {
        self.lock().failure = Some((when, error));
    }

    /// Lets the process lose its hold on the store, until [`Self::hold_again`].
    pub fn lose(&self) {
        self.lock().is_lost = true;
    }

    /// Lets the process hold the store again.
    pub fn hold_again(&self) {
        self.lock().is_lost = false;
    }

    /// Lets writing sessions fail, until [`Self::accept_sessions`].
    pub fn refuse_sessions(&self) {
        self.lock().refuses_sessions = true;
    }

    /// Lets writing sessions work again.
    pub fn accept_sessions(&self) {
        self.lock().refuses_sessions = false;
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stored {
    fn commit(&mut self, set: &ChangeSet) -> Result<(), StoreError> {
        if set.revision != self.policy.revision().next() {
            return Err(StoreError::Conflict);
        }
        self.policy = self.policy.apply(set);
        for secret in &set.secrets {
            match secret {
                SecretChange::Password { user, hash } => {
                    self.passwords.insert(*user, hash.clone());
                }
                SecretChange::ServiceKey { service, hash } => {
                    self.service_keys.insert(*service, *hash);
                }
            }
        }
        self.history.push(ChangeSet {
            secrets: Vec::new(),
            ..set.clone()
        });
        Ok(())
    }
}

impl PolicyStore for MemoryStore {
    fn is_held(&self) -> bool {
        !self.lock().is_lost
    }

    async fn load(&self) -> Result<StoredPolicy, StoreError> {
        let stored = self.lock();
        Ok(StoredPolicy {
            epoch: stored.policy.token().epoch,
            revision: stored.policy.revision(),
            marks: stored.policy.marks(),
            records: stored.policy.records(),
            sessions: stored.sessions.values().cloned().collect(),
            last_session: stored.last_session,
        })
    }

    async fn commit(&self, set: &ChangeSet) -> Result<(), StoreError> {
        let mut stored = self.lock();
        match stored.failure.take() {
            None => stored.commit(set),
            Some((Failure::BeforeWriting, error)) => Err(error),
            Some((Failure::AfterWriting, error)) => stored.commit(set).and(Err(error)),
        }
    }

    async fn history(
        &self,
        after: PolicyRevision,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        let stored = self.lock();
        Ok(stored
            .history
            .iter()
            .filter(|set| set.revision > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.lock().passwords.get(&user).cloned())
    }

    async fn service_key(&self, service: ServiceId) -> Result<Option<SecretHash>, StoreError> {
        Ok(self.lock().service_keys.get(&service).copied())
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        let mut stored = self.lock();
        if stored.refuses_sessions {
            return Err(StoreError::Unavailable);
        }
        stored.last_session = stored.last_session.max(session.id.get());
        stored.sessions.insert(session.id, session.clone());
        Ok(())
    }

    async fn forget_sessions(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        self.lock()
            .sessions
            .retain(|_, session| session.expires_at > expired_before);
        Ok(())
    }

    async fn spend_token(&self, token: SecretHash, until: Timestamp) -> Result<bool, StoreError> {
        Ok(self.lock().spent_tokens.insert(token, until).is_none())
    }

    async fn forget_tokens(&self, kept_until_before: Timestamp) -> Result<(), StoreError> {
        self.lock()
            .spent_tokens
            .retain(|_, until| *until >= kept_until_before);
        Ok(())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        Ok(self.lock().signing_keys.iter().rev().cloned().collect())
    }

    async fn add_signing_key(&self, key: &SigningKey) -> Result<(), StoreError> {
        self.lock().signing_keys.push(key.clone());
        Ok(())
    }
}

/// Everything else in memory. Clones share the clock. Nothing here is secret.
#[derive(Clone, Debug, Default)]
pub struct MemoryPlatform(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    millis: AtomicI64,
    slept_millis: AtomicU64,
    random: AtomicU64,
    identities: Mutex<BTreeMap<String, Identified>>,
}

impl MemoryPlatform {
    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Makes a token one of an OpenID provider, which says that; the others are not trusted.
    pub fn vouch(&self, token: &str, identified: Identified) {
        let mut known = self
            .0
            .identities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.insert(token.to_owned(), identified);
    }

    /// How long was slept in all; sleeping moves the clock on at once.
    #[must_use]
    pub fn slept(&self) -> Duration {
        Duration::from_millis(self.0.slept_millis.load(Ordering::SeqCst))
    }
}

impl Clock for MemoryPlatform {
    fn now(&self) -> Timestamp {
        // Some day in 2026, so that a forgotten time is seen.
        Timestamp::from_millis(1_780_000_000_000 + self.0.millis.load(Ordering::SeqCst))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.0.millis.load(Ordering::SeqCst).unsigned_abs())
    }

    async fn sleep(&self, wait: Duration) {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.0.slept_millis.fetch_add(millis, Ordering::SeqCst);
        self.advance(wait);
    }
}

impl Entropy for MemoryPlatform {
    fn random(&self) -> [u8; 32] {
        SecretHash::of(&self.0.random.fetch_add(1, Ordering::SeqCst).to_be_bytes()).0
    }
}

impl PasswordHasher for MemoryPlatform {
    async fn hash(&self, password: &SecretString) -> Result<PasswordHash, CryptoError> {
        Ok(PasswordHash(password.clone()))
    }

    async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, CryptoError> {
        a_moment().await;
        Ok(hash.is_some_and(|hash| hash.0.expose_secret() == password.expose_secret()))
    }
}

/// Lets others run once, as verifying a password does.
async fn a_moment() {
    let mut over = false;
    poll_fn(|context| {
        if std::mem::replace(&mut over, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl TokenSigner for MemoryPlatform {
    fn sign(&self, claims: &Claims) -> Result<SecretString, CryptoError> {
        Ok(format!("{claims:?}").into())
    }
}

impl IdentityProvider for MemoryPlatform {
    async fn identify(&self, token: &SecretString) -> Result<Identified, FederationError> {
        let known = self
            .0
            .identities
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let identified = known.get(token.expose_secret()).cloned();
        identified.ok_or(FederationError::Untrusted)
    }
}
