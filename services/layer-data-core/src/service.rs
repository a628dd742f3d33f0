//! The use cases' common ground: the ports, the limits, and the asking.

use std::{num::NonZeroU64, sync::Arc};

use jmap_domain::{Decision, DenyReason, LayerAct, LayerId, Permission, Question};

use crate::ports::{Answer, Authorizer, AuthorizerError, Call};

/// What layer-data does, over a store (`S`), authorization's answers (`A`) and its registry (`R`). Cheap to clone.
#[derive(Debug)]
pub struct LayerData<S, A, R> {
    pub(crate) store: Arc<S>,
    pub(crate) authorizer: Arc<A>,
    pub(crate) registry: Arc<R>,
    pub(crate) limits: Limits,
}

/// How much one call may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most elements of a read without *copy / export* (R38).
    pub display: NonZeroU64,
    /// Most edits of a batch.
    pub edits: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let display = NonZeroU64::MIN.saturating_add(9_999);
        Self {
            display,
            edits: 1_000,
        }
    }
}

impl<S, A, R> Clone for LayerData<S, A, R> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            authorizer: Arc::clone(&self.authorizer),
            registry: Arc::clone(&self.registry),
            limits: self.limits,
        }
    }
}

/// Why authorization's answer does not let a call begin.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// There is no answer, so the call is refused (R121).
    #[error("authorization cannot be reached")]
    Unavailable,
    /// The caller's deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// The caller's session or account no longer counts (R117).
    #[error("the caller is no longer signed in")]
    SignedOut(DenyReason),
    /// The caller is a service, which has no rights on layers.
    #[error("a service has no rights on layers")]
    NotASubject,
    /// There is no such project, or the caller may not know that there is.
    #[error("the project does not exist")]
    NoSuchProject,
    /// The page token is not one of authorization's.
    #[error("the page token is not valid")]
    BadPageToken,
}

impl From<AuthorizerError> for AskError {
    fn from(error: AuthorizerError) -> Self {
        match error {
            AuthorizerError::Unavailable => Self::Unavailable,
            AuthorizerError::DeadlineExceeded => Self::DeadlineExceeded,
            AuthorizerError::NoSuchProject => Self::NoSuchProject,
            AuthorizerError::BadPageToken => Self::BadPageToken,
            AuthorizerError::NotASubject => Self::NotASubject,
        }
    }
}

impl<S, A, R> LayerData<S, A, R> {
    /// The use cases over these ports.
    #[must_use]
    pub const fn new(store: Arc<S>, authorizer: Arc<A>, registry: Arc<R>, limits: Limits) -> Self {
        Self {
            store,
            authorizer,
            registry,
            limits,
        }
    }

    /// The store, for whoever looks after it.
    #[must_use]
    pub const fn store(&self) -> &Arc<S> {
        &self.store
    }
}

impl<S, A: Authorizer, R> LayerData<S, A, R> {
    /// Asks, and takes nothing but a complete answer for an open session as one (R117, R121).
    pub(crate) async fn ask(
        &self,
        call: &Call,
        questions: &[Question],
    ) -> Result<Answer, AskError> {
        let answer = self.authorizer.ask(call, questions).await?;
        if answer.decisions.len() != questions.len() {
            return Err(AskError::Unavailable);
        }
        match answer.decisions.iter().find_map(signed_out) {
            Some(reason) => Err(AskError::SignedOut(reason)),
            None => Ok(answer),
        }
    }
}

fn signed_out(decision: &Decision) -> Option<DenyReason> {
    match decision {
        Decision::All | Decision::Own { creator: _ } => None,
        Decision::Denied(reason) => match reason {
            DenyReason::SessionClosed
            | DenyReason::SessionExpired
            | DenyReason::AccountDisabled => Some(*reason),
            DenyReason::NotVisible
            | DenyReason::NoGrant
            | DenyReason::EditingDisabled
            | DenyReason::OwnsNothing => None,
        },
    }
}

/// The question whether elements of a layer may be acted on.
pub(crate) const fn elements(layer: LayerId, permission: Permission) -> Question {
    Question::Layer(layer, LayerAct::Elements(permission))
}
