//! `AuditService`: the record of who did what, and what was refused (R122).

mod parse;
mod refused;
mod show;
mod stream;

use std::sync::Arc;

use authorization_core::{
    audit::{AuditAsked, AuditPortion, Order},
    ports::{Platform, PolicyStore},
};
use futures::stream::BoxStream;
use jmap_domain::{Caller, Scope};
use jmap_proto::authorization::{self as pb, audit_service_server::AuditService};
use jmap_service::call::{CallScope, Deadline};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive, require_service},
    page::{Asked, Page, SHORT, number},
    status::DOMAIN,
};

pub use refused::RefusedCalls;

#[derive(Debug)]
pub(crate) struct AuditApi<S, P>(pub(crate) Arc<Context<S, P>>);

/// A stream that somebody has asked for.
#[derive(Debug)]
struct Followed {
    caller: Caller,
    deadline: Deadline,
    asked: AuditAsked,
    follow: Follow,
}

/// Whether a stream goes on with what is recorded later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    On,
    ToTheEnd,
}

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> AuditService for AuditApi<S, P> {
    type StreamAuditRecordsStream =
        BoxStream<'static, Result<pb::StreamAuditRecordsResponse, Status>>;

    async fn list_audit_records(
        &self,
        request: Request<pb::ListAuditRecordsRequest>,
    ) -> Result<Response<pb::ListAuditRecordsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListAuditRecordsRequest {
                filter,
                page_size: size,
                page_token,
            } = message;
            let query = format!("audit {filter:?}");
            let token = &page_token;
            let page = Page::parse(&self.0.pages, query, Asked { size, token }, SHORT)?;
            let portion = AuditPortion {
                after: (!page.after.is_empty()).then(|| page.after_number()),
                order: Order::NewestFirst,
                limit: page.size,
            };
            let asked = parse::asked(filter)?;
            let part = self
                .0
                .authority
                .audit_part(&caller, &asked, portion)
                .await?;
            let next_page_token = if part.is_last {
                String::new()
            } else {
                page.seal(&number(part.looked_at))
            };
            Ok(pb::ListAuditRecordsResponse {
                records: show::records(&self.0.authority.snapshot(), &part.records),
                next_page_token,
            })
        })
        .await
    }

    async fn stream_audit_records(
        &self,
        request: Request<pb::StreamAuditRecordsRequest>,
    ) -> Result<Response<Self::StreamAuditRecordsStream>, Status> {
        answer(async {
            let CallScope { deadline, .. } = CallScope::of(request.extensions(), DOMAIN)?;
            let (caller, message) = receive(request)?;
            let pb::StreamAuditRecordsRequest {
                filter,
                after_record_id,
                from_now,
                follow,
            } = message;
            let followed = Followed {
                caller,
                deadline,
                asked: parse::asked(filter)?,
                follow: if follow { Follow::On } else { Follow::ToTheEnd },
            };
            let after = if from_now {
                self.0.authority.last_record().await?
            } else {
                parse::record_number("after_record_id", after_record_id)?
            };
            stream::records(Arc::clone(&self.0), followed, after).await
        })
        .await
    }

    async fn report_refusals(
        &self,
        request: Request<pb::ReportRefusalsRequest>,
    ) -> Result<Response<pb::ReportRefusalsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            require_service(&caller, Scope::Check)?;
            let (reports, dropped) = parse::reports(message)?;
            self.0
                .authority
                .report_refusals(&caller, reports, dropped)?;
            Ok(pb::ReportRefusalsResponse {})
        })
        .await
    }
}
