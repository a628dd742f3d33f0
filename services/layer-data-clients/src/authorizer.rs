//! Questions to authorization.

use std::time::Instant;

use jmap_domain::{ActorId, Caller, Decision, Question, Subject, UserId};
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, check_service_client::CheckServiceClient,
};
use jmap_wire::{decision_from_proto, duration_from_proto, question_to_proto, subject_to_proto};
use layer_data_core::ports::{
    Answer, Authorizer, AuthorizerError, Call, LayerFilter, LayerPage, PageRequest,
};
use tonic::{Code, Status};
use tracing::{error, warn};

use crate::{Authorization, authorization::Envelope};

impl Authorizer for Authorization {
    async fn ask(&self, call: &Call, questions: &[Question]) -> Result<Answer, AuthorizerError> {
        let subject = subject(call.caller)?;
        let message = CheckRequest {
            subject: Some(subject_to_proto(subject)),
            questions: questions.iter().copied().map(question_to_proto).collect(),
            freshness: None,
        };
        // The validity counts from before the question was sent, so that the way there is not a gift.
        let asked_at = Instant::now();
        let send = |request| {
            let mut client = CheckServiceClient::new(self.channel());
            async move { client.check(request).await }
        };
        let envelope = Envelope::about(call);
        let answered = match self.line().ask(self, &message, envelope.deadline()).await {
            Some(answered) => answered,
            None => self.exchange(&envelope, message, send).await,
        };
        let response = answered.map_err(|status| authorizer_error(call, &status))?;
        answer(response, asked_at).ok_or(AuthorizerError::Unavailable)
    }

    async fn layers(
        &self,
        call: &Call,
        filter: &LayerFilter,
        page: &PageRequest,
    ) -> Result<LayerPage, AuthorizerError> {
        self.list_layers(call, filter, page).await
    }
}

/// About whom a caller's questions are. Only a session lets authorization see closed and expired ones (R117).
pub(crate) const fn subject(caller: Caller) -> Result<Subject, AuthorizerError> {
    match caller {
        Caller::Anonymous => Ok(Subject::Anonymous),
        Caller::Session(caller) => Ok(Subject::Session(caller.session)),
        Caller::Service(_) => Err(AuthorizerError::NotASubject),
    }
}

/// `None` when something is allowed to nobody in particular: such an answer is none.
fn answer(response: CheckResponse, asked_at: Instant) -> Option<Answer> {
    let CheckResponse {
        decisions,
        policy_token,
        valid_for,
        actor_id,
    } = response;
    let decisions: Vec<Decision> = decisions.into_iter().map(decision_from_proto).collect();
    let all_denied = decisions
        .iter()
        .all(|decision| matches!(decision, Decision::Denied(_)));
    let actor = match ActorId::new(actor_id) {
        Ok(actor) => actor,
        // Who is denied everything writes nothing, so nobody is stamped.
        Err(_) if all_denied => UserId::ANONYMOUS.into(),
        Err(error) => {
            error!(%error, "authorization allowed an act to nobody");
            return None;
        }
    };
    Some(Answer {
        decisions,
        actor,
        valid_until: asked_at + duration_from_proto(valid_for),
        policy_token,
    })
}

/// What a status of authorization means for a question. Its text is for the log only.
pub(crate) fn authorizer_error(call: &Call, status: &Status) -> AuthorizerError {
    if status.code() == Code::DeadlineExceeded && call.deadline <= Instant::now() {
        return AuthorizerError::DeadlineExceeded;
    }
    let (code, message) = (status.code(), status.message());
    warn!(?code, message, "authorization did not answer");
    AuthorizerError::Unavailable
}
