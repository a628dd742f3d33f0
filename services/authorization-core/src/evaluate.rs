//! Questions of programs that enforce the answers themselves, and name subjects as they know them.

use jmap_domain::{Caller, Decision, DenyReason, Name, Question, Scope, Subject};

use crate::{
    Asking, Authority, Facts, Refusal, Standing,
    ports::{Platform, PolicyStore},
    rules,
};

/// About whom a program asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Person {
    /// Somebody known by an id, or nobody signed in.
    Known(Subject),
    /// The account of that name, as if it had just signed in.
    Named(Name),
}

/// One question of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// About whom.
    pub person: Person,
    /// What.
    pub question: Question,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Answers questions about anybody, in their order, all on one snapshot. The answers are for what the program is
    /// doing now: they are no permits, and nothing waits for them to run out. Accounts that are not known are decided
    /// about as those that may not be used.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a service with scope *check* asks.
    pub fn evaluate(
        &self,
        caller: &Caller,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Decision>, Refusal> {
        self.admit_service(caller, Scope::Check)?;
        let snapshot = self.snapshot();
        let decide = |Evaluation { person, question }: &Evaluation| {
            let subject = match person {
                Person::Known(subject) => Some(*subject),
                Person::Named(name) => snapshot.user_named(name).map(|user| Subject::User(user.id)),
            };
            let standing = subject
                .map_or(Standing::Barred(DenyReason::AccountDisabled), |subject| {
                    self.present().subject(&snapshot, subject)
                });
            let decision = rules::decide(&snapshot, &Facts::of(&snapshot, standing), *question);
            if let Some(subject) = subject {
                self.note_checks(
                    Asking::about(caller, subject),
                    &[*question],
                    (&[decision], snapshot.token()),
                );
            }
            decision
        };
        Ok(evaluations.iter().map(decide).collect())
    }
}
