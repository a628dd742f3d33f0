//! Refused calls of this service, on their way into the record.

use std::{fmt, sync::Arc};

use authorization_core::{
    Authority,
    audit::{Refused, Who},
    ports::{Platform, PolicyStore},
};
use jmap_domain::{Caller, ServiceId};
use jmap_proto::authorization::{check_service_server, session_service_server};
use jmap_service::refusals::{RefusalLog, RefusedCall};

/// Gives refused calls to the authority, for the stack.
pub struct RefusedCalls<S, P>(pub Arc<Authority<S, P>>);

impl<S, P> fmt::Debug for RefusedCalls<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefusedCalls(..)")
    }
}

impl<S: PolicyStore, P: Platform> RefusalLog for RefusedCalls<S, P> {
    fn note(&self, refused: RefusedCall) {
        if is_recorded_otherwise(&refused) {
            return;
        }
        let who = who(&refused);
        let RefusedCall {
            method,
            caller: _,
            user: _,
            reason,
            resource,
            request_id,
        } = refused;
        let refused = Refused {
            method,
            reason,
            resource,
            request: Some(request_id),
        };
        self.0.note_refusal(who, refused);
    }
}

/// Sign-ins are recorded where it is known whose account was meant. What a service asks about somebody, and is answered
/// with "not found", is the refusal of that somebody's call, which the service reports.
fn is_recorded_otherwise(refused: &RefusedCall) -> bool {
    let path = refused.method.as_deref().unwrap_or_default();
    let (service, method) = path
        .strip_prefix('/')
        .and_then(|path| path.split_once('/'))
        .unwrap_or_default();
    let is_sign_in = service == session_service_server::SERVICE_NAME && method == "SignIn";
    let is_answer = service == check_service_server::SERVICE_NAME
        && refused.reason == "NOT_FOUND"
        && matches!(refused.caller, Some(Caller::Service(_)));
    is_sign_in || is_answer
}

/// Who is refused: the user whose call was passed on, if one was.
fn who(refused: &RefusedCall) -> Who {
    match (refused.caller, refused.user) {
        (None, _) => Who::Unknown { via: None },
        (Some(caller), None) => Who::of(&caller, None),
        (Some(caller), Some(user)) => Who::of(&user, service(caller)),
    }
}

const fn service(caller: Caller) -> Option<ServiceId> {
    match caller {
        Caller::Service(service) => Some(service.service),
        Caller::Anonymous | Caller::Session(_) => None,
    }
}
