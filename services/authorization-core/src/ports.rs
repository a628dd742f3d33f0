//! What the use cases need from outside: a store, a clock, chance, and two kinds of cryptography.

use std::time::Duration;

use jmap_domain::{PolicyRevision, ServiceId, UserId};
use secrecy::SecretString;

use crate::{
    Timestamp,
    audit::{AuditEntry, AuditRecord, CallInfo, RecordsWanted},
    change::{ChangeSet, HistoryBase, PolicyChange, StoredPolicy},
    claims::Claims,
    federation::{FederationError, Identified},
    model::Session,
    secret::{PasswordHash, SecretHash, SigningKey},
};

/// Why the store could not do its work. Its own words stay in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another change came first, or this process no longer holds the database: nothing was written.
    #[error("the policy was changed by someone else")]
    Conflict,
    /// The store could not answer; whether a write happened is not known.
    #[error("the policy store is unavailable")]
    Unavailable,
    /// What is stored cannot be understood.
    #[error("the policy store holds data that cannot be read")]
    Corrupt,
}

/// Keeps the policy, its history, sessions and secrets. One process writes at a time.
pub trait PolicyStore: AuditStore + Send + Sync + 'static {
    /// Whether this process is known to hold the store. While it is not, another process may have changed the policy,
    /// so nothing may be answered from memory.
    fn is_held(&self) -> bool;

    /// Reads everything that a snapshot is built from. Every commit that was begun before has ended by then, also one
    /// whose end was not seen.
    fn load(&self) -> impl Future<Output = Result<StoredPolicy, StoreError>> + Send;

    /// Writes a set in one transaction, and records it as history with its author and time, and for audit (R122).
    /// Answers [`StoreError::Conflict`] unless the stored revision is the one just before the set's.
    fn commit(&self, set: &ChangeSet) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The recorded sets after a revision, oldest first, at most `limit`; their secrets are empty.
    fn history(
        &self,
        after: PolicyRevision,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<ChangeSet>, StoreError>> + Send;

    /// Where kept history begins; `None` while nothing was pruned, so that it begins with nothing.
    fn history_base(&self) -> impl Future<Output = Result<Option<HistoryBase>, StoreError>> + Send;

    /// The state that history begins with, as the changes that make it from nothing, like [`StoredPolicy::records`].
    fn base_records(
        &self,
        base: PolicyRevision,
    ) -> impl Future<Output = Result<Vec<PolicyChange>, StoreError>> + Send;

    /// Lets history begin with that state. It is written in small transactions and counts only when it is whole;
    /// [`Self::prune_history`] may remove what came before from then on.
    fn set_history_base(
        &self,
        base: &HistoryBase,
        records: &[PolicyChange],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes the sets up to where history begins and what earlier beginnings left, in small transactions.
    fn prune_history(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The newest recorded set that was decided at that moment or before.
    fn revision_at(
        &self,
        moment: Timestamp,
    ) -> impl Future<Output = Result<Option<PolicyRevision>, StoreError>> + Send;

    /// A user's password hash; `None` when it has no password.
    fn password(
        &self,
        user: UserId,
    ) -> impl Future<Output = Result<Option<PasswordHash>, StoreError>> + Send;

    /// The hash of a service's key.
    fn service_key(
        &self,
        service: ServiceId,
    ) -> impl Future<Output = Result<Option<SecretHash>, StoreError>> + Send;

    /// Writes a session, new or changed, raises the mark of session ids and records the act, if it is one to be
    /// recorded, in the same transaction.
    fn put_session(
        &self,
        session: &Session,
        act: Option<&AuditEntry>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Forgets the sessions that expired before that moment.
    fn forget_sessions(
        &self,
        expired_before: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Notes that a token that may be used once is used, and keeps the note until that moment at least. Answers whether
    /// this was the first time.
    fn spend_token(
        &self,
        token: SecretHash,
        until: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Forgets the tokens whose notes were to be kept until before that moment.
    fn forget_tokens(
        &self,
        kept_until_before: Timestamp,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The keys that sign tokens, newest first.
    fn signing_keys(&self) -> impl Future<Output = Result<Vec<SigningKey>, StoreError>> + Send;

    /// Adds a key that signs tokens.
    fn add_signing_key(
        &self,
        key: &SigningKey,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Keeps the audit record (R122). It only grows, and shrinks by age. Changes and sessions are recorded with themselves.
pub trait AuditStore: Send + Sync + 'static {
    /// Records acts in one transaction, in their order.
    fn record(&self, acts: &[AuditEntry]) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The number of the newest record, also of one that is removed by now; 0 before the first.
    fn last_record(&self) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Records, in the order that is wanted. None appears later before one that was read.
    fn records(
        &self,
        wanted: &RecordsWanted<'_>,
    ) -> impl Future<Output = Result<Vec<AuditRecord>, StoreError>> + Send;

    /// Removes the oldest records whose last act was before a moment, at most so many; answers how many there were.
    fn prune_records(
        &self,
        before: Timestamp,
        most: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// Time.
pub trait Clock: Send + Sync + 'static {
    /// The time of day, for stamps and expiry.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment that never runs backwards, for waiting.
    fn elapsed(&self) -> Duration;

    /// Waits.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
}

/// Chance.
pub trait Entropy: Send + Sync + 'static {
    /// 32 bytes that nobody can guess.
    fn random(&self) -> [u8; 32];
}

/// Hashes passwords, slowly on purpose, so never on the threads that serve calls.
pub trait PasswordHasher: Send + Sync + 'static {
    /// Hashes a new password.
    fn hash(
        &self,
        password: &SecretString,
    ) -> impl Future<Output = Result<PasswordHash, CryptoError>> + Send;

    /// Whether the password is the one that was hashed. Without a hash it takes the same time and says no,
    /// so that the time tells nobody which users exist.
    fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> impl Future<Output = Result<bool, CryptoError>> + Send;
}

/// Signs access tokens.
pub trait TokenSigner: Send + Sync + 'static {
    /// The signed token, a compact JWT.
    fn sign(&self, claims: &Claims) -> Result<SecretString, CryptoError>;
}

/// Knows people of other houses: verifies the tokens of the configured OpenID providers (R11).
pub trait IdentityProvider: Send + Sync + 'static {
    /// Whom a token was issued to, and what it says about that person.
    fn identify(
        &self,
        token: &SecretString,
    ) -> impl Future<Output = Result<Identified, FederationError>> + Send;
}

/// Nothing was hashed, verified or signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// As many passwords as may wait are waiting to be hashed already.
    #[error("too many passwords are waiting to be checked, come back shortly")]
    Overloaded,
    /// The operation failed.
    #[error("a cryptographic operation failed")]
    Failed,
}

/// The calls that acts belong to.
pub trait Calls: Send + Sync + 'static {
    /// The call that is being worked on; `None` for what the service does by itself.
    fn current(&self) -> Option<CallInfo>;
}

/// All ports but the store, held by one value.
pub trait Platform:
    Clock + Entropy + PasswordHasher + TokenSigner + IdentityProvider + Calls
{
}

impl<T: Clock + Entropy + PasswordHasher + TokenSigner + IdentityProvider + Calls> Platform for T {}
