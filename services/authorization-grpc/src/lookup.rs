//! `LookupService`: which layers, which accounts, all that somebody holds, and what-if (R19, R40, R41, R45, R46).

mod parts;
mod proposal;
mod show;

use std::sync::Arc;

use authorization_core::{
    Answer, Asking,
    lookup::{FoundLayer, Inquiry, LayerPlace, LayersWanted, On, Portion, ReportPlace},
    past::Past,
    ports::{Platform, PolicyStore},
    suppose::Proposal,
};
use futures::stream::BoxStream;
use jmap_domain::{Caller, PolicyToken, PrincipalId, Question, Subject, UserId};
use jmap_proto::{
    authorization::{self as pb, lookup_service_server::LookupService},
    types,
};
use jmap_service::call::CallScope;
use jmap_wire::{
    FieldPath, FieldViolation, enumeration, format_policy_token, layer_act_from_proto, list,
    optional_id, parse_question, required,
};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    page::{Asked, LONG, Limits, Page, SHORT, number},
    parse::{self, When},
    status::{DOMAIN, Rejection},
};
use parts::{Part, parts};
use proposal::parse_proposals;

/// Most questions in one call.
const MAX_QUESTIONS: usize = 100;

/// A request without its page, so that a token fits no other. A token says where a part begins, and never what may
/// be in it.
macro_rules! unpaged {
    ($message:ident) => {{
        let mut message = $message.clone();
        message.page_size = 0;
        message.page_token.clear();
        message
    }};
}

type Parts<T> = BoxStream<'static, Result<T, Status>>;

#[derive(Debug)]
pub(crate) struct LookupApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> LookupService for LookupApi<S, P> {
    type LookupLayersStream = Parts<pb::LookupLayersResponse>;
    type LookupSubjectsStream = Parts<pb::LookupSubjectsResponse>;
    type ReportPermissionsStream = Parts<pb::ReportPermissionsResponse>;

    async fn lookup_layers(
        &self,
        request: Request<pb::LookupLayersRequest>,
    ) -> Result<Response<Self::LookupLayersStream>, Status> {
        answer(self.stream(request, Lookup::of_layers, layers_part)).await
    }

    async fn lookup_subjects(
        &self,
        request: Request<pb::LookupSubjectsRequest>,
    ) -> Result<Response<Self::LookupSubjectsStream>, Status> {
        answer(self.stream(request, Lookup::of_subjects, subjects_part)).await
    }

    async fn report_permissions(
        &self,
        request: Request<pb::ReportPermissionsRequest>,
    ) -> Result<Response<Self::ReportPermissionsStream>, Status> {
        answer(self.stream(request, Lookup::of_report, report_part)).await
    }

    async fn what_if(
        &self,
        request: Request<pb::WhatIfRequest>,
    ) -> Result<Response<pb::WhatIfResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::WhatIfRequest {
                subject,
                questions,
                supposing,
                freshness,
            } = message;
            let path = FieldPath::of("questions");
            let questions = list(&path, questions, MAX_QUESTIONS, parse_question)?;
            let supposing = parse_proposals(supposing)?;
            let asking = Asking {
                caller: &caller,
                subject: parse::subject(subject)?,
                at_least: parse_now(freshness)?,
            };
            let inquiry = Inquiry {
                asking,
                on: On::Supposing(&supposing),
            };
            let answer = self.0.authority.what_if(inquiry, &questions)?;
            let snapshot = self.0.authority.snapshot();
            let answers = answer.value.iter();
            let answers = answers.map(|one| show::supposed(&snapshot, answer.actor, one));
            Ok(pb::WhatIfResponse {
                answers: answers.collect(),
                policy_token: format_policy_token(answer.token),
            })
        })
        .await
    }
}

/// How new the policy must be for a question that is not about the past.
fn parse_now(freshness: Option<types::Freshness>) -> Result<Option<PolicyToken>, FieldViolation> {
    match parse::freshness(freshness)? {
        When::Now { at_least } => Ok(at_least),
        When::Then(_) => {
            let path = FieldPath::of("freshness");
            Err(path.invalid("changes are supposed to what is, not to what was"))
        }
    }
}

