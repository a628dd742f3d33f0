//! Questions about the past. Whoever asks about itself is told about what it may know of now (R46); about others only
//! super administrators ask, and for explanations those who administer the resource now.

use std::time::Duration;

use jmap_domain::{Decision, DenyReason, LayerAct, LayerId, ProjectAct, ProjectId, Question};

use super::Past;
use crate::{
    Answer, Asking, Authority, CheckError, Explanation, Facts, Refusal, Resource, Snapshot,
    VisibleLayer,
    check::about,
    explain, listings,
    ports::{Platform, PolicyStore},
    rules,
};

/// A question about the past that was let in.
struct Glance<'s> {
    then: &'s Snapshot,
    /// The subject as it was.
    subject: Facts<'s>,
    /// The policy as it is and the subject in it, when the subject asks about itself.
    itself: Option<(&'s Snapshot, Facts<'s>)>,
}

impl Glance<'_> {
    /// Whether the answer may be told: nobody learns from the past about what it may not know of now.
    fn tells(&self, question: Question) -> bool {
        self.itself
            .as_ref()
            .is_none_or(|(now, facts)| explain::may_know(now, facts, question))
    }

    fn shows(&self, layer: &VisibleLayer) -> bool {
        let layer = layer.layer.id;
        self.tells(Question::Layer(layer, LayerAct::ReadConfiguration))
    }

    fn decide(&self, question: Question) -> Decision {
        if self.tells(question) {
            rules::decide(self.then, &self.subject, question)
        } else {
            Decision::Denied(DenyReason::NotVisible)
        }
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// What the answers were, in the questions' order: about oneself, or for super administrators about an account as if
    /// it had just signed in then.
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject.
    pub fn check_past(
        &self,
        asking: Asking<'_>,
        past: &Past,
        questions: &[Question],
    ) -> Result<Answer<Vec<Decision>>, CheckError> {
        self.look_back(asking, past, |glance| {
            Ok(questions.iter().map(|q| glance.decide(*q)).collect())
        })
    }

    /// The layers of a project that the subject could view, each with its flags of then (R23).
    ///
    /// # Errors
    /// [`Refusal::NotFound`] when the subject could not open the project, or may not know of it now.
    pub fn list_layers_past(
        &self,
        asking: Asking<'_>,
        past: &Past,
        project: ProjectId,
    ) -> Result<Answer<Vec<VisibleLayer>>, CheckError> {
        self.look_back(asking, past, |glance| {
            let question = Question::Project(project, ProjectAct::Open);
            let opened = listings::opened(glance.then, &glance.subject, project);
            let opened = opened.filter(|_| glance.tells(question));
            let mut layers = opened.ok_or(Refusal::NotFound(Resource::Project(project)))?;
            layers.retain(|layer| glance.shows(layer));
            Ok(layers)
        })
    }

    /// Those of some layers whose configuration the subject could read, each with its flags of then (R43).
    ///
    /// # Errors
    /// [`CheckError`] when the caller may not ask about the subject.
    pub fn list_chosen_layers_past(
        &self,
        asking: Asking<'_>,
        past: &Past,
        ids: &[LayerId],
    ) -> Result<Answer<Vec<VisibleLayer>>, CheckError> {
        self.look_back(asking, past, |glance| {
            let mut layers = listings::readable(glance.then, &glance.subject, ids);
            layers.retain(|layer| glance.shows(layer));
            Ok(layers)
        })
    }

    /// Why an answer was what it was (R45). Whoever may ask for the explanation of now may ask this.
    ///
    /// # Errors
    /// Like [`Self::explain`].
    pub fn explain_past(
        &self,
        asking: Asking<'_>,
        past: &Past,
        question: Question,
    ) -> Result<Answer<Explanation>, CheckError> {
        self.admit_historian(asking.caller)?;
        self.explain_on(asking, Some(past), question)
    }

    fn look_back<T>(
        &self,
        asking: Asking<'_>,
        past: &Past,
        compute: impl FnOnce(&Glance<'_>) -> Result<T, Refusal>,
    ) -> Result<Answer<T>, CheckError> {
        let (now, then) = (self.snapshot(), past.policy());
        let caller = self.admit_historian(asking.caller)?;
        let facts = Facts::of(&now, caller);
        let (itself, standing) = match about(asking)? {
            None => (Some((&*now, facts)), caller),
            Some(subject) if facts.is_super_administrator() => {
                (None, self.present().subject(then, subject))
            }
            Some(_) => return Err(Refusal::Forbidden(Resource::Installation).into()),
        };
        let subject = Facts::of(then, standing);
        let actor = subject.stamp();
        let glance = Glance {
            then,
            subject,
            itself,
        };
        Ok(Answer {
            value: compute(&glance)?,
            token: then.token(),
            valid_for: Duration::ZERO,
            actor,
        })
    }
}
