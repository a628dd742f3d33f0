//! `SessionService`: signing in and out (R117, R118).

use std::sync::Arc;

use authorization_core::{
    Refusal, Resource, Snapshot,
    model::{self, Account},
    ports::{Platform, PolicyStore},
    sessions::{Credentials, SignedIn},
};
use jmap_domain::{Caller, SessionId, SessionKind, UserId};
use jmap_proto::authorization::{self as pb, session_service_server::SessionService};
use jmap_wire::{FieldPath, FieldViolation, Violation, id, optional_id, required, timestamp};
use secrecy::ExposeSecret;
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive},
    page::{Asked, Page, SHORT, number},
    parse,
};

#[derive(Debug)]
pub(crate) struct SessionApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> SessionService for SessionApi<S, P> {
    async fn sign_in(
        &self,
        request: Request<pb::SignInRequest>,
    ) -> Result<Response<pb::SignInResponse>, Status> {
        answer(async {
            let (_, message) = receive(request)?;
            let signed_in = self
                .0
                .authority
                .sign_in(&parse_credentials(message)?)
                .await?;
            let session = session(&self.0.authority.snapshot(), &signed_in.session);
            Ok(pb::SignInResponse {
                session: Some(session),
                tokens: Some(tokens(&signed_in)),
            })
        })
        .await
    }

    async fn refresh_session(
        &self,
        request: Request<pb::RefreshSessionRequest>,
    ) -> Result<Response<pb::RefreshSessionResponse>, Status> {
        answer(async {
            let (_, pb::RefreshSessionRequest { refresh_token }) = receive(request)?;
            let token = parse::secret("refresh_token", refresh_token)?;
            let signed_in = self.0.authority.refresh(&token).await?;
            Ok(pb::RefreshSessionResponse {
                tokens: Some(tokens(&signed_in)),
            })
        })
        .await
    }

    async fn sign_out(
        &self,
        request: Request<pb::SignOutRequest>,
    ) -> Result<Response<pb::SignOutResponse>, Status> {
        answer(async {
            let (caller, pb::SignOutRequest {}) = receive(request)?;
            self.0.authority.sign_out(&caller).await?;
            Ok(pb::SignOutResponse {})
        })
        .await
    }

    async fn get_caller(
        &self,
        request: Request<pb::GetCallerRequest>,
    ) -> Result<Response<pb::GetCallerResponse>, Status> {
        answer(async {
            let (caller, pb::GetCallerRequest {}) = receive(request)?;
            let own = self.0.authority.own_session(&caller)?;
            let snapshot = self.0.authority.snapshot();
            Ok(pb::GetCallerResponse {
                session: own.map(|own| session(&snapshot, &own)),
            })
        })
        .await
    }

    async fn list_sessions(
        &self,
        request: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        answer(async {
            let (caller, message) = receive(request)?;
            let pb::ListSessionsRequest {
                user_id,
                page_size,
                page_token,
            } = message;
            let user = whose(&caller, optional_id("user_id", user_id)?)?;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let page = Page::parse(&self.0.pages, format!("sessions {user}"), asked, SHORT)?;
            let sessions = self.0.authority.sessions_of(&caller, user)?;
            let (sessions, next_page_token) =
                page.take(sessions, |session| number(session.id.get()));
            let snapshot = self.0.authority.snapshot();
            let sessions = sessions.iter().map(|one| session(&snapshot, one)).collect();
            Ok(pb::ListSessionsResponse {
                sessions,
                next_page_token,
            })
        })
        .await
    }

    async fn close_session(
        &self,
        request: Request<pb::CloseSessionRequest>,
    ) -> Result<Response<pb::CloseSessionResponse>, Status> {
        answer(async {
            let (caller, pb::CloseSessionRequest { session_id }) = receive(request)?;
            let session: SessionId = id("session_id", session_id)?;
            self.0.authority.close_session(&caller, session).await?;
            Ok(pb::CloseSessionResponse {})
        })
        .await
    }

    async fn list_keys(
        &self,
        request: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        answer(async {
            let (_, pb::ListKeysRequest {}) = receive(request)?;
            let keys = self.0.published.keys.iter().map(|key| pb::PublicKey {
                key_id: key.key_id.clone(),
                ed25519: key.ed25519.to_vec().into(),
            });
            Ok(pb::ListKeysResponse {
                keys: keys.collect(),
                issuer: self.0.published.issuer.clone(),
            })
        })
        .await
    }
}

fn parse_credentials(message: pb::SignInRequest) -> Result<Credentials, FieldViolation> {
    let pb::SignInRequest { credential, server } = message;
    if server.is_some() {
        return Err(FieldPath::of("server").violates(Violation::NotBuilt));
    }
    match required("credential", credential)? {
        pb::sign_in_request::Credential::Password(pb::PasswordCredential {
            user_name,
            password,
        }) => {
            let path = FieldPath::of("password");
            Ok(Credentials::Password {
                name: parse::name(path.field("user_name"), &user_name)?,
                password: parse::secret(path.field("password"), password)?,
            })
        }
        pb::sign_in_request::Credential::ServiceKey(key) => {
            parse::secret("service_key", key).map(Credentials::ServiceKey)
        }
        pb::sign_in_request::Credential::FederatedToken(_) => {
            Err(FieldPath::of("federated_token").violates(Violation::NotBuilt))
        }
    }
}

/// The user whose sessions are meant: the caller, unless another is named.
fn whose(caller: &Caller, named: Option<UserId>) -> Result<UserId, Refusal> {
    match (named, caller) {
        (Some(user), _) => Ok(user),
        (None, Caller::Session(session)) => Ok(session.user),
        (None, Caller::Anonymous) => Err(Refusal::NotSignedIn),
        (None, Caller::Service(_)) => Err(Refusal::Forbidden(Resource::Installation)),
    }
}

/// The one place where tokens become text in an answer.
fn tokens(signed_in: &SignedIn) -> pb::Tokens {
    let refresh_token = signed_in.refresh_token.as_ref();
    pb::Tokens {
        access_token: signed_in.access_token.expose_secret().to_owned(),
        access_token_expire_time: Some(timestamp(signed_in.access_expires_at.as_millis())),
        refresh_token: refresh_token
            .map(|token| token.expose_secret().to_owned())
            .unwrap_or_default(),
    }
}

fn session(snapshot: &Snapshot, session: &model::Session) -> pb::Session {
    let (user_id, name, kind) = match session.account {
        Account::User { user, kind } => {
            let name = snapshot.user(user).map(|user| user.name.to_string());
            (user.get(), name, user_kind(kind))
        }
        Account::Service { service } => {
            let name = snapshot
                .service(service)
                .map(|service| service.name.to_string());
            (0, name, pb::SessionKind::Service)
        }
    };
    pb::Session {
        session_id: session.id.get(),
        user_id,
        account_name: name.unwrap_or_default(),
        kind: kind.into(),
        create_time: Some(timestamp(session.opened_at.as_millis())),
        expire_time: Some(timestamp(session.expires_at.as_millis())),
        server: None,
    }
}

const fn user_kind(kind: SessionKind) -> pb::SessionKind {
    match kind {
        SessionKind::Ordinary => pb::SessionKind::Ordinary,
        SessionKind::Server => pb::SessionKind::Server,
    }
}
