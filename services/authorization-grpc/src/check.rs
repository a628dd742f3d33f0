//! `CheckService`: who may do what (R6, R40, R43–R46). A "no" is a successful answer.

use std::sync::Arc;

use authorization_core::{
    Answer, Asking, CheckError, Refusal, Resource, VisibleLayer,
    model::{Editing, Placement},
    past::Past,
    ports::{Platform, PolicyStore},
};
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use jmap_domain::{
    ActorId, Caller, ConnectionId, Decision, LayerId, ProjectId, Question, Scope, Subject,
};
use jmap_proto::authorization::{self as pb, check_service_server::CheckService};
use jmap_service::{call::CallScope, decoding::in_our_words};
use jmap_wire::{
    FieldPath, FieldViolation, decision_to_proto, duration_to_proto, effective_to_proto,
    format_policy_token, id, list, parse_question, required,
};
use tonic::{Request, Response, Status, Streaming};

use crate::{
    context::{Context, answer, receive, require_scope, require_service},
    explain,
    layer_administration::home,
    page::{Asked, LONG, Page},
    parse::{self, When},
    status::{DOMAIN, Rejection},
};

/// Most questions in one call.
const MAX_QUESTIONS: usize = 100;
/// Most messages of a check stream that are taken in before any is answered.
const AT_ONCE: usize = 32;
/// Most layers named in one call.
const MAX_LAYERS: usize = 1000;

#[derive(Debug)]
pub(crate) struct CheckApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> CheckService for CheckApi<S, P> {
    type CheckStreamStream = BoxStream<'static, Result<pb::CheckStreamResponse, Status>>;

    async fn check(
        &self,
        request: Request<pb::CheckRequest>,
    ) -> Result<Response<pb::CheckResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let Questions { about, questions } = Questions::parse(message)?;
            require_scope(&caller, Scope::Check)?;
            let past = self.0.past(&caller, about.when).await?;
            let asking = about.by(&caller);
            let authority = &self.0.authority;
            let answer = match &past {
                None => authority.check(asking, &questions)?,
                Some(past) => authority.check_past(asking, past, &questions)?,
            };
            Ok(check_response(answer))
        })
        .await
    }

    async fn check_stream(
        &self,
        request: Request<Streaming<pb::CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        answer(async {
            let CallScope {
                caller, deadline, ..
            } = CallScope::of(request.extensions(), DOMAIN)?;
            require_service(&caller, Scope::Check)?;
            let context = Arc::clone(&self.0);
            let ended = context.end_of_stream(deadline);
            // Whether to end is looked at between messages that are there together, not between any two.
            let said = request.into_inner().ready_chunks(AT_ONCE);
            let answers = said.take_until(ended).flat_map(move |said| {
                let context = Arc::clone(&context);
                let said = said.into_iter();
                stream::iter(said.filter_map(move |said| hear(&context, &caller, said).transpose()))
            });
            Ok(answers.boxed())
        })
        .await
    }

    async fn list_effective_permissions(
        &self,
        request: Request<pb::ListEffectivePermissionsRequest>,
    ) -> Result<Response<pb::ListEffectivePermissionsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListEffectivePermissionsRequest {
                subject,
                layers,
                page_size,
                page_token,
                freshness,
            } = message;
            let about = About {
                subject: parse::subject(subject)?,
                when: parse::freshness(freshness)?,
            };
            let chosen = parse_chosen(layers)?;
            require_scope(&caller, Scope::Check)?;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let query = format!("permissions {about:?} {chosen:?}");
            let page = Page::parse(&self.0.pages, query, asked, LONG)?;
            let past = self.0.past(&caller, about.when).await?;
            let Answer {
                value,
                token,
                valid_for: _,
                actor: _,
            } = self.chosen_layers(about.by(&caller), past.as_ref(), &chosen)?;
            let (layers, next_page_token) = page.take(value, place);
            Ok(pb::ListEffectivePermissionsResponse {
                layers: layers.iter().map(layer_permissions).collect(),
                next_page_token,
                policy_token: format_policy_token(token),
            })
        })
        .await
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ExplainRequest {
                subject,
                question,
                freshness,
            } = message;
            let about = About {
                subject: parse::subject(subject)?,
                when: parse::freshness(freshness)?,
            };
            let path = FieldPath::of("question");
            let question = parse_question(&path, required(path.clone(), question)?)?;
            let past = self.0.past(&caller, about.when).await?;
            let asking = about.by(&caller);
            let explanation = match &past {
                None => self.0.authority.explain(asking, question)?,
                Some(past) => self.0.authority.explain_past(asking, past, question)?,
            };
            let names = self.0.names(past.as_ref());
            Ok(explain::response(&names, &explanation))
        })
        .await
    }
}

impl<S: PolicyStore, P: Platform> CheckApi<S, P> {
    /// The layers in the order of their places.
    fn chosen_layers(
        &self,
        asking: Asking<'_>,
        past: Option<&Past>,
        chosen: &Chosen,
    ) -> Result<Answer<Vec<VisibleLayer>>, CheckError> {
        let authority = &self.0.authority;
        match chosen {
            Chosen::Project(project) => match past {
                None => authority.list_layers(asking, *project),
                Some(past) => authority.list_layers_past(asking, past, *project),
            },
            Chosen::Layers(layers) => {
                let mut answer = match past {
                    None => authority.list_chosen_layers(asking, layers)?,
                    Some(past) => authority.list_chosen_layers_past(asking, past, layers)?,
                };
                answer.value.sort_by_key(place);
                answer.value.dedup_by_key(|layer| layer.layer.id);
                Ok(answer)
            }
        }
    }
}

