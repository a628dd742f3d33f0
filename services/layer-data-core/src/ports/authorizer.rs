//! The port to authorization's answers.

use std::{future::Future, time::Instant};

use jmap_domain::{
    ActorId, ConnectionId, Decision, EffectivePermissions, LayerId, ProjectId, Question, UserId,
};

use super::{Call, EditingSwitch};

/// Answers who may do what. Nothing else here decides about rights, and nothing remembers an answer beyond its
/// validity (R121).
pub trait Authorizer: Send + Sync + 'static {
    /// Answers questions about whoever makes the call, all at one state of the policy, in their order.
    ///
    /// # Errors
    /// [`AuthorizerError`] when there is no answer. The use cases then refuse; they never guess (R121).
    fn ask(
        &self,
        call: &Call,
        questions: &[Question],
    ) -> impl Future<Output = Result<Answer, AuthorizerError>> + Send;

    /// Lists layers that whoever makes the call can open and view, in the administrator's order, each with what the
    /// caller may do (R23, R43).
    ///
    /// # Errors
    /// [`AuthorizerError`] when there is no answer, or no such project.
    fn layers(
        &self,
        call: &Call,
        filter: &LayerFilter,
        page: &PageRequest,
    ) -> impl Future<Output = Result<LayerPage, AuthorizerError>> + Send;
}

/// The answers to some questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// One decision for each question.
    pub decisions: Vec<Decision>,
    /// Who is stamped on what the caller writes (R59).
    pub actor: ActorId,
    /// Until when the answers may be acted on: from before the question was sent, plus their validity.
    pub valid_until: Instant,
    /// The state of the policy that they were made at; opaque.
    pub policy_token: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizerError {
    /// Authorization cannot be reached, or does not answer properly (R121).
    #[error("authorization cannot be reached")]
    Unavailable,
    /// The caller's deadline passed.
    #[error("the deadline passed")]
    DeadlineExceeded,
    /// There is no such project, or the caller may not know that there is (R21).
    #[error("the project does not exist")]
    NoSuchProject,
    /// The page token is not one of authorization's.
    #[error("the page token is not valid")]
    BadPageToken,
    /// Services ask about others; they have no rights on elements themselves.
    #[error("a service has no rights on layers")]
    NotASubject,
}

/// Which layers to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerFilter {
    /// Those of a project.
    Project(ProjectId),
    /// These; at most 1,000.
    Layers(Vec<LayerId>),
}

/// Which part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// Most entries; 0 means the service's choice.
    pub size: u32,
    /// Where to go on; empty at the beginning.
    pub token: String,
}

/// A part of a list of layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPage {
    /// The layers.
    pub layers: Vec<RegisteredLayer>,
    /// Where to go on; empty at the end.
    pub next_token: String,
    /// The state of the policy that the list was made at; opaque.
    pub policy_token: String,
}

/// What the registry knows of a layer, and what the caller may do with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredLayer {
    /// The layer.
    pub layer: LayerId,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub placement: LayerPlacement,
    /// The connection of a layer that is a reference to another instance's.
    pub connection: Option<ConnectionId>,
    /// Whether editing is enabled on it (R31).
    pub editing: EditingSwitch,
    /// What the caller may do: exactly what the writes enforce (R44).
    pub permissions: EffectivePermissions,
}

/// Where a registered layer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerPlacement {
    /// In a project.
    Project(ProjectId),
    /// A personal layer of this user.
    Personal(UserId),
}
