//! `SessionService`: signing in and out (R117, R118).

use std::sync::Arc;

use authorization_core::{
    Refusal, Snapshot,
    federation::GroupRemark,
    model::{self, Account},
    ports::{Platform, PolicyStore},
    sessions::{Credentials, Holder, SignedIn},
};
use jmap_domain::{Caller, SessionId, SessionKind};
use jmap_proto::authorization::{self as pb, session_service_server::SessionService};
use jmap_wire::{FieldPath, FieldViolation, Violation, id, optional_id, required, timestamp};
use secrecy::ExposeSecret;
use tonic::{Request, Response, Status};
use tracing::{debug, warn};

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
            let from = self.0.origin(&request);
            let (_, message) = receive(request)?;
            let credentials = parse_credentials(message)?;
            let signed_in = self.0.authority.sign_in(&credentials, from).await?;
            tell(&signed_in);
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
                service_id,
            } = message;
            let user = optional_id("user_id", user_id)?.map(Holder::User);
            let service = optional_id("service_id", service_id)?.map(Holder::Service);
            if user.is_some() && service.is_some() {
                let both = "a user is named as well";
                return Err(FieldPath::of("service_id").invalid(both).into());
            }
            let holder = whose(&caller, user.or(service))?;
            let asked = Asked {
                size: page_size,
                token: &page_token,
            };
            let page = Page::parse(&self.0.pages, format!("sessions {holder:?}"), asked, SHORT)?;
            let sessions = self.0.authority.sessions_of(&caller, holder)?;
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
        pb::sign_in_request::Credential::FederatedToken(token) => {
            parse::federated_token("federated_token", token).map(Credentials::FederatedToken)
        }
    }
}

/// For whoever configures the provider: why somebody is not in a group that the provider names.
fn tell(signed_in: &SignedIn) {
    for remark in &signed_in.remarks {
        let session = signed_in.session.id.get();
        match remark {
            GroupRemark::Unknown(_) => debug!(session, %remark, "federated sign-in"),
            GroupRemark::DiffersInCase { .. }
            | GroupRemark::NotAName(_)
            | GroupRemark::Special(_)
            | GroupRemark::LastHolder(_) => warn!(session, %remark, "federated sign-in"),
        }
    }
}

/// Whose sessions are meant: the caller's, unless another holder is named.
fn whose(caller: &Caller, named: Option<Holder>) -> Result<Holder, Refusal> {
    match (named, caller) {
        (Some(holder), _) => Ok(holder),
        (None, Caller::Session(session)) => Ok(Holder::User(session.user)),
        (None, Caller::Service(service)) => Ok(Holder::Service(service.service)),
        (None, Caller::Anonymous) => Err(Refusal::NotSignedIn),
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
    let (user_id, service_id, name, kind) = match session.account {
        Account::User { user, kind } => {
            let name = snapshot.user(user).map(|user| user.name.to_string());
            (user.get(), 0, name, user_kind(kind))
        }
        Account::Service { service } => {
            let name = snapshot
                .service(service)
                .map(|service| service.name.to_string());
            (0, service.get(), name, pb::SessionKind::Service)
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
        service_id,
    }
}

const fn user_kind(kind: SessionKind) -> pb::SessionKind {
    match kind {
        SessionKind::Ordinary => pb::SessionKind::Ordinary,
        SessionKind::Server => pb::SessionKind::Server,
    }
}
