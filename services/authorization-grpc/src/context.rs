//! What every service of this crate works with.

use std::sync::Arc;

use authorization_core::{
    Authority, Origin, Refusal, Resource, Snapshot,
    past::Past,
    ports::{Platform, PolicyStore},
};
use jmap_domain::{Caller, Scope};
use jmap_service::{
    call::{CallScope, Deadline},
    peer::TrustedProxies,
    places::{WatchPlace, WatchPlaces},
    refusals,
    token::{Authenticator, PublishedKeys},
};
use jmap_wire::PageTokenKey;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout_at,
};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, metadata::MetadataMap};

use crate::{
    parse::When,
    retry::Retries,
    status::{DOMAIN, Rejection, overloaded, scope_missing},
};

/// The user's own token, with which a service passes on the user's call.
const USER_TOKEN: &str = "jmap-user-token";

/// Most programs that follow the policy or its record at once.
const MOST_WATCHERS: usize = 64;
/// How many calls run at once, unless it is said otherwise.
const CALLS: usize = 512;

/// What the services need: the authority, and what verifies and seals tokens.
#[derive(Debug)]
pub struct Context<S, P> {
    pub(crate) authority: Arc<Authority<S, P>>,
    pub(crate) published: PublishedKeys,
    pub(crate) pages: PageTokenKey,
    pub(crate) retries: Retries,
    /// The places for those who watch the policy.
    watchers: Arc<Semaphore>,
    /// The places for people who follow their personal layers.
    followers: Arc<WatchPlaces>,
    authenticator: Arc<Authenticator>,
    proxies: TrustedProxies,
    closing: CancellationToken,
}

impl<S: PolicyStore, P: Platform> Context<S, P> {
    /// Puts the parts together; `authenticator` is the one of the stack.
    #[must_use]
    pub fn new(
        authority: Arc<Authority<S, P>>,
        authenticator: Arc<Authenticator>,
        published: PublishedKeys,
        pages: PageTokenKey,
    ) -> Self {
        let retries = Retries::default();
        Self {
            authority,
            published,
            pages,
            retries,
            watchers: Arc::new(Semaphore::new(MOST_WATCHERS)),
            followers: WatchPlaces::of(CALLS),
            authenticator,
            proxies: TrustedProxies::default(),
            closing: CancellationToken::new(),
        }
    }

    /// With proxies in front that are trusted to tell where calls come from.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// Where so many calls run at once: those who follow their personal layers get a part of them.
    #[must_use]
    pub fn among(self, max_concurrent_calls: usize) -> Self {
        let followers = WatchPlaces::of(max_concurrent_calls);
        Self { followers, ..self }
    }

    /// Where a call comes from.
    pub(crate) fn origin<T>(&self, request: &Request<T>) -> Origin {
        Origin::at(self.proxies.caller_address(request))
    }

    /// A place among those that follow the policy or its record, until it is dropped.
    pub(crate) fn watching(&self) -> Result<OwnedSemaphorePermit, Rejection> {
        let place = Arc::clone(&self.watchers).try_acquire_owned();
        place.map_err(|_all_taken| overloaded("too many follow what happens already").into())
    }

    /// A place among those who follow their personal layers, until it is dropped; nobody gets the places of all.
    pub(crate) fn following(&self, caller: &Caller) -> Result<WatchPlace, Rejection> {
        let place = WatchPlaces::take(&self.followers, caller);
        place.ok_or_else(|| overloaded("too many follow what happens already").into())
    }

    /// Cancelled by whoever ends the service: streams that would go on for long end then.
    #[must_use]
    pub const fn closing(&self) -> &CancellationToken {
        &self.closing
    }

    /// Completes when a stream has to end: its time is up, or the service ends.
    pub(crate) fn end_of_stream(&self, deadline: Deadline) -> impl Future<Output = ()> + use<S, P> {
        let closing = self.closing.clone().cancelled_owned();
        async move {
            let _ended = timeout_at(deadline.0, closing).await;
        }
    }

    /// The user behind a call that a service passes on, by the user's own token. Without one it is nobody.
    pub(crate) async fn user(&self, metadata: &MetadataMap) -> Result<Caller, Rejection> {
        let user = match metadata.get(USER_TOKEN) {
            None => Caller::Anonymous,
            Some(token) => {
                let token = token.to_str().unwrap_or_default();
                self.authenticator.authenticate(token).await?
            }
        };
        if let Some(notes) = refusals::current() {
            notes.on_behalf_of(user);
        }
        Ok(user)
    }

    /// The policy as it was, if that is what is asked about.
    pub(crate) async fn past(
        &self,
        caller: &Caller,
        when: When,
    ) -> Result<Option<Past>, Rejection> {
        match when {
            When::Now { at_least: _ } => Ok(None),
            When::Then(at) => Ok(Some(self.authority.past(caller, at).await?)),
        }
    }

    /// The policy whose names an answer is told with.
    pub(crate) fn names(&self, past: Option<&Past>) -> Arc<Snapshot> {
        past.map_or_else(
            || self.authority.snapshot(),
            |past| Arc::clone(past.policy()),
        )
    }
}

/// Who calls, and with what message.
pub(crate) fn receive<T>(request: Request<T>) -> Result<(Caller, T), Rejection> {
    let caller = CallScope::of(request.extensions(), DOMAIN)?.caller;
    Ok((caller, request.into_inner()))
}

/// Runs a call; its rejection becomes the status.
pub(crate) async fn answer<T>(
    work: impl Future<Output = Result<T, Rejection>> + Send,
) -> Result<Response<T>, Status> {
    Ok(Response::new(work.await?))
}

/// Refuses all but services whose token has the scope: what holds a place for long is not for everybody.
pub(crate) fn require_service(caller: &Caller, scope: Scope) -> Result<(), Rejection> {
    match caller {
        Caller::Service(_) => require_scope(caller, scope),
        Caller::Anonymous => Err(Refusal::NotSignedIn.into()),
        Caller::Session(_) => Err(Refusal::Forbidden(Resource::Installation).into()),
    }
}

/// Refuses a service whose token lacks the scope. The core refuses it as well; here it learns what it lacks.
pub(crate) fn require_scope(caller: &Caller, scope: Scope) -> Result<(), Rejection> {
    match caller {
        Caller::Service(service) if !service.scopes.contains(scope) => {
            Err(scope_missing(scope).into())
        }
        Caller::Anonymous | Caller::Session(_) | Caller::Service(_) => Ok(()),
    }
}
