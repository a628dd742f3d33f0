//! A change set in the making: what a use case sees, asks and adds before anything is committed.

use std::sync::Arc;

use jmap_domain::{IdError, LayerId, PolicyRevision, ProjectId, Question, ServiceId, UserId};

use crate::{
    Facts, Snapshot, Standing, Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, PolicyChange},
    guard,
    refusal::{Refusal, Resource},
    rules,
    secret::SecretChange,
};

/// A change set in the making. Only one exists at a time, so what it validates against stays true until it is committed.
#[derive(Debug)]
pub(crate) struct Draft {
    before: Arc<Snapshot>,
    standing: Standing,
    set: ChangeSet,
}

impl Draft {
    /// Starts from the current snapshot.
    pub(crate) fn new(
        before: Arc<Snapshot>,
        standing: Standing,
        by: Author,
        at: Timestamp,
    ) -> Self {
        let set = ChangeSet {
            revision: before.revision().next(),
            at,
            by,
            changes: Vec::new(),
            marks: before.marks(),
            secrets: Vec::new(),
            note: ChangeNote::default(),
        };
        Self {
            before,
            standing,
            set,
        }
    }

    /// The policy that the change starts from.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.before)
    }

    /// The revision that the policy will have.
    pub(crate) const fn revision(&self) -> PolicyRevision {
        self.set.revision
    }

    /// The time of the change.
    pub(crate) const fn now(&self) -> Timestamp {
        self.set.at
    }

    /// The acting subject, as the rules see it.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts::of(&self.before, self.standing)
    }

    /// The acting user; only an ordinary session administers (R100).
    pub(crate) fn person(&self) -> Result<UserId, Refusal> {
        self.facts()
            .person()
            .ok_or(Refusal::Forbidden(Resource::Installation))
    }

    /// Goes on only if the rules let the acting subject.
    pub(crate) fn require(&self, question: Question) -> Result<(), Refusal> {
        let decision = rules::decide(&self.before, &self.facts(), question);
        Refusal::unless_allowed(question, decision)
    }

    /// Adds a change.
    pub(crate) fn push(&mut self, change: PolicyChange) {
        self.set.changes.push(change);
    }

    /// Adds a change, unless it would leave the installation or a project without a holder (R16). Answers whether it did.
    pub(crate) fn push_if_kept(&mut self, change: PolicyChange) -> bool {
        self.set.changes.push(change);
        let after = self.before.apply(&self.set);
        let is_kept = guard::keep_holders(&self.before, &after, &self.set.changes).is_ok();
        if !is_kept {
            self.set.changes.pop();
        }
        is_kept
    }

    /// Adds a secret, to be kept in the same transaction.
    pub(crate) fn keep(&mut self, secret: SecretChange) {
        self.set.secrets.push(secret);
    }

    /// Takes the next id of users and groups (R26).
    pub(crate) fn next_principal<I: TryFrom<i64, Error = IdError>>(
        &mut self,
    ) -> Result<I, Refusal> {
        take(&mut self.set.marks.principal)
    }

    /// Takes the next id of projects.
    pub(crate) fn next_project(&mut self) -> Result<ProjectId, Refusal> {
        take(&mut self.set.marks.project)
    }

    /// Takes the next id of layers.
    pub(crate) fn next_layer(&mut self) -> Result<LayerId, Refusal> {
        take(&mut self.set.marks.layer)
    }

    /// Takes the next id of service accounts.
    pub(crate) fn next_service(&mut self) -> Result<ServiceId, Refusal> {
        take(&mut self.set.marks.service)
    }

    /// The set and what it was drafted from; `None` when nothing changes.
    pub(crate) fn finish(self) -> Option<(Arc<Snapshot>, ChangeSet)> {
        (!self.set.changes.is_empty()).then_some((self.before, self.set))
    }
}

/// The following id of a sequence; the mark moves, so that the id is never given again (R8).
fn take<I: TryFrom<i64, Error = IdError>>(mark: &mut i64) -> Result<I, Refusal> {
    let next = mark.saturating_add(1);
    let id = I::try_from(next).map_err(Refusal::NoIdsLeft)?;
    *mark = next;
    Ok(id)
}
