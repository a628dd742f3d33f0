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
    audit::{AuditEntry, AuditRecord, CallInfo, ChangeNote, Order, RecordsWanted, SHOWN_CONCERNS},
    change::{ChangeSet, HistoryBase, PolicyChange, StoredPolicy},
    federation::{FederationError, Identified},
    model::Session,
    ports::{
        AuditStore, Calls, Clock, CryptoError, Entropy, IdentityProvider, PasswordHasher,
        PolicyStore, StoreError, TokenSigner,
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
    base: Option<(HistoryBase, Vec<PolicyChange>)>,
    reading: Reading,
    passwords: BTreeMap<UserId, PasswordHash>,
    service_keys: BTreeMap<ServiceId, SecretHash>,
    sessions: BTreeMap<SessionId, Session>,
    last_session: i64,
    spent_tokens: BTreeMap<SecretHash, Timestamp>,
    signing_keys: Vec<SigningKey>,
    records: Vec<AuditRecord>,
    last_record: i64,
    refuses_records: bool,
    failure: Option<(Failure, StoreError)>,
    is_lost: bool,
    refuses_sessions: bool,
}

/// How history is read.
#[derive(Debug, Default)]
struct Reading {
    times: usize,
    is_paused: bool,
}

/// When a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Before anything was written.
    BeforeWriting,
    /// After everything was written, so that nobody hears of it.
    AfterWriting,
}

/// Whether something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refuse {
    /// Always.
    All,
    /// Never.
    Nothing,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Stored {
            policy: Snapshot::empty(Epoch(1)),
            history: Vec::new(),
            base: None,
            reading: Reading::default(),
            passwords: BTreeMap::new(),
            service_keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
            last_session: 0,
            spent_tokens: BTreeMap::new(),
            signing_keys: Vec::new(),
            records: Vec::new(),
            last_record: 0,
            refuses_records: false,
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

    /// Lets whoever reads history wait, until [`Self::resume_history`].
    pub fn pause_history(&self) {
        self.lock().reading.is_paused = true;
    }

    /// Lets history be read again.
    pub fn resume_history(&self) {
        self.lock().reading.is_paused = false;
    }

    /// How often history was read.
    #[must_use]
    pub fn history_reads(&self) -> usize {
        self.lock().reading.times
    }

    /// Lets recording refusals fail, or work again.
    pub fn refuse_records(&self, refuse: Refuse) {
        self.lock().refuses_records = refuse == Refuse::All;
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
        self.record(AuditEntry::of_change(set));
        self.history.push(ChangeSet {
            secrets: Vec::new(),
            note: ChangeNote::default(),
            ..set.clone()
        });
        Ok(())
    }

    fn record(&mut self, mut entry: AuditEntry) {
        self.last_record += 1;
        let concerns_in_all = entry.concerns.len() as u64;
        entry.concerns.truncate(SHOWN_CONCERNS);
        self.records.push(AuditRecord {
            id: self.last_record,
            entry,
            concerns_in_all,
        });
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
        while self.lock().reading.is_paused {
            a_moment().await;
        }
        let mut stored = self.lock();
        stored.reading.times += 1;
        Ok(stored
            .history
            .iter()
            .filter(|set| set.revision > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn history_base(&self) -> Result<Option<HistoryBase>, StoreError> {
        Ok(self.lock().base.as_ref().map(|(base, _)| *base))
    }

    async fn base_records(&self, base: PolicyRevision) -> Result<Vec<PolicyChange>, StoreError> {
        let stored = self.lock();
        let kept = stored
            .base
            .as_ref()
            .filter(|(kept, _)| kept.revision == base);
        Ok(kept.map(|(_, records)| records.clone()).unwrap_or_default())
    }

    async fn set_history_base(
        &self,
        base: &HistoryBase,
        records: &[PolicyChange],
    ) -> Result<(), StoreError> {
        self.lock().base = Some((*base, records.to_vec()));
        Ok(())
    }

    async fn prune_history(&self) -> Result<(), StoreError> {
        let mut stored = self.lock();
        let base = stored
            .base
            .as_ref()
            .map_or(PolicyRevision(0), |(base, _)| base.revision);
        stored.history.retain(|set| set.revision > base);
        Ok(())
    }

    async fn revision_at(&self, moment: Timestamp) -> Result<Option<PolicyRevision>, StoreError> {
        let stored = self.lock();
        let decided = stored.history.iter().filter(|set| set.at <= moment);
        Ok(decided.map(|set| set.revision).max())
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        Ok(self.lock().passwords.get(&user).cloned())
    }

    async fn service_key(&self, service: ServiceId) -> Result<Option<SecretHash>, StoreError> {
        Ok(self.lock().service_keys.get(&service).copied())
    }

    async fn put_session(
        &self,
        session: &Session,
        act: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let mut stored = self.lock();
        if stored.refuses_sessions {
            return Err(StoreError::Unavailable);
        }
        stored.last_session = stored.last_session.max(session.id.get());
        stored.sessions.insert(session.id, session.clone());
        if let Some(act) = act {
            stored.record(act.clone());
        }
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

impl AuditStore for MemoryStore {
    async fn record(&self, acts: &[AuditEntry]) -> Result<(), StoreError> {
        let mut stored = self.lock();
        if stored.refuses_records {
            return Err(StoreError::Unavailable);
        }
        for act in acts {
            stored.record(act.clone());
        }
        Ok(())
    }

    async fn last_record(&self) -> Result<i64, StoreError> {
        Ok(self.lock().last_record)
    }

    async fn records(&self, wanted: &RecordsWanted<'_>) -> Result<Vec<AuditRecord>, StoreError> {
        let stored = self.lock();
        let found = stored.records.iter().filter(|one| wanted.wants(one));
        let mut found: Vec<_> = found.cloned().collect();
        if wanted.order == Order::NewestFirst {
            found.reverse();
        }
        found.truncate(wanted.limit);
        Ok(found)
    }

    async fn prune_records(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let records = &mut self.lock().records;
        let old = records.iter().filter(|one| one.entry.last_at < before);
        let old: Vec<i64> = old.take(most).map(|one| one.id).collect();
        records.retain(|one| !old.contains(&one.id));
        Ok(old.len())
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
    call: Mutex<Option<CallInfo>>,
    identities: Mutex<BTreeMap<String, Identified>>,
}

impl MemoryPlatform {
    /// Moves time on.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.millis.fetch_add(millis, Ordering::SeqCst);
    }

    /// Says which call is being worked on.
    pub fn work_on(&self, call: Option<CallInfo>) {
        *self.0.call.lock().unwrap_or_else(PoisonError::into_inner) = call;
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

impl Calls for MemoryPlatform {
    fn current(&self) -> Option<CallInfo> {
        let call = self.0.call.lock();
        call.unwrap_or_else(PoisonError::into_inner).clone()
    }
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
