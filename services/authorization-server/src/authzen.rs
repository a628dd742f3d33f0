//! The door for programs that speak OpenID AuthZEN (Authorization API 1.0): evaluations as JSON over HTTP, by the same
//! rules as the gRPC side. For service accounts with the scope *check*.

mod answer;
mod fault;
mod request;

use std::{sync::Arc, time::Duration};

use authorization_core::{
    Authority,
    audit::{Refused, Who},
};
use authorization_store::SqlStore;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Extension, Request, State},
    http::HeaderMap,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use jmap_domain::Caller;
use jmap_service::{
    bearer,
    call::{REQUEST_ID_KEY, RequestId},
    config::ServiceOptions,
    token::Authenticator,
};
use serde::Serialize;
use tokio::{sync::Semaphore, time::timeout};

use crate::Platform;
use answer::{Evaluated, Listed};
use fault::Fault;
use request::{Asked, Evaluations, Semantic};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const CONFIGURATION: &str = "/.well-known/authzen-configuration";

/// What the door needs, and its limits.
#[derive(Debug)]
pub(crate) struct Door {
    authority: Arc<Authority<SqlStore, Platform>>,
    authenticator: Arc<Authenticator>,
    places: Semaphore,
    call_timeout: Duration,
}

impl Door {
    /// With the limits of the gRPC side.
    pub(crate) fn new(
        authority: Arc<Authority<SqlStore, Platform>>,
        authenticator: Arc<Authenticator>,
        service: &ServiceOptions,
    ) -> Self {
        let most = service.max_concurrent_calls.min(Semaphore::MAX_PERMITS);
        Self {
            authority,
            authenticator,
            places: Semaphore::new(most),
            call_timeout: service.call_timeout,
        }
    }

    /// Who calls; nothing of the body is read before.
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Fault> {
        let token = bearer(headers)?.ok_or(Fault::NoToken)?;
        Ok(self.authenticator.authenticate(token).await?)
    }

    async fn pass(&self, mut request: Request, next: Next) -> Result<Response, Fault> {
        let _place = self.places.try_acquire().map_err(|_full| Fault::Busy)?;
        let path = Arc::from(request.uri().path());
        let noted = |who, fault| self.noted(who, fault, Arc::clone(&path));
        let caller = self.caller(request.headers()).await;
        let caller = caller.map_err(|fault| noted(Who::Unknown { via: None }, fault))?;
        // Whoever may not ask learns it whatever it asks.
        let admitted = self.authority.evaluate(&caller, &[]);
        admitted.map_err(|refusal| noted(Who::of(&caller, None), refusal.into()))?;
        request.extensions_mut().insert(caller);
        Ok(next.run(request).await)
    }

    /// Takes note of a refusal for the audit record, as the stack does for calls by gRPC (R122).
    fn noted(&self, who: Who, fault: Fault, path: Arc<str>) -> Fault {
        if let Some(reason) = fault.reason() {
            let refused = Refused {
                method: Some(path),
                reason: reason.to_owned(),
                resource: None,
                request: None,
            };
            self.authority.note_refusal(who, refused);
        }
        fault
    }

    fn evaluate(&self, caller: &Caller, asked: Vec<Asked>) -> Result<Vec<Evaluated>, Fault> {
        let known = asked.iter().filter_map(Asked::evaluation).cloned();
        let known: Vec<_> = known.collect();
        let mut decisions = self.authority.evaluate(caller, &known)?.into_iter();
        let answer = |asked: Asked| match asked {
            Asked::Known(_) => decisions.next().map_or(Evaluated::NO, Evaluated::from),
            Asked::Nothing => Evaluated::NO,
            Asked::Wrong(sentence) => Evaluated::wrong(sentence),
        };
        Ok(asked.into_iter().map(answer).collect())
    }
}

/// The routes of the door. `url` is where callers reach the port.
pub(crate) fn routes(door: Door, url: &str, service: &ServiceOptions) -> Router {
    let door = Arc::new(door);
    let configuration = Configuration::at(url);
    Router::new()
        .route(EVALUATION, post(evaluation))
        .route(EVALUATIONS, post(evaluations))
        .layer(DefaultBodyLimit::max(service.max_message_bytes))
        .layer(from_fn_with_state(Arc::clone(&door), guard))
        .with_state(door)
        .route(CONFIGURATION, get(async move || Json(configuration)))
}

/// Where the calls are.
#[derive(Clone, Serialize)]
struct Configuration {
    policy_decision_point: String,
    access_evaluation_endpoint: String,
    access_evaluations_endpoint: String,
}

impl Configuration {
    fn at(url: &str) -> Self {
        let url = url.trim_end_matches('/');
        Self {
            policy_decision_point: url.to_owned(),
            access_evaluation_endpoint: format!("{url}{EVALUATION}"),
            access_evaluations_endpoint: format!("{url}{EVALUATIONS}"),
        }
    }
}

/// Before every call: its id, its place, its deadline, and who makes it.
async fn guard(State(door): State<Arc<Door>>, request: Request, next: Next) -> Response {
    let id = request.headers().get(REQUEST_ID_KEY);
    let id = id.filter(|id| id.to_str().is_ok_and(|id| RequestId::parse(id).is_some()));
    let id = id.cloned();
    let passed = timeout(door.call_timeout, door.pass(request, next)).await;
    let passed = passed.unwrap_or(Err(Fault::Late));
    let mut response = passed.unwrap_or_else(IntoResponse::into_response);
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID_KEY, id);
    }
    response
}

async fn evaluation(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Json<Evaluated>, Fault> {
    one(&door, &caller, &request::evaluation(&body)?).map(Json)
}

/// Several; without a list of them it is one, made of the defaults.
async fn evaluations(
    State(door): State<Arc<Door>>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, Fault> {
    let Evaluations {
        defaults,
        items,
        semantic,
    } = request::evaluations(&body)?;
    if items.is_empty() {
        return one(&door, &caller, &defaults).map(|one| Json(one).into_response());
    }
    let asked = items
        .into_iter()
        .map(|item| item.or(&defaults).ask())
        .collect();
    let mut evaluations = door.evaluate(&caller, asked)?;
    let decides = |evaluated: &Evaluated| match semantic {
        Semantic::ExecuteAll => false,
        Semantic::DenyOnFirstDeny => !evaluated.decision,
        Semantic::PermitOnFirstPermit => evaluated.decision,
    };
    if let Some(at) = evaluations.iter().position(decides) {
        evaluations.truncate(at.saturating_add(1));
    }
    Ok(Json(Listed { evaluations }).into_response())
}

fn one(door: &Door, caller: &Caller, asked: &request::Evaluation) -> Result<Evaluated, Fault> {
    let asked = match asked.ask() {
        Asked::Wrong(sentence) => return Err(Fault::Bad(sentence)),
        asked @ (Asked::Known(_) | Asked::Nothing) => asked,
    };
    let evaluated = door.evaluate(caller, vec![asked])?.pop();
    Ok(evaluated.unwrap_or(Evaluated::NO))
}
