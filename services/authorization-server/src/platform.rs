//! The core's ports, all but the store: time, chance, passwords, tokens, people of other houses.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authorization_clients::Providers;
use authorization_core::{
    Claims, Timestamp,
    audit::CallInfo,
    federation::{FederationError, Identified},
    model::Account,
    ports::{Calls, Clock, CryptoError, Entropy, IdentityProvider, PasswordHasher, TokenSigner},
    secret::PasswordHash,
};
use jmap_domain::{ServiceCaller, SessionCaller};
use jmap_service::{
    refusals,
    token::{Claims as TokenClaims, SigningKey, Validity},
};
use secrecy::SecretString;

use crate::password::Passwords;

/// The machine's clock and chance, argon2id, and the installation's signing key.
#[derive(Debug)]
pub struct Platform {
    start: Instant,
    passwords: Passwords,
    signing: SigningKey,
    issuer: String,
    providers: Providers,
}

impl Platform {
    /// The platform of an installation, whose tokens name it as `issuer` and are signed by that key, and which takes
    /// the word of those OpenID providers.
    ///
    /// # Errors
    /// When a password cannot be hashed.
    pub fn new(
        signing: SigningKey,
        issuer: &str,
        providers: Providers,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            start: Instant::now(),
            passwords: Passwords::new(&rand::random())?,
            signing,
            issuer: issuer.to_owned(),
            providers,
        })
    }
}

/// The time of day.
pub(crate) fn now() -> Timestamp {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

impl Clock for Platform {
    fn now(&self) -> Timestamp {
        now()
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, wait: Duration) {
        tokio::time::sleep(wait).await;
    }
}

impl Entropy for Platform {
    fn random(&self) -> [u8; 32] {
        rand::random()
    }
}

impl Calls for Platform {
    fn current(&self) -> Option<CallInfo> {
        refusals::current().map(|notes| CallInfo {
            request_id: notes.request_id().shared(),
            method: notes.method(),
        })
    }
}

impl PasswordHasher for Platform {
    async fn hash(&self, password: &SecretString) -> Result<PasswordHash, CryptoError> {
        self.passwords.hash(password).await
    }

    async fn verify(
        &self,
        password: &SecretString,
        hash: Option<&PasswordHash>,
    ) -> Result<bool, CryptoError> {
        self.passwords.verify(password, hash).await
    }
}

impl TokenSigner for Platform {
    fn sign(&self, claims: &Claims) -> Result<SecretString, CryptoError> {
        let Claims {
            session,
            account,
            scopes,
            issued_at,
            expires_at,
        } = *claims;
        let validity = Validity {
            issued_at: seconds(issued_at),
            expires_at: seconds(expires_at),
        };
        let claims = match account {
            Account::User { user, kind } => TokenClaims::of_session(
                &self.issuer,
                SessionCaller {
                    session,
                    user,
                    kind,
                },
                validity,
            ),
            Account::Service { service } => {
                let holder = ServiceCaller {
                    session,
                    service,
                    scopes,
                };
                TokenClaims::of_service(&self.issuer, holder, validity)
            }
        };
        self.signing
            .sign(&claims)
            .map(Into::into)
            .map_err(|_library| CryptoError::Failed)
    }
}

impl IdentityProvider for Platform {
    async fn identify(&self, token: &SecretString) -> Result<Identified, FederationError> {
        self.providers.identify(token).await
    }
}

fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.as_millis() / 1000).unwrap_or_default()
}
