//! What is recorded of sessions: opened, closed, and not opened (R117, R122). Refreshing one is no act.

use std::sync::Arc;

use jmap_domain::Resource;

use super::{AuditEntry, AuditKind, Closing, Refused, Who};
use crate::{
    Authority, Refusal,
    federation::FederationError,
    model::{Account, Session},
    ports::{Platform, PolicyStore},
    sessions::{Credentials, SignInError},
    tokens::ServiceKey,
};

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The record of a session that is opened.
    pub(crate) fn opened(&self, session: &Session) -> AuditEntry {
        let who = Who::holding(session, None);
        AuditEntry::done(AuditKind::SignIn, session.opened_at, who)
            .about(&self.snapshot(), &[account(session)])
            .within(self.platform.current())
    }

    /// The record of a session that is closed.
    pub(crate) fn closed(&self, session: &Session, closing: Closing) -> AuditEntry {
        let Closing { kind, by, reason } = closing;
        let things = [account(session), Resource::Session(session.id)];
        let entry = AuditEntry {
            reason: reason.map(str::to_owned),
            ..AuditEntry::done(kind, self.platform.now(), by)
        };
        entry
            .about(&self.snapshot(), &things)
            .within(self.platform.current())
    }

    /// Takes note of a sign-in that was refused. Of the name as it was typed only this is kept: whose account it is, if
    /// it is one's. Any other text may be a password in the wrong field.
    pub(crate) fn note_refused_sign_in(&self, credentials: &Credentials, error: &SignInError) {
        let Some(reason) = refused(error) else { return };
        let call = self.platform.current();
        let (request, method) = call.map(|call| (call.request_id, call.method)).unzip();
        let refused = Refused {
            method: method.flatten(),
            reason: reason.to_owned(),
            resource: self.claimed(credentials),
            request,
        };
        self.note_refusal(Who::Unknown { via: None }, refused);
    }

    /// The account that somebody claims to be.
    fn claimed(&self, credentials: &Credentials) -> Option<Resource> {
        let snapshot = self.snapshot();
        match credentials {
            Credentials::Password { name, password: _ } => {
                let user = Arc::clone(snapshot.user_named(name)?);
                Some(Resource::User(user.id))
            }
            Credentials::ServiceKey(key) => {
                let service = ServiceKey::decode(key)?.service;
                snapshot.service(service)?;
                Some(Resource::Service(service))
            }
            // What is not verified names nobody.
            Credentials::FederatedToken(_) => None,
        }
    }
}

/// The reason of a refusal; nothing for what failed.
const fn refused(error: &SignInError) -> Option<&'static str> {
    match error {
        SignInError::WrongCredentials
        | SignInError::Federation(
            FederationError::Untrusted
            | FederationError::Expired
            | FederationError::Spent
            | FederationError::Nameless,
        ) => Some("CREDENTIAL_REFUSED"),
        SignInError::NameTaken(_) => Some("NAME_TAKEN"),
        SignInError::Refused(Refusal::TooManyAttempts { wait: _ }) => Some("TOO_MANY_ATTEMPTS"),
        SignInError::Federation(FederationError::Unavailable) => None,
        SignInError::RefreshReused | SignInError::Refused(Refusal::SessionClosed) => {
            Some("SESSION_CLOSED")
        }
        SignInError::Refused(Refusal::AccountDisabled) => Some("ACCOUNT_DISABLED"),
        SignInError::Refused(Refusal::SessionExpired) => Some("SESSION_EXPIRED"),
        SignInError::Refused(Refusal::Forbidden(_) | Refusal::NotFound(_)) => Some("NOT_PERMITTED"),
        SignInError::Refused(
            Refusal::NotSignedIn
            | Refusal::Stale(_)
            | Refusal::LastSuperAdministrator
            | Refusal::LastOwner(_)
            | Refusal::QuotaExceeded { limit: _, used: _ }
            | Refusal::NoIdsLeft(_)
            | Refusal::Store(_)
            | Refusal::Crypto(_),
        ) => None,
    }
}

const fn account(session: &Session) -> Resource {
    match session.account {
        Account::User { user, kind: _ } => Resource::User(user),
        Account::Service { service } => Resource::Service(service),
    }
}
