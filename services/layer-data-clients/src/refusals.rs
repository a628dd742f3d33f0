//! Refusals of layer-data, on their way into authorization's record (R122).
//!
//! They are counted in memory within bounds, equal ones together, and sent every few seconds. No call waits for that,
//! and none fails when it fails: what was not taken is kept for the next time, as far as there is room, and is a number
//! beyond that.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jmap_domain::{
    Caller, Resource, Seen, ServiceId, SessionId, Tallied, Tally, TallyLimits, UserId,
};
use jmap_proto::authorization::{
    AnonymousCaller, AuditedResource, RefusedCalls, ReportRefusalsRequest,
    audit_service_client::AuditServiceClient, refused_calls,
};
use jmap_service::refusals::{RefusalLog, RefusedCall};
use jmap_wire::{resource_kind_to_proto, timestamp};
use tracing::warn;

use crate::{Authorization, authorization::Envelope};

/// Between two reports.
const PAUSE: Duration = Duration::from_secs(2);

/// Whose calls were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Unknown,
    Anonymous,
    Session(SessionId),
}

/// What equal refusals have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct What {
    method: Option<Arc<str>>,
    reason: String,
    resource: Option<Resource>,
}

/// The account behind a call, in whatever session: what is counted for each is bounded.
type Account = (Option<UserId>, Option<ServiceId>);

/// Refusals that were not reported yet. The detail is the request id of the first.
type Unreported = Tally<Account, (Who, What), Arc<str>>;

/// Reports refusals to authorization.
#[derive(Debug)]
pub struct RefusalReports {
    authorization: Authorization,
    unreported: Mutex<Unreported>,
}

impl RefusalReports {
    /// Reports to that service.
    #[must_use]
    pub fn to(authorization: Authorization) -> Self {
        Self {
            authorization,
            unreported: Mutex::new(Tally::new(TallyLimits::default())),
        }
    }

    /// Reports every few seconds, for ever.
    pub async fn run(&self) {
        loop {
            tokio::time::sleep(PAUSE).await;
            self.send().await;
        }
    }

    /// Reports what there is. To be called once more at the end.
    pub async fn send(&self) {
        let taken = {
            let mut unreported = self.lock();
            if unreported.is_empty() {
                return;
            }
            unreported.take()
        };
        let send = |request| {
            let mut client = AuditServiceClient::new(self.authorization.channel());
            async move { client.report_refusals(request).await }
        };
        let message = request(&taken);
        let envelope = Envelope::unprompted();
        let told = self.authorization.exchange(&envelope, message, send).await;
        if let Err(status) = told {
            warn!(code = ?status.code(), reason = status.message(), "refusals could not be reported yet");
            self.lock().give_back(taken);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Unreported> {
        self.unreported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl RefusalLog for RefusalReports {
    fn note(&self, refused: RefusedCall) {
        let RefusedCall {
            method,
            caller,
            user: _,
            reason,
            resource,
            request_id,
        } = refused;
        let (account, who) = match caller {
            None => ((None, None), Who::Unknown),
            Some(Caller::Anonymous) => ((Some(UserId::ANONYMOUS), None), Who::Anonymous),
            Some(Caller::Session(own)) => ((Some(own.user), None), Who::Session(own.session)),
            Some(Caller::Service(own)) => ((None, Some(own.service)), Who::Session(own.session)),
        };
        let what = What {
            method,
            reason,
            resource,
        };
        let seen = Seen::once(now(), request_id);
        self.lock().add(account, (who, what), seen);
    }
}

fn request(taken: &Tallied<Account, (Who, What), Arc<str>>) -> ReportRefusalsRequest {
    let refusals = taken.entries.iter();
    ReportRefusalsRequest {
        refusals: refusals
            .map(|(_, (who, what), seen)| refused_calls(*who, what, seen))
            .collect(),
        dropped_count: number(taken.dropped),
    }
}

fn refused_calls(who: Who, what: &What, seen: &Seen<Arc<str>>) -> RefusedCalls {
    let caller = match who {
        Who::Unknown => None,
        Who::Anonymous => Some(refused_calls::Caller::Anonymous(AnonymousCaller {})),
        Who::Session(session) => Some(refused_calls::Caller::SessionId(session.get())),
    };
    RefusedCalls {
        caller,
        method: what.method.as_deref().unwrap_or_default().to_owned(),
        reason: what.reason.clone(),
        resource: what.resource.map(resource),
        request_id: (*seen.detail).to_owned(),
        time: Some(timestamp(seen.first_at)),
        last_time: Some(timestamp(seen.last_at)),
        count: number(seen.count),
    }
}

fn resource(resource: Resource) -> AuditedResource {
    AuditedResource {
        kind: resource_kind_to_proto(resource).into(),
        id: resource.id().unwrap_or_default(),
        ..AuditedResource::default()
    }
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
