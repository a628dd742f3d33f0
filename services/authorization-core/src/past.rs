//! The policy as it was: snapshots rebuilt from history, for questions *as of* a token or a time.
//!
//! Who may ask is judged on the policy as it is; the answer is about the policy as it was, and is never a permit.
//! Rebuilding takes reads and memory, so one question at a time does it, some wait, and the others are sent away.

mod questions;
mod rebuilt;
mod retention;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::lock::Mutex;
use jmap_domain::{Caller, PolicyRevision, PolicyToken};

use crate::{
    Authority, CheckError, Facts, Refusal, Resource, Snapshot, Standing, Timestamp,
    change::{ChangeSet, StoredPolicy},
    check::fresh_enough,
    ports::{Platform, PolicyStore, StoreError},
};
use rebuilt::Rebuilt;

/// Sets of history that are read at once.
const PAGE: usize = 128;
/// Questions about the past that may wait for one another.
const MOST_WAITING: usize = 8;

/// Which past policy is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The one that a token names.
    Exactly(PolicyToken),
    /// The one that held at a time, by the clock of the service: the newest that was decided at that time or before.
    Time(Timestamp),
}

/// A point of the policy's history, and when it was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The point.
    pub token: PolicyToken,
    /// When it was decided.
    pub at: Timestamp,
}

/// The policy as it was. Answers about it permit nothing.
#[derive(Clone, Debug)]
pub struct Past(Arc<Snapshot>);

impl Past {
    /// The policy as it was.
    #[must_use]
    pub const fn policy(&self) -> &Arc<Snapshot> {
        &self.0
    }
}

/// What was rebuilt lately, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct PastPolicies {
    rebuilt: Mutex<Rebuilt>,
    waiting: AtomicUsize,
}

/// A place among those that wait, until it is dropped.
struct Place<'p>(&'p AtomicUsize);

impl PastPolicies {
    fn place(&self) -> Result<Place<'_>, CheckError> {
        let place = Place(&self.waiting);
        if self.waiting.fetch_add(1, Ordering::Relaxed) < MOST_WAITING {
            Ok(place)
        } else {
            Err(CheckError::Crowded)
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The policy as it was, for people in ordinary sessions. Services decide about what happens now, so they have no
    /// questions about the past; nobody who is not signed in lets history be read.
    ///
    /// # Errors
    /// [`CheckError::HistoryPruned`] when it is not kept any more, [`CheckError::NotReached`] or [`CheckError::NotYet`]
    /// when it has not come, [`CheckError::ForeignToken`] for another life of the database, and
    /// [`CheckError::Crowded`] when too many ask.
    pub async fn past(&self, caller: &Caller, at: At) -> Result<Past, CheckError> {
        self.admit_historian(caller)?;
        let now = self.snapshot();
        let revision = match at {
            At::Exactly(token) => {
                fresh_enough(&now, Some(token))?;
                token.revision
            }
            At::Time(time) => self.revision_at(time).await?.min(now.revision()),
        };
        if revision == now.revision() {
            return Ok(Past(now));
        }
        let _place = self.past.place()?;
        let mut rebuilt = self.past.rebuilt.lock().await;
        self.rebuild(&mut rebuilt, revision).await.map(Past)
    }

    /// A person who asks about the past, for itself or by administering something.
    fn admit_historian(&self, caller: &Caller) -> Result<Standing, Refusal> {
        let standing = self.admit(caller)?;
        if standing == Standing::Anonymous {
            return Err(Refusal::NotSignedIn);
        }
        let is_person = Facts::of(&self.snapshot(), standing).person().is_some();
        is_person
            .then_some(standing)
            .ok_or(Refusal::Forbidden(Resource::Installation))
    }

    async fn revision_at(&self, time: Timestamp) -> Result<PolicyRevision, CheckError> {
        if time > self.platform.now() {
            return Err(CheckError::NotYet);
        }
        if let Some(revision) = self.store.revision_at(time).await? {
            return Ok(revision);
        }
        match self.store.history_base().await? {
            Some(base) if base.at <= time => Ok(base.revision),
            Some(_) | None => Err(CheckError::HistoryPruned(self.beginning().await?)),
        }
    }

    /// Where kept history begins.
    async fn beginning(&self) -> Result<Moment, StoreError> {
        let moment = |revision, at| Moment {
            token: PolicyToken {
                epoch: self.token().epoch,
                revision,
            },
            at,
        };
        if let Some(base) = self.store.history_base().await? {
            return Ok(moment(base.revision, base.at));
        }
        let first = self.store.history(PolicyRevision(0), 1).await?;
        let first = first.first().ok_or(StoreError::Corrupt)?;
        Ok(moment(first.revision, first.at))
    }

    async fn rebuild(
        &self,
        rebuilt: &mut Rebuilt,
        wanted: PolicyRevision,
    ) -> Result<Arc<Snapshot>, CheckError> {
        let beginning = self.beginning().await?;
        if wanted < beginning.token.revision {
            return Err(CheckError::HistoryPruned(beginning));
        }
        let mut policy = match rebuilt.nearest(wanted) {
            Some(policy) => policy,
            None => Arc::new(self.first_policy().await?),
        };
        while policy.revision() < wanted {
            let sets = self.sets_after(policy.revision()).await?;
            let sets = sets.iter().take_while(|set| set.revision <= wanted);
            policy = Arc::new(sets.fold((*policy).clone(), |policy, set| policy.apply(set)));
            // Whoever gives up half-way leaves to the next one what it has.
            rebuilt.progress(&policy);
        }
        rebuilt.keep(&policy);
        Ok(policy)
    }

    /// The policy that kept history begins with.
    async fn first_policy(&self) -> Result<Snapshot, StoreError> {
        let epoch = self.token().epoch;
        let Some(base) = self.store.history_base().await? else {
            return Ok(Snapshot::empty(epoch));
        };
        Ok(Snapshot::rebuild(&StoredPolicy {
            epoch,
            revision: base.revision,
            marks: base.marks,
            records: self.store.base_records(base.revision).await?,
            sessions: Vec::new(),
            last_session: 0,
        }))
    }

    /// The sets that follow a revision, without a gap; at least one, where the policy is newer.
    pub(crate) async fn sets_after(
        &self,
        after: PolicyRevision,
    ) -> Result<Vec<ChangeSet>, CheckError> {
        let sets = self.store.history(after, PAGE).await?;
        // Read last: what was pruned meanwhile may be missing from what was read.
        let base = self.store.history_base().await?;
        if base.is_some_and(|base| base.revision > after) {
            return Err(CheckError::HistoryPruned(self.beginning().await?));
        }
        let mut expected = after;
        let follows = |set: &ChangeSet| {
            expected = expected.next();
            set.revision == expected
        };
        if !sets.iter().all(follows) || (sets.is_empty() && after < self.token().revision) {
            return Err(StoreError::Corrupt.into());
        }
        Ok(sets)
    }
}