/// What parses a request into a list that is asked for, and what it is a list of.
type Parse<M, W> = fn(Caller, M) -> Result<(Lookup, W), Rejection>;
/// What makes the part of a list that a token begins.
type Make<S, P, W, T> = fn(&Context<S, P>, &Lookup, W, &str) -> Result<Part<T>, Rejection>;

impl<S: PolicyStore, P: Platform> LookupApi<S, P> {
    async fn stream<M: Send, W: Copy + Send + 'static, T: Send + 'static>(
        &self,
        request: Request<M>,
        parse: Parse<M, W>,
        make: Make<S, P, W, T>,
    ) -> Result<Parts<T>, Rejection> {
        let deadline = CallScope::of(request.extensions(), DOMAIN)?.deadline;
        let ended = self.0.end_of_stream(deadline);
        let (caller, message) = receive(request)?;
        let (mut asked, wanted) = parse(caller, message)?;
        asked.past = self.0.past(&asked.caller, asked.when).await?;
        let (context, first) = (Arc::clone(&self.0), asked.token.clone());
        parts(ended, &first, move |token| {
            make(&context, &asked, wanted, token)
        })
    }
}

/// What every request for a list has.
struct Common {
    freshness: Option<types::Freshness>,
    supposing: Vec<pb::ProposedChange>,
    size: i32,
    token: String,
}

/// A list that is asked for, without what it is a list of.
#[derive(Debug)]
struct Lookup {
    caller: Caller,
    subject: Option<Subject>,
    when: When,
    /// The policy as it was, for all parts.
    past: Option<Past>,
    supposing: Vec<Proposal>,
    /// What must be the same for a token to fit.
    query: String,
    size: i32,
    token: String,
    limits: Limits,
}

impl Lookup {
    fn of(caller: Caller, query: String, common: Common) -> Result<Self, Rejection> {
        let Common {
            freshness,
            supposing,
            size,
            token,
        } = common;
        let when = parse::freshness(freshness)?;
        if matches!(when, When::Then(_)) && !supposing.is_empty() {
            let path = FieldPath::of("supposing");
            return Err(path.invalid("changes what is, not what was").into());
        }
        Ok(Self {
            caller,
            subject: None,
            when,
            past: None,
            supposing: parse_proposals(supposing)?,
            query,
            size,
            token,
            limits: SHORT,
        })
    }

    fn of_layers(
        caller: Caller,
        message: pb::LookupLayersRequest,
    ) -> Result<(Self, LayersWanted), Rejection> {
        let query = format!("layers {message:?}", message = unpaged!(message));
        let pb::LookupLayersRequest {
            subject,
            act,
            project_id,
            page_size: size,
            page_token: token,
            freshness,
            supposing,
        } = message;
        let subject = parse::subject(subject)?;
        let wanted = LayersWanted {
            act: enumeration("act", act, layer_act_from_proto)?,
            project: optional_id("project_id", project_id)?,
        };
        let common = Common {
            freshness,
            supposing,
            size,
            token,
        };
        let asked = Self {
            subject,
            limits: LONG,
            ..Self::of(caller, query, common)?
        };
        Ok((asked, wanted))
    }

    fn of_subjects(
        caller: Caller,
        message: pb::LookupSubjectsRequest,
    ) -> Result<(Self, Question), Rejection> {
        let query = format!("subjects {message:?}", message = unpaged!(message));
        let pb::LookupSubjectsRequest {
            question,
            page_size: size,
            page_token: token,
            freshness,
            supposing,
        } = message;
        let path = FieldPath::of("question");
        let question = parse_question(&path, required(path.clone(), question)?)?;
        let common = Common {
            freshness,
            supposing,
            size,
            token,
        };
        Ok((Self::of(caller, query, common)?, question))
    }

