//! The doorman: who calls is established from the token alone, before any message is read.

use std::sync::Arc;

use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use jmap_domain::Caller;
use tonic::body::Body;
use tracing::Span;

use crate::{
    Refusal,
    call::UserToken,
    middleware::{Middleware, Next},
    refusals,
    stack::needs_no_token,
    token::Authenticator,
};

/// Puts the [`Caller`] into the call's extensions, and the token beside it. No token is the anonymous account
/// (R118); a bad one is refused and never taken for none (R117).
#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) domain: &'static str,
    pub(crate) authenticator: Arc<Authenticator>,
}

impl Auth {
    async fn caller(&self, headers: &HeaderMap) -> Result<(Caller, Option<UserToken>), Refusal> {
        let Some(token) = bearer(headers)? else {
            return Ok((Caller::Anonymous, None));
        };
        let caller = self.authenticator.authenticate(token).await?;
        Ok((caller, Some(UserToken::new(token))))
    }
}

impl Middleware for Auth {
    async fn handle(&self, mut request: Request<Body>, next: impl Next) -> Response<Body> {
        if needs_no_token(request.uri().path()) {
            return next.run(request).await;
        }
        match self.caller(request.headers()).await {
            Ok((caller, token)) => {
                record(caller);
                request.extensions_mut().insert(caller);
                if let Some(token) = token {
                    request.extensions_mut().insert(token);
                }
                next.run(request).await
            }
            Err(refusal) => refusal.response(self.domain),
        }
    }
}

/// The token of the one `authorization: Bearer <token>`; `None` without that header.
///
/// # Errors
/// [`Refusal::TokenMalformed`] for anything else in that header: it is malformed, not anonymous (R117, R118).
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let text = value.to_str().ok().filter(|_| values.next().is_none());
    let (scheme, token) = text
        .and_then(|text| text.split_once(' '))
        .ok_or(Refusal::TokenMalformed)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(Some(token))
    } else {
        Err(Refusal::TokenMalformed)
    }
}

fn record(caller: Caller) {
    if let Some(notes) = refusals::current() {
        notes.called_by(caller);
    }
    let span = Span::current();
    match caller {
        Caller::Anonymous => span.record("caller.id", "anonymous"),
        Caller::Session(caller) => span.record("caller.id", caller.user.get()),
        Caller::Service(caller) => span.record("caller.id", caller.service.get()),
    };
}
