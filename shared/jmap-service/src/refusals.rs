//! What is known of a running call, so that every refusal can be recorded, whoever decided it (R122).
//!
//! The outermost layer of the stack looks at how each call ends. Items of an answer that are refused one by one are
//! noted where they are made, by [`current`].

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use http::HeaderMap;
use jmap_domain::{Caller, Resource};
use jmap_proto::types::ItemError;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::call::RequestId;

tokio::task_local! {
    static CURRENT: Arc<CallNotes>;
}

/// Refusals that are no mistake of the request and no stale revision: the rules said no to somebody's act.
const RULES: [&str; 5] = [
    "EDITING_DISABLED",
    "CANNOT_OPEN_PROJECT",
    "LAST_ADMINISTRATOR",
    "SPECIAL_PRINCIPAL",
    "NOT_GRANTABLE",
];

/// Keeps refusals. Called on the way of an answer, so it must not wait.
pub trait RefusalLog: fmt::Debug + Send + Sync + 'static {
    /// Takes note of a refusal.
    fn note(&self, refused: RefusedCall);
}

/// A call, or a part of one, that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedCall {
    /// The path of the method; `None` for one that is not in the contract.
    pub method: Option<Arc<str>>,
    /// Who called; `None` when its token was not accepted.
    pub caller: Option<Caller>,
    /// The user whose call the caller passed on.
    pub user: Option<Caller>,
    /// The reason, a value of the service's `ErrorReason` without its prefix.
    pub reason: String,
    /// What the refusal is about, where it is one thing.
    pub resource: Option<Resource>,
    /// The id that follows the call through both services.
    pub request_id: Arc<str>,
}

/// What the stack knows of a call while it runs.
#[derive(Debug)]
pub struct CallNotes {
    request_id: RequestId,
    method: Option<Arc<str>>,
    log: Option<Arc<dyn RefusalLog>>,
    caller: OnceLock<Caller>,
    user: OnceLock<Caller>,
    is_recorded_elsewhere: AtomicBool,
}

/// The call that this task works on; `None` outside the stack, as in work that goes on by itself.
#[must_use]
pub fn current() -> Option<Arc<CallNotes>> {
    CURRENT.try_with(Arc::clone).ok()
}

impl CallNotes {
    pub(crate) const fn new(
        request_id: RequestId,
        method: Option<Arc<str>>,
        log: Option<Arc<dyn RefusalLog>>,
    ) -> Self {
        Self {
            request_id,
            method,
            log,
            caller: OnceLock::new(),
            user: OnceLock::new(),
            is_recorded_elsewhere: AtomicBool::new(false),
        }
    }

    /// Runs a call with these notes at hand.
    pub(crate) async fn within<T>(self: &Arc<Self>, call: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::clone(self), call).await
    }

    /// The call's request id.
    #[must_use]
    pub const fn request_id(&self) -> &RequestId {
        &self.request_id
    }

    /// The path of the call's method; `None` for one that is not in the contract.
    #[must_use]
    pub fn method(&self) -> Option<Arc<str>> {
        self.method.clone()
    }

    /// Says who calls, once the token has been verified.
    pub(crate) fn called_by(&self, caller: Caller) {
        // The stack says it once.
        let _ = self.caller.set(caller);
    }

    /// Says whose call the caller passes on.
    pub fn on_behalf_of(&self, user: Caller) {
        // A call is passed on for one user.
        let _ = self.user.set(user);
    }

    /// Says that the partner service refused the call and has recorded it.
    pub fn recorded_elsewhere(&self) {
        self.is_recorded_elsewhere.store(true, Ordering::Relaxed);
    }

    /// Notes that an item of the answer, or the rest of it, is refused; `facts` are the metadata of its error.
    pub fn refused(&self, code: Code, reason: &str, facts: &HashMap<String, String>) {
        let Some(log) = &self.log else { return };
        if !is_refusal(code, reason) || self.is_recorded_elsewhere.load(Ordering::Relaxed) {
            return;
        }
        log.note(RefusedCall {
            method: self.method.clone(),
            caller: self.caller.get().copied(),
            user: self.user.get().copied(),
            reason: reason.to_owned(),
            resource: resource(facts),
            request_id: self.request_id.shared(),
        });
    }

    /// Notes that an item of the answer is refused.
    pub fn refused_item(&self, item: &ItemError) {
        self.refused(Code::from_i32(item.code), &item.reason, &item.metadata);
    }

    /// Looks at how the call ends: at its headers or trailers with a status.
    pub(crate) fn ended(&self, headers: &HeaderMap) {
        if self.log.is_none() {
            return;
        }
        let details = Status::from_header_map(headers).and_then(|status| {
            let info = status.get_details_error_info()?;
            Some((status.code(), info))
        });
        if let Some((code, info)) = details {
            self.refused(code, &info.reason, &info.metadata);
        }
    }
}

/// Whether an error is a refusal in the sense of R122. Mistakes of requests and stale revisions are none.
#[must_use]
pub fn is_refusal(code: Code, reason: &str) -> bool {
    match code {
        Code::Unauthenticated | Code::PermissionDenied => true,
        // What one may not know of is answered as what is absent (R40).
        Code::NotFound => reason == "NOT_FOUND",
        Code::FailedPrecondition => RULES.contains(&reason),
        Code::ResourceExhausted => ["TOO_MANY_ATTEMPTS", "QUOTA_EXCEEDED"].contains(&reason),
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::AlreadyExists
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => false,
    }
}

/// What an error is about, by the facts that name ids, such as `layer_id`.
fn resource(facts: &HashMap<String, String>) -> Option<Resource> {
    Resource::WORDS.iter().find_map(|word| {
        let id = facts.get(&format!("{word}_id"))?.parse().ok()?;
        Resource::named(word, id).ok().flatten()
    })
}

#[cfg(test)]
mod tests {
    use jmap_domain::LayerId;

    use super::*;

    #[test]
    fn mistakes_and_stale_revisions_are_no_refusals() {
        // R122.
        for (code, reason) in [
            (Code::PermissionDenied, "NOT_PERMITTED"),
            (Code::Unauthenticated, "TOKEN_EXPIRED"),
            (Code::NotFound, "NOT_FOUND"),
            (Code::FailedPrecondition, "LAST_ADMINISTRATOR"),
        ] {
            assert!(is_refusal(code, reason), "{reason}");
        }
        for (code, reason) in [
            (Code::InvalidArgument, "INVALID_FIELD"),
            (Code::Aborted, "STALE_REVISION"),
            (Code::NotFound, "ELEMENT_NOT_FOUND"),
            (Code::FailedPrecondition, "CONFIRMATION_MISMATCH"),
            (Code::AlreadyExists, "NAME_TAKEN"),
            (Code::ResourceExhausted, "OVERLOADED"),
        ] {
            assert!(!is_refusal(code, reason), "{reason}");
        }
    }

    #[test]
    fn a_refusal_is_about_what_its_facts_name_and_about_the_layer_first() {
        let facts = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter();
            pairs
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect::<HashMap<_, _>>()
        };
        let layer = Resource::Layer(LayerId::new(7).unwrap());
        assert_eq!(
            resource(&facts(&[("principal_id", "5"), ("layer_id", "7")])),
            Some(layer)
        );
        assert_eq!(resource(&facts(&[("layer_id", "-7")])), None);
        assert_eq!(resource(&facts(&[("permission", "view")])), None);
    }
}
