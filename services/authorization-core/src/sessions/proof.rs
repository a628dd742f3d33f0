//! What proves who signs in: passwords, services' keys, and tokens of OpenID providers.

use jmap_domain::{Name, UserId};
use secrecy::SecretString;

use crate::{
    Authority, Refusal,
    federation::FederationError,
    model::Account,
    ports::{Platform, PolicyStore},
    secret::PasswordHash,
    throttle::Claimed,
    tokens::ServiceKey,
};

/// With what somebody signs in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A user's name and password.
    Password {
        /// The name, compared by its key.
        name: Name,
        /// The password.
        password: SecretString,
    },
    /// A service's key, as it was shown once.
    ServiceKey(SecretString),
    /// An ID token of a configured OpenID provider (R11). It opens one session, once.
    FederatedToken(SecretString),
}

impl Credentials {
    /// Whom they claim to prove.
    pub(super) fn claimed(&self) -> Claimed {
        match self {
            Self::Password { name, password: _ } => Claimed::user(name),
            Self::ServiceKey(key) => {
                ServiceKey::decode(key).map_or(Claimed::Nobody, |key| Claimed::Service(key.service))
            }
            Self::FederatedToken(_) => Claimed::Nobody,
        }
    }
}

/// Why nobody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// Unknown name, wrong password or wrong key: which of them is not told.
    #[error("wrong name, password or key")]
    WrongCredentials,
    /// The refresh token was used before, so it may be stolen: the session is closed.
    #[error("the refresh token was used before; the session is closed")]
    RefreshReused,
    /// The provider's token identifies nobody.
    #[error(transparent)]
    Federation(#[from] FederationError),
    /// A person signs in for the first time, and an account of that name is there already: another's (R8).
    #[error("the name `{0}` that the OpenID provider gives is taken by another account")]
    NameTaken(Name),
    /// Everything else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl SignInError {
    /// Whether it may have been a guess.
    pub(super) const fn is_wrong(&self) -> bool {
        match self {
            Self::WrongCredentials | Self::Federation(FederationError::Untrusted) => true,
            Self::RefreshReused
            | Self::Federation(
                FederationError::Expired
                | FederationError::Spent
                | FederationError::Nameless
                | FederationError::Unavailable,
            )
            | Self::NameTaken(_)
            | Self::Refused(_) => false,
        }
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// The account behind a name and a password, and the hash that the password was verified against. Unknown names
    /// take as long as known ones.
    pub(super) async fn check_password(
        &self,
        name: &Name,
        password: &SecretString,
    ) -> Result<(Account, Option<PasswordHash>), SignInError> {
        let snapshot = self.snapshot();
        // Nobody signs in as anonymous (R118).
        let user = snapshot
            .user_named(name)
            .filter(|user| user.id != UserId::ANONYMOUS);
        // Anonymous has none. The store is asked for unknown names, too, because its answer takes time.
        let id = user.map_or(UserId::ANONYMOUS, |user| user.id);
        let hash = self.store.password(id).await.map_err(Refusal::from)?;
        let right = self
            .platform
            .verify(password, hash.as_ref())
            .await
            .map_err(Refusal::from)?;
        match user.filter(|_| right) {
            None => Err(SignInError::WrongCredentials),
            Some(user) if !user.is_enabled() => Err(Refusal::AccountDisabled.into()),
            Some(user) => {
                let account = Account::User {
                    user: user.id,
                    kind: user.policy.session_kind(),
                };
                Ok((account, hash))
            }
        }
    }

    /// The service behind a key.
    pub(super) async fn check_key(&self, key: &SecretString) -> Result<Account, SignInError> {
        let key = ServiceKey::decode(key).ok_or(SignInError::WrongCredentials)?;
        let kept = self
            .store
            .service_key(key.service)
            .await
            .map_err(Refusal::from)?;
        // Hashes of random keys: how long their comparison takes tells nothing.
        let right = kept == Some(key.hash()) && self.snapshot().service(key.service).is_some();
        let account = Account::Service {
            service: key.service,
        };
        right
            .then_some(account)
            .ok_or(SignInError::WrongCredentials)
    }
}