/// Questions about one subject.
struct Questions {
    about: About,
    questions: Vec<Question>,
}

impl Questions {
    fn parse(message: pb::CheckRequest) -> Result<Self, FieldViolation> {
        let pb::CheckRequest {
            subject,
            questions,
            freshness,
        } = message;
        let about = About {
            subject: parse::subject(subject)?,
            when: parse::freshness(freshness)?,
        };
        let questions = parse_questions(questions)?;
        Ok(Self { about, questions })
    }
}

/// Answers the questions of a service, which has none about the past.
fn decide<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    caller: &Caller,
    message: pb::CheckRequest,
) -> Result<pb::CheckResponse, Rejection> {
    let Questions { about, questions } = Questions::parse(message)?;
    require_scope(caller, Scope::Check)?;
    match about.when {
        When::Now { at_least: _ } => {
            let answer = context.authority.check(about.by(caller), &questions)?;
            Ok(check_response(answer))
        }
        When::Then(_) => Err(Refusal::Forbidden(Resource::Installation).into()),
    }
}

fn check_response(answer: Answer<Vec<Decision>>) -> pb::CheckResponse {
    let Answer {
        value,
        token,
        valid_for,
        actor,
    } = answer;
    pb::CheckResponse {
        decisions: value.into_iter().map(decision_to_proto).collect(),
        policy_token: format_policy_token(token),
        valid_for: Some(duration_to_proto(valid_for)),
        actor_id: actor.map_or(0, ActorId::get),
    }
}

/// What is said to a message of a check stream. Each question is decided when it comes, and its asker must still be
/// admitted then, as if it had been a call of its own.
fn hear<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    caller: &Caller,
    said: Result<pb::CheckStreamRequest, Status>,
) -> Result<Option<pb::CheckStreamResponse>, Status> {
    use pb::{
        check_stream_request::Message as Said, check_stream_response::Message as Told,
        numbered_answer::Outcome,
    };
    let said = said.map_err(|status| in_our_words(status, DOMAIN))?;
    let (sequence, request) = match required("message", said.message) {
        Ok(Said::Check(pb::NumberedCheck { sequence, request })) => (sequence, request),
        // A change that takes rights away waits until answers have run out, whether or not they were handed back.
        Ok(Said::Returned(pb::PermitReturned { sequence: _ })) => return Ok(None),
        Err(violation) => return Err(Rejection::from(violation).into()),
    };
    let decided = decide(context, caller, request.unwrap_or_default());
    let outcome = match decided {
        Ok(response) => Outcome::Response(response),
        Err(rejection) => Outcome::ErrorCode(Status::from(rejection).code().into()),
    };
    Ok(Some(pb::CheckStreamResponse {
        message: Some(Told::Answer(pb::NumberedAnswer {
            sequence,
            outcome: Some(outcome),
        })),
    }))
}

/// About whom is asked, and on which policy.
#[derive(Debug)]
struct About {
    subject: Option<Subject>,
    when: When,
}

impl About {
    const fn by<'c>(&self, caller: &'c Caller) -> Asking<'c> {
        Asking {
            caller,
            subject: self.subject,
            at_least: self.when.at_least(),
        }
    }
}

/// Which layers are asked for.
#[derive(Debug)]
enum Chosen {
    Project(ProjectId),
    Layers(Vec<LayerId>),
}

fn parse_questions(questions: Vec<pb::Question>) -> Result<Vec<Question>, FieldViolation> {
    list(
        &"questions".into(),
        questions,
        MAX_QUESTIONS,
        parse_question,
    )
}

fn parse_chosen(
    layers: Option<pb::list_effective_permissions_request::Layers>,
) -> Result<Chosen, FieldViolation> {
    match required("layers", layers)? {
        pb::list_effective_permissions_request::Layers::ProjectId(project) => {
            id("project_id", project).map(Chosen::Project)
        }
        pb::list_effective_permissions_request::Layers::LayerIds(pb::LayerIds { layer_ids }) => {
            let path = FieldPath::of("layer_ids").field("layer_ids");
            parse::ids(&path, &layer_ids, MAX_LAYERS).map(Chosen::Layers)
        }
    }
}

/// A layer's place: its project, its position there, and its id. Personal layers come first.
fn place(visible: &VisibleLayer) -> [u8; 20] {
    let layer = &visible.layer;
    let (project, position) = match layer.placement {
        Placement::Project { project, position } => (project.get(), position),
        Placement::Personal { owner: _ } => (0, 0),
    };
    let mut place = [0; 20];
    let (in_project, rest) = place.split_at_mut(8);
    let (in_order, id) = rest.split_at_mut(4);
    in_project.copy_from_slice(&project.to_be_bytes());
    in_order.copy_from_slice(&position.to_be_bytes());
    id.copy_from_slice(&layer.id.get().to_be_bytes());
    place
}

fn layer_permissions(visible: &VisibleLayer) -> pb::LayerPermissions {
    let VisibleLayer { layer, permissions } = visible;
    let (project_id, owner_user_id) = home(layer);
    pb::LayerPermissions {
        layer_id: layer.id.get(),
        name: layer.name.to_string(),
        project_id,
        owner_user_id,
        connection_id: layer.reference.map_or(0, ConnectionId::get),
        editing_enabled: layer.editing == Editing::Enabled,
        permissions: Some(effective_to_proto(*permissions)),
    }
}
