//! From a token to a caller, with keys that can be replaced and fetched.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use futures::future::BoxFuture;
use jmap_domain::Caller;
use tokio::{sync::Mutex, time::Instant};
use tracing::warn;

use super::{
    PublishedKeys,
    keyring::{Keyring, TokenError},
};
use crate::Refusal;

/// An unknown key id makes the keys be fetched, but no more often than this: anybody can invent one.
const FETCH_PAUSE: Duration = Duration::from_secs(1);

/// Where the keys of the installation can be fetched when a token names one that is not known.
pub trait KeySource: Send + Sync {
    /// The keys in force now. Implementations bound their own time.
    fn fetch(&self) -> BoxFuture<'_, Result<PublishedKeys, KeySourceError>>;
}

/// The keys could not be fetched.
#[derive(Debug, thiserror::Error)]
#[error("the signing keys cannot be fetched")]
pub struct KeySourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Verifies tokens against the keys in force. Reading them never waits for a change of keys.
pub struct Authenticator {
    keyring: ArcSwap<Keyring>,
    source: Option<Box<dyn KeySource>>,
    last_fetch: Mutex<Option<Instant>>,
}

impl Authenticator {
    /// With the keys of this very process, replaced by [`Authenticator::replace`].
    #[must_use]
    pub fn with_keys(published: &PublishedKeys) -> Self {
        Self::new(published, None)
    }

    /// With keys that are fetched when first needed, and again when a token names an unknown one.
    #[must_use]
    pub fn with_source(source: Box<dyn KeySource>) -> Self {
        let nothing = PublishedKeys {
            issuer: String::new(),
            keys: Vec::new(),
        };
        Self::new(&nothing, Some(source))
    }

    fn new(published: &PublishedKeys, source: Option<Box<dyn KeySource>>) -> Self {
        let keyring = ArcSwap::from_pointee(Keyring::new(published));
        Self {
            keyring,
            source,
            last_fetch: Mutex::new(None),
        }
    }

    /// Puts other keys in force. Tokens that only the former ones vouch for are refused from now on.
    pub fn replace(&self, published: &PublishedKeys) {
        self.keyring.store(Arc::new(Keyring::new(published)));
    }

    /// The caller that a token identifies.
    ///
    /// # Errors
    /// A refusal that says whether the token is malformed, expired or not of this installation (R117), or that the
    /// keys cannot be had (R121).
    pub async fn authenticate(&self, token: &str) -> Result<Caller, Refusal> {
        let first = self.keyring.load().verify(token);
        let answer = match (first, &self.source) {
            (Err(TokenError::UnknownKey), Some(source)) => {
                self.fetch_from(source.as_ref()).await?;
                self.keyring.load().verify(token)
            }
            (answer, _) => answer,
        };
        answer.map_err(|error| match error {
            TokenError::Malformed => Refusal::TokenMalformed,
            TokenError::Expired => Refusal::TokenExpired,
            TokenError::UnknownKey | TokenError::Untrusted => Refusal::TokenUntrusted,
        })
    }

    /// Fetches the keys every `period` for ever, so that one that was withdrawn is not trusted for long.
    pub async fn keep_fresh(&self, period: Duration) {
        let Some(source) = &self.source else { return };
        loop {
            tokio::time::sleep(period).await;
            if self.fetch_from(source.as_ref()).await.is_err() {
                warn!("keeping the signing keys that were fetched before");
            }
        }
    }

    /// Callers that wait for the lock find the keys fetched by the one before them.
    async fn fetch_from(&self, source: &dyn KeySource) -> Result<(), Refusal> {
        let mut last_fetch = self.last_fetch.lock().await;
        if last_fetch.is_some_and(|last| last.elapsed() < FETCH_PAUSE) {
            return Ok(());
        }
        let published = source.fetch().await.map_err(|error| {
            warn!(
                error = &error as &dyn std::error::Error,
                "fetching the signing keys failed"
            );
            Refusal::KeysUnavailable
        })?;
        self.replace(&published);
        *last_fetch = Some(Instant::now());
        Ok(())
    }
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator")
            .field("fetches", &self.source.is_some())
            .finish_non_exhaustive()
    }
}
