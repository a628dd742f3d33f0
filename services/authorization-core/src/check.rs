//! Questions from outside: who may ask about whom, and what an answer is worth.

use std::time::Duration;

use jmap_domain::{
    ActorId, Caller, Decision, EffectivePermissions, GlobalPermission, LayerAct, LayerId,
    Permission, PolicyToken, ProjectAct, Question, Scope, Subject,
};

use crate::{
    Authority, Explanation, Facts, Snapshot, Standing,
    authority::require_scope,
    explain,
    past::{Moment, Past},
    ports::{Platform, PolicyStore, StoreError},
    present::Present,
    refusal::{Refusal, Resource},
    rules,
};

/// Who asks, about whom, and how fresh the answer must be.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'c> {
    /// Who asks.
    pub caller: &'c Caller,
    /// About whom; `None` for the caller itself.
    pub subject: Option<Subject>,
    /// The answer must not be older than this.
    pub at_least: Option<PolicyToken>,
}

impl<'c> Asking<'c> {
    /// A question about somebody, on the newest policy.
    #[must_use]
    pub const fn about(caller: &'c Caller, subject: Subject) -> Self {
        Self {
            caller,
            subject: Some(subject),
            at_least: None,
        }
    }
}

/// An answer, with the policy that it was decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// What was asked for.
    pub value: T,
    /// The policy that it was decided on.
    pub token: PolicyToken,
    /// How long the asker may go by it, on its own clock, from before it asked (R123). 0: for what it is doing now.
    pub valid_for: Duration,
    /// With what the subject's edits are stamped (R54); `None` for one that cannot edit.
    pub actor: Option<ActorId>,
}

/// Why a question is not answered. A negative decision is an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The caller may not ask this.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The token is of another life of the database, such as before a restore.
    #[error("the policy token is of another installation or of before a restore")]
    ForeignToken,
    /// The token is of a revision that this service has not seen.
    #[error("the wanted policy revision has not been reached")]
    NotReached,
    /// The time is in the future.
    #[error("the time has not come yet")]
    NotYet,
    /// What the policy was then is not kept any more; kept history begins here.
    #[error("no history before policy revision {} is kept", .0.token.revision.0)]
    HistoryPruned(Moment),
    /// As many questions about the past as may wait are waiting already.
    #[error("too many questions about the past are waiting, come back shortly")]
    Crowded,
}

impl From<StoreError> for CheckError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Answers questions about one subject, in their order, all on one snapshot.
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject, or the answer would be too old.
    pub fn check(
        &self,
        asking: Asking<'_>,
        questions: &[Question],
    ) -> Result<Answer<Vec<Decision>>, CheckError> {
        let given = |decision: &Decision, question: &Question| is_permit(*question, *decision);
        let answer = self.answer(
            asking,
            |snapshot, facts| {
                questions
                    .iter()
                    .map(|q| rules::decide(snapshot, facts, *q))
                    .collect()
            },
            |decisions: &Vec<_>| decisions.iter().zip(questions).any(|(d, q)| given(d, q)),
        )?;
        self.note_checks(asking, questions, (&answer.value, answer.token));
        Ok(answer)
    }

    /// What the subject may do on each of some layers, in their order (R43).
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject, or the answer would be too old.
    pub fn effective_permissions(
        &self,
        asking: Asking<'_>,
        layers: &[LayerId],
    ) -> Result<Answer<Vec<EffectivePermissions>>, CheckError> {
        let flags = |snapshot: &Snapshot, facts: &Facts<'_>| {
            layers
                .iter()
                .map(|id| rules::effective_permissions(snapshot, facts, *id))
                .collect()
        };
        // Flags are for showing; nothing is written by them.
        self.answer(asking, flags, |_: &Vec<_>| false)
    }

    /// Why the answer is what it is (R45). About oneself only what one may see (R46); about others it is for
    /// super administrators, and for the administrators of the project.
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask, or the resource does not exist for it.
    pub fn explain(
        &self,
        asking: Asking<'_>,
        question: Question,
    ) -> Result<Answer<Explanation>, CheckError> {
        self.explain_on(asking, None, question)
    }

    /// The same on the policy as it is, or as it was. The right to ask is judged on the policy as it is.
    pub(crate) fn explain_on(
        &self,
        asking: Asking<'_>,
        past: Option<&Past>,
        question: Question,
    ) -> Result<Answer<Explanation>, CheckError> {
        let snapshot = self.snapshot();
        let then = past.map_or(&snapshot, Past::policy);
        fresh_enough(&snapshot, asking.at_least)?;
        let caller = self.admit(asking.caller)?;
        let subject = about(asking)?;
        let about_itself = subject.is_none();
        let standing = match subject {
            None => caller,
            Some(subject) => {
                may_inspect((&snapshot, then), &Facts::of(&snapshot, caller), question)?;
                self.admit_reader(asking.caller)?;
                self.present().subject(then, subject)
            }
        };
        let facts = Facts::of(&snapshot, standing);
        if about_itself && !explain::may_know(&snapshot, &facts, question) {
            return Err(Refusal::NotFound(Resource::of(question)).into());
        }
        let value = explain::explain(then, standing, question);
        Ok(Answer {
            value,
            token: then.token(),
            valid_for: Duration::ZERO,
            // A disabled account is named, too.
            actor: Facts::if_enabled(then, standing).stamp(),
        })
    }

    /// Computes an answer on the current snapshot. One that lets a service write is noted before it is given,
    /// and computed again if the policy changed in between, so that no revocation misses it (R123).
    pub(crate) fn answer<T>(
        &self,
        asking: Asking<'_>,
        compute: impl Fn(&Snapshot, &Facts<'_>) -> T,
        permits: impl Fn(&T) -> bool,
    ) -> Result<Answer<T>, CheckError> {
        loop {
            let present = self.present();
            let snapshot = &present.policy;
            fresh_enough(snapshot, asking.at_least)?;
            let facts = Facts::of(snapshot, self.subject(&present, asking)?);
            let answer = |value: T, valid_for: Duration| Answer {
                value,
                token: snapshot.token(),
                valid_for,
                actor: facts.stamp(),
            };
            let value = compute(snapshot, &facts);
            if !matches!(asking.caller, Caller::Service(_)) || !permits(&value) {
                return Ok(answer(value, Duration::ZERO));
            }
            self.permits.note(self.platform.elapsed());
            if self.is_still(&present) {
                return Ok(answer(value, self.permits.life()));
            }
        }
    }

    /// About whom is asked, if the caller may ask about it: a session about itself, a service with scope *check*
    /// about any session, a super administrator about any account.
    fn subject(&self, present: &Present, asking: Asking<'_>) -> Result<Standing, Refusal> {
        let caller = self.admit_at(present, asking.caller)?;
        let Some(subject) = asking.subject else {
            return Ok(caller);
        };
        let policy = &present.policy;
        match (asking.caller, subject) {
            (Caller::Anonymous, Subject::Anonymous) => Ok(caller),
            (Caller::Session(own), Subject::Session(id)) if own.session == id => Ok(caller),
            (Caller::Service(service), Subject::Session(_) | Subject::Anonymous) => {
                require_scope(policy, service, Scope::Check)?;
                Ok(present.subject(policy, subject))
            }
            (Caller::Session(_), _) if Facts::of(policy, caller).is_super_administrator() => {
                Ok(present.subject(policy, subject))
            }
            (Caller::Anonymous | Caller::Session(_) | Caller::Service(_), _) => {
                Err(Refusal::Forbidden(Resource::Installation))
            }
        }
    }
}

