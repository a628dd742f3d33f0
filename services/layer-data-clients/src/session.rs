//! The session that layer-data holds at authorization with its own key.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use jmap_proto::authorization::{
    SignInRequest, SignInResponse, Tokens, session_service_client::SessionServiceClient,
    sign_in_request::Credential,
};
use jmap_service::client::{Outgoing, translate};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Mutex, time::Instant};
use tonic::{Status, transport::Channel};
use tracing::{debug, warn};

use crate::authorization::PATIENCE;

/// After a failed sign-in, calls fail at once for this long instead of queueing up for the next failure.
const PAUSE: Duration = Duration::from_millis(500);

/// Between two tokens that are got because one was refused: a call may be refused for its user, too, and nobody can make
/// this service sign in time and again by calls of that kind.
const RENEWAL_PAUSE: Duration = Duration::from_secs(5);

/// Signs in when first needed, again before the token runs out, and again when it is refused.
pub(crate) struct ServiceSession {
    channel: Channel,
    key: SecretString,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Arc<ServiceToken>>,
    failed_at: Option<Instant>,
    renewed_at: Option<Instant>,
}

/// An access token, and when to get the next one.
pub(crate) struct ServiceToken {
    secret: SecretString,
    renew_at: Instant,
}

impl ServiceToken {
    pub(crate) const fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// Renewed when a fifth of its life is left, so that it does not run out under way.
    fn new(tokens: Tokens) -> Self {
        let Tokens {
            access_token,
            access_token_expire_time,
            refresh_token: _,
        } = tokens;
        let expires = access_token_expire_time.and_then(|time| SystemTime::try_from(time).ok());
        let life = expires.and_then(|time| time.duration_since(SystemTime::now()).ok());
        Self {
            secret: access_token.into(),
            renew_at: Instant::now() + life.unwrap_or_default() * 4 / 5,
        }
    }
}

impl ServiceSession {
    pub(crate) fn new(channel: Channel, key: SecretString) -> Self {
        Self {
            channel,
            key,
            state: Mutex::default(),
        }
    }

    /// The token in use, or a fresh one.
    pub(crate) async fn token(&self) -> Result<Arc<ServiceToken>, Status> {
        let mut state = self.state.lock().await;
        match &state.token {
            Some(token) if Instant::now() < token.renew_at => Ok(Arc::clone(token)),
            Some(_) | None => self.sign_in(&mut state).await,
        }
    }

    /// A token other than one that was refused; none when that one was got for the same reason a moment ago.
    pub(crate) async fn renewed(
        &self,
        refused: &Arc<ServiceToken>,
    ) -> Result<Option<Arc<ServiceToken>>, Status> {
        let mut state = self.state.lock().await;
        match &state.token {
            Some(token) if !Arc::ptr_eq(token, refused) => Ok(Some(Arc::clone(token))),
            Some(_)
                if state
                    .renewed_at
                    .is_some_and(|at| at.elapsed() < RENEWAL_PAUSE) =>
            {
                Ok(None)
            }
            Some(_) | None => {
                let token = self.sign_in(&mut state).await?;
                state.renewed_at = Some(Instant::now());
                Ok(Some(token))
            }
        }
    }

    async fn sign_in(&self, state: &mut State) -> Result<Arc<ServiceToken>, Status> {
        if state.failed_at.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(Status::unavailable("signing in failed a moment ago"));
        }
        match self.attempt().await {
            Ok(token) => {
                debug!("signed in at authorization");
                let token = Arc::new(token);
                state.token = Some(Arc::clone(&token));
                state.failed_at = None;
                Ok(token)
            }
            Err(status) => {
                warn!(code = ?status.code(), reason = status.message(), "signing in at authorization failed");
                state.failed_at = Some(Instant::now());
                // A key that is refused is this service's trouble and not the caller's.
                Err(Status::unavailable("signing in at authorization failed"))
            }
        }
    }

    async fn attempt(&self) -> Result<ServiceToken, Status> {
        let key = self.key.expose_secret().to_owned();
        let message = SignInRequest {
            credential: Some(Credential::ServiceKey(key)),
            server: None,
        };
        let request = Outgoing::unprompted(PATIENCE).request(message, None)?;
        let mut client = SessionServiceClient::new(self.channel.clone());
        let answer = client.sign_in(request).await.map_err(translate)?;
        let SignInResponse { session: _, tokens } = answer.into_inner();
        let tokens = tokens.ok_or_else(|| Status::internal("signing in gave no tokens"))?;
        Ok(ServiceToken::new(tokens))
    }
}

impl fmt::Debug for ServiceSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServiceSession(..)")
    }
}
