//! Questions that have lists for answers: which layers a subject may use, who may use a layer, and all that a
//! principal holds. Each list is the rules over candidates that the snapshot's indexes name, cut by a place.
//!
//! Whoever asks about others is answered about what it administers: neither a count nor a page tells of the rest.

mod layers;
mod report;
mod subjects;

use std::{sync::Arc, time::Duration};

use jmap_domain::{
    Caller, Decision, DenyReason, PrincipalId, ProjectAct, ProjectId, Question, Subject, UserId,
};

pub use layers::{FoundLayer, LayerPlace, LayersWanted, usable_layers};
pub use report::{Audience, Held, Holding, ReportPlace, Reported, holdings};
pub use subjects::{FoundSubject, allowed_subjects};

use crate::{
    Answer, Asking, Authority, CheckError, Facts, Refusal, Resource, Snapshot, Standing,
    check::{about, fresh_enough, may_inspect},
    explain::{self, Explanation},
    past::Past,
    ports::{Platform, PolicyStore},
    rules,
    suppose::{Proposal, ProposalError},
};

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion<K> {
    /// What follows this place; `None` for the beginning.
    pub after: Option<K>,
    /// At most so many.
    pub limit: usize,
}

/// A question, and the policy that it is asked on.
#[derive(Clone, Copy, Debug)]
pub struct Inquiry<'c> {
    /// Who asks about whom.
    pub asking: Asking<'c>,
    /// On which policy it is answered. Whether it may be asked is judged on the policy as it is.
    pub on: On<'c>,
}

/// A policy to answer on.
#[derive(Clone, Copy, Debug)]
pub enum On<'c> {
    /// The policy as it would be after some changes that are not made, one after the other; none for the policy as it is.
    Supposing(&'c [Proposal]),
    /// The policy as it was.
    Past(&'c Past),
}

/// Why an inquiry is not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InquiryError {
    /// The caller may not ask this, or not so fresh.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The change could not be made either.
    #[error("the proposed change {index} would be refused: {error}")]
    Proposal {
        /// Which, from 0.
        index: usize,
        /// Why.
        error: ProposalError,
    },
}

impl From<Refusal> for InquiryError {
    fn from(refusal: Refusal) -> Self {
        Self::Check(refusal.into())
    }
}

/// What a decision is, and what it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WhatIf {
    /// The decision as things are.
    pub now: Decision,
    /// The decision if the changes were made, and why.
    pub then: Explanation,
}

/// An inquiry that was let in: the policy as it is, the one to answer on, and who asks.
pub(crate) struct Scene<'s> {
    now: &'s Snapshot,
    then: &'s Snapshot,
    /// Whether the answer is about what was, perhaps about what nobody may know of any more.
    is_past: bool,
    /// Who asks, when it asks about somebody else.
    asker: Option<Facts<'s>>,
    /// About whom.
    standing: Standing,
}