/// Whether the answer lets its asker change data.
fn is_permit(question: Question, decision: Decision) -> bool {
    let mutates = match question {
        Question::Layer(_, LayerAct::Elements(permission)) => match permission {
            Permission::AddElements
            | Permission::ModifyElements
            | Permission::DeleteElements
            | Permission::ModifyAttributes => true,
            Permission::View | Permission::CopyExport | Permission::RemoteAccess => false,
        },
        Question::Layer(_, LayerAct::ReadConfiguration) => false,
        Question::Layer(_, LayerAct::ChangeStructure | LayerAct::Delete) => true,
        Question::Project(_, act) => act != ProjectAct::Open && act != ProjectAct::Access,
        Question::Connection(_, _) | Question::Global(_) => true,
    };
    mutates && !matches!(decision, Decision::Denied(_))
}

/// Whether the caller may ask about others there, and be answered on another policy: who manages the resource may (R41),
/// and who administers personal layers on those (R46, R71). What a layer was shared for while it was somebody else's is
/// for the latter alone: a publication hands on nothing of it (R76).
pub(crate) fn may_inspect(
    (snapshot, then): (&Snapshot, &Snapshot),
    caller: &Facts<'_>,
    question: Question,
) -> Result<(), Refusal> {
    if was_anothers(snapshot, then, question)
        && !caller.holds(GlobalPermission::AdministerPersonalLayers)
    {
        return Err(Refusal::Forbidden(Resource::of(question)));
    }
    let needed = match question {
        Question::Layer(id, _) => Question::Layer(id, LayerAct::ChangeStructure),
        Question::Project(id, _) => Question::Project(id, ProjectAct::Administrate),
        Question::Connection(_, _) | Question::Global(_) => {
            Question::Global(GlobalPermission::SuperAdministrator)
        }
    };
    if caller.is_super_administrator() || oversees(snapshot, caller, question) {
        return Ok(());
    }
    Refusal::unless_allowed(needed, rules::decide(snapshot, caller, needed))
}

/// Whether the question is about a layer that was personal on the other policy, and has come into other hands since.
fn was_anothers(now: &Snapshot, then: &Snapshot, question: Question) -> bool {
    let Question::Layer(id, _) = question else {
        return false;
    };
    let owner = |policy: &Snapshot| policy.layer(id)?.layer.placement.owner();
    owner(then).is_some_and(|then| Some(then) != owner(now))
}

/// Whether the question is about a personal layer, and the caller administers those (R80).
fn oversees(snapshot: &Snapshot, caller: &Facts<'_>, question: Question) -> bool {
    let Question::Layer(id, _) = question else {
        return false;
    };
    let personal = snapshot
        .layer(id)
        .is_some_and(|entry| entry.project().is_none());
    personal && caller.holds(GlobalPermission::AdministerPersonalLayers)
}

/// Whether the snapshot is what the asker knows of, or newer.
pub(crate) fn fresh_enough(
    snapshot: &Snapshot,
    at_least: Option<PolicyToken>,
) -> Result<(), CheckError> {
    let Some(wanted) = at_least else {
        return Ok(());
    };
    if wanted.epoch != snapshot.token().epoch {
        return Err(CheckError::ForeignToken);
    }
    if wanted.revision > snapshot.revision() {
        Err(CheckError::NotReached)
    } else {
        Ok(())
    }
}

/// About whom is asked; `None` is the caller itself. Sessions of others are services' to check, and
/// nobody's to look into.
pub(crate) fn about(asking: Asking<'_>) -> Result<Option<Subject>, Refusal> {
    match (asking.caller, asking.subject) {
        (Caller::Session(own), Some(Subject::Session(id))) if own.session == id => Ok(None),
        (_, Some(Subject::Session(_))) => Err(Refusal::Forbidden(Resource::Installation)),
        (Caller::Anonymous, Some(Subject::Anonymous)) => Ok(None),
        (_, subject) => Ok(subject),
    }
}
