//! What a decision is made on: the policy, the sessions and the time, looked up once for everything that it needs.

use std::sync::Arc;

use arc_swap::Guard;
use jmap_domain::{Caller, DenyReason, SessionId, Subject};

use crate::{
    Authority, Facts, Snapshot, Standing, Timestamp,
    authority::Sessions,
    model::Account,
    ports::{Platform, PolicyStore, StoreError},
    refusal::{Refusal, Resource},
};

/// The state of things at one moment. To be let go of soon: it holds on to a policy that may be replaced.
pub(crate) struct Present {
    pub(crate) policy: Guard<Arc<Snapshot>>,
    sessions: Guard<Arc<Sessions>>,
    now: Timestamp,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// How things stand.
    pub(crate) fn present(&self) -> Present {
        Present {
            policy: self.policy(),
            sessions: self.sessions.load(),
            now: self.platform.now(),
        }
    }

    /// Whether nobody was changed, signed in or signed out since.
    pub(crate) fn is_still(&self, present: &Present) -> bool {
        let same_policy = Arc::ptr_eq(&self.policy(), &present.policy);
        let same_sessions = Arc::ptr_eq(&self.sessions.load(), &present.sessions);
        same_policy && same_sessions && self.store.is_held()
    }

    /// Who a caller is by now; refuses sessions that are over and accounts that may not be used (R117). Nobody is let
    /// in while another process may be changing the policy.
    pub(crate) fn admit(&self, caller: &Caller) -> Result<Standing, Refusal> {
        self.admit_at(&self.present(), caller)
    }

    /// The same on what was looked up already.
    pub(crate) fn admit_at(&self, present: &Present, caller: &Caller) -> Result<Standing, Refusal> {
        if !self.store.is_held() {
            return Err(StoreError::Unavailable.into());
        }
        let standing = present.caller(caller);
        match Facts::of(&present.policy, standing).barred() {
            Some(reason) => Err(Refusal::from_reason(reason, Resource::Installation)),
            None => Ok(standing),
        }
    }
}

impl Present {
    fn caller(&self, caller: &Caller) -> Standing {
        match caller {
            Caller::Anonymous => Standing::Anonymous,
            Caller::Session(session) => {
                let account = Account::User {
                    user: session.user,
                    kind: session.kind,
                };
                self.session(session.session, Some(account))
            }
            Caller::Service(service) => {
                let account = Account::Service {
                    service: service.service,
                };
                self.session(service.session, Some(account))
            }
        }
    }

    /// Who a session stands for; `expected` is what the caller's token said of it.
    fn session(&self, id: SessionId, expected: Option<Account>) -> Standing {
        let session = self.sessions.get(&id);
        let session = session.filter(|s| expected.is_none_or(|e| e == s.account));
        // A session that is not known was closed and forgotten.
        session.map_or(Standing::Barred(DenyReason::SessionClosed), |session| {
            session.standing(self.now)
        })
    }

    /// Who a subject is by now, on a policy that may be a past one.
    pub(crate) fn subject(&self, policy: &Snapshot, subject: Subject) -> Standing {
        match subject {
            Subject::Anonymous => Standing::Anonymous,
            Subject::Session(id) => self.session(id, None),
            Subject::User(user) => {
                let account = policy.user(user).map(|user| Standing::of_account(user));
                account.unwrap_or(Standing::Barred(DenyReason::AccountDisabled))
            }
        }
    }
}