impl Scene<'_> {
    /// Whether the asker may be told. The right to ask is judged as things are, never as they are supposed or were.
    fn tells(&self, question: Question) -> bool {
        match &self.asker {
            Some(asker) => may_inspect((self.now, self.then), asker, question).is_ok(),
            None => !self.is_past || self.knows(question),
        }
    }

    /// Whether the subject, which asks about itself, may know of what the question is about.
    fn knows(&self, question: Question) -> bool {
        let facts = Facts::of(self.now, self.standing);
        explain::may_know(self.now, &facts, question)
    }

    /// Refuses a question that the asker may not be told about, or that is about nothing the subject knows of.
    fn admit(&self, question: Question) -> Result<(), Refusal> {
        if let Some(asker) = &self.asker {
            return may_inspect((self.now, self.then), asker, question);
        }
        if self.knows(question) {
            Ok(())
        } else {
            Err(Refusal::NotFound(Resource::of(question)))
        }
    }

    /// Refuses a project that the asker does not administer, or that the subject does not know of.
    fn admit_project(&self, project: ProjectId) -> Result<(), Refusal> {
        self.admit(Question::Project(project, ProjectAct::Open))
    }

    /// The policy that has those about whom is asked: who is deleted now was there then.
    const fn base(&self) -> &Snapshot {
        if self.is_past { self.then } else { self.now }
    }

    fn subject(&self) -> Facts<'_> {
        Facts::of(self.then, self.standing)
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The layers on which the subject may do an act, in the order of their places. About others only those that the
    /// caller administers.
    ///
    /// # Errors
    /// [`InquiryError`] when the caller may not ask about the subject or the project, or a proposal is refused.
    pub fn lookup_layers(
        &self,
        inquiry: Inquiry<'_>,
        wanted: LayersWanted,
        portion: Portion<LayerPlace>,
    ) -> Result<Answer<Vec<FoundLayer>>, InquiryError> {
        self.inquire(inquiry, |scene| {
            if let Some(project) = wanted.project {
                scene.admit_project(project)?;
            }
            let subject = scene.subject();
            let asker = scene.asker.as_ref();
            let tells = |question| scene.tells(question);
            let reach = layers::Reach {
                policy: scene.then,
                subject: &subject,
                asker: asker.map(|asker| (scene.now, asker)),
            };
            Ok(layers::found(&reach, wanted, portion, tells))
        })
    }

    /// The accounts that may do something, by id, each with the reasons (R45). For those who administer the resource, and
    /// may list principals: who owns a personal layer does not learn from it who is in which group.
    ///
    /// # Errors
    /// [`InquiryError`] when the caller does not administer the resource, or a proposal is refused.
    pub fn lookup_subjects(
        &self,
        inquiry: Inquiry<'_>,
        question: Question,
        portion: Portion<UserId>,
    ) -> Result<Answer<Vec<FoundSubject>>, InquiryError> {
        self.inquire(inquiry, |scene| {
            let asker = Facts::of(scene.now, scene.standing);
            may_inspect((scene.now, scene.then), &asker, question)?;
            self.admit_reader(inquiry.asking.caller)?;
            Ok(allowed_subjects(scene.then, question, portion))
        })
    }

    /// All that a principal holds on every resource, each by its path (R19): for oneself on what one may know of, for
    /// others on what the caller administers.
    ///
    /// # Errors
    /// [`InquiryError`] when the caller may not ask about the principal, or a proposal is refused.
    pub fn report(
        &self,
        inquiry: Inquiry<'_>,
        about: PrincipalId,
        portion: Portion<ReportPlace>,
    ) -> Result<Answer<Vec<Reported>>, InquiryError> {
        self.inquire(inquiry, |scene| {
            let caller = inquiry.asking.caller;
            let itself = matches!(caller, Caller::Session(own) if about == own.user.into());
            if !itself {
                self.admit_reader(caller)?;
            }
            scene
                .base()
                .principal(about)
                .ok_or(Refusal::NotFound(Resource::Principal(about)))?;
            let asker = Facts::of(scene.now, scene.standing);
            let told = |question| {
                if itself {
                    let decision = rules::decide(scene.now, &asker, question);
                    decision != Decision::Denied(DenyReason::NotVisible)
                } else {
                    may_inspect((scene.now, scene.then), &asker, question).is_ok()
                }
            };
            let within = (!itself && !asker.is_super_administrator())
                .then(|| layers::administered(scene.now, &asker));
            Ok(holdings(
                scene.then,
                about,
                portion,
                Audience { told, within },
            ))
        })
    }

    /// What the answers are, and what they would be after the proposed changes, with the reasons (R45).
    ///
    /// # Errors
    /// [`InquiryError`] when the caller may not ask for explanations of one of these, or a proposal is refused.
    pub fn what_if(
        &self,
        inquiry: Inquiry<'_>,
        questions: &[Question],
    ) -> Result<Answer<Vec<WhatIf>>, InquiryError> {
        self.inquire(inquiry, |scene| {
            let before = Facts::of(scene.now, scene.standing);
            let answer = |question: &Question| {
                scene.admit(*question)?;
                Ok(WhatIf {
                    now: rules::decide(scene.now, &before, *question),
                    then: explain::explain(scene.then, scene.standing, *question),
                })
            };
            questions.iter().map(answer).collect()
        })
    }

    /// Lets an inquiry in, and answers it on the policy as it is supposed to be.
    fn inquire<T>(
        &self,
        inquiry: Inquiry<'_>,
        compute: impl FnOnce(&Scene<'_>) -> Result<T, Refusal>,
    ) -> Result<Answer<T>, InquiryError> {
        let Inquiry { asking, on } = inquiry;
        let now = self.snapshot();
        fresh_enough(&now, asking.at_least)?;
        let base = match on {
            On::Supposing(_) => &now,
            On::Past(past) => past.policy(),
        };
        let caller = self.admit(asking.caller)?;
        let (asker, standing) = match about(asking)? {
            None => (None, caller),
            Some(subject) => {
                self.admit_reader(asking.caller)?;
                if let Subject::User(user) = subject {
                    let unknown = Refusal::NotFound(Resource::User(user));
                    base.user(user).ok_or(unknown)?;
                }
                let standing = self.present().subject(base, subject);
                (Some(Facts::of(&now, caller)), standing)
            }
        };
        let then = match on {
            On::Supposing([]) | On::Past(_) => Arc::clone(base),
            On::Supposing(changes) => self.suppose(asking.caller, &now, changes)?,
        };
        let scene = Scene {
            now: &now,
            then: &then,
            is_past: matches!(on, On::Past(_)),
            asker,
            standing,
        };
        Ok(Answer {
            value: compute(&scene)?,
            token: base.token(),
            valid_for: Duration::ZERO,
            // A disabled account is named, too.
            actor: Facts::if_enabled(base, standing).stamp(),
        })
    }
}