    fn of_report(
        caller: Caller,
        message: pb::ReportPermissionsRequest,
    ) -> Result<(Self, PrincipalId), Rejection> {
        let query = format!("report {message:?}", message = unpaged!(message));
        let pb::ReportPermissionsRequest {
            principal,
            page_size: size,
            page_token: token,
            freshness,
            supposing,
        } = message;
        let principal = parse::principal(&"principal".into(), principal)?;
        let common = Common {
            freshness,
            supposing,
            size,
            token,
        };
        Ok((Self::of(caller, query, common)?, principal))
    }

    fn inquiry(&self) -> Inquiry<'_> {
        Inquiry {
            asking: Asking {
                caller: &self.caller,
                subject: self.subject,
                at_least: self.when.at_least(),
            },
            on: match &self.past {
                None => On::Supposing(&self.supposing),
                Some(past) => On::Past(past),
            },
        }
    }

    fn page<'k, S: PolicyStore, P: Platform>(
        &self,
        context: &'k Context<S, P>,
        token: &str,
    ) -> Result<Page<'k>, Rejection> {
        let asked = Asked {
            size: self.size,
            token,
        };
        let page = Page::parse(&context.pages, self.query.clone(), asked, self.limits)?;
        Ok(page)
    }
}

fn layers_part<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    asked: &Lookup,
    wanted: LayersWanted,
    token: &str,
) -> Result<Part<pb::LookupLayersResponse>, Rejection> {
    let page = asked.page(context, token)?;
    let portion = Portion {
        after: show::layer_place(&page.after),
        limit: page.size + 1,
    };
    let Answer { value, token, .. } =
        context
            .authority
            .lookup_layers(asked.inquiry(), wanted, portion)?;
    let place = |one: &FoundLayer| show::layer_place_to_bytes(LayerPlace::of(&one.layer));
    let (found, next) = page.cut(value, place);
    let part = pb::LookupLayersResponse {
        layers: found.iter().map(show::usable).collect(),
        next_page_token: next.clone(),
        policy_token: format_policy_token(token),
    };
    Ok(Part { part, next })
}

fn subjects_part<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    asked: &Lookup,
    question: Question,
    token: &str,
) -> Result<Part<pb::LookupSubjectsResponse>, Rejection> {
    let page = asked.page(context, token)?;
    let portion = Portion {
        after: UserId::new(page.after_number()).ok(),
        limit: page.size + 1,
    };
    let Answer { value, token, .. } =
        context
            .authority
            .lookup_subjects(asked.inquiry(), question, portion)?;
    let (found, next) = page.cut(value, |one| number(one.user.id.get()));
    let snapshot = context.names(asked.past.as_ref());
    let part = pb::LookupSubjectsResponse {
        subjects: found
            .iter()
            .map(|one| show::allowed(&snapshot, one))
            .collect(),
        next_page_token: next.clone(),
        policy_token: format_policy_token(token),
    };
    Ok(Part { part, next })
}

fn report_part<S: PolicyStore, P: Platform>(
    context: &Context<S, P>,
    asked: &Lookup,
    principal: PrincipalId,
    token: &str,
) -> Result<Part<pb::ReportPermissionsResponse>, Rejection> {
    let page = asked.page(context, token)?;
    let portion: Portion<ReportPlace> = Portion {
        after: show::report_place(&page.after),
        limit: page.size + 1,
    };
    let Answer { value, token, .. } =
        context
            .authority
            .report(asked.inquiry(), principal, portion)?;
    let (found, next) = page.cut(value, |one| show::report_place_to_bytes(one.place));
    let snapshot = context.names(asked.past.as_ref());
    let entries = found.iter().flat_map(|one| &one.holdings);
    let part = pb::ReportPermissionsResponse {
        entries: entries.map(|one| show::entry(&snapshot, one)).collect(),
        next_page_token: next.clone(),
        policy_token: format_policy_token(token),
    };
    Ok(Part { part, next })
}
