//! The keys that a provider publishes: fetched when needed, kept for a while, and fetched again for one that is new.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use authorization_core::federation::FederationError;
use jsonwebtoken::{
    Algorithm, DecodingKey, Header,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, task::JoinHandle, time::Instant};
use tracing::{info, warn};

use super::{
    fetch::{FetchError, Http},
    url::IssuerUrl,
};

/// A key that a provider has withdrawn is trusted for no longer.
const LIFE: Duration = Duration::from_mins(15);
/// Between two attempts: anybody can invent key ids, and a provider that is down is not helped by being asked.
const PAUSE: Duration = Duration::from_secs(10);
/// Shorter RSA keys are refused (RFC 7518, section 3.3): 2,048 bits in base64.
const MIN_MODULUS: usize = 342;

/// The keys of one provider.
#[derive(Debug)]
pub(super) struct Keys {
    issuer: IssuerUrl,
    http: Http,
    known: ArcSwapOption<Known>,
    last_attempt: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Known {
    keys: Vec<Jwk>,
    fetched_at: Instant,
}

/// The part of a discovery document that matters here (OpenID Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

/// A key set (RFC 7517), whose keys may be of kinds that are not known here.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) fn new(issuer: IssuerUrl, http: Http) -> Self {
        Self {
            issuer,
            http,
            known: ArcSwapOption::empty(),
            last_attempt: Mutex::new(None),
        }
    }

    /// The key that a token says it is signed with.
    pub(super) async fn find(
        self: &Arc<Self>,
        header: &Header,
    ) -> Result<DecodingKey, FederationError> {
        match self.fresh(header) {
            Ok(key) => {
                if self.is_half_old() {
                    let _in_the_background = self.begin_fetching();
                }
                Ok(key)
            }
            Err(_unknown) => {
                let _ended = self.begin_fetching().await;
                self.fresh(header)
            }
        }
    }

    /// Fetches in a task of its own: what was begun is finished, also when its caller goes away.
    fn begin_fetching(self: &Arc<Self>) -> JoinHandle<()> {
        let keys = Arc::clone(self);
        tokio::spawn(async move { keys.fetch_again().await })
    }

    fn is_half_old(&self) -> bool {
        let known = self.known.load();
        known
            .as_ref()
            .is_some_and(|known| known.fetched_at.elapsed() > LIFE / 2)
    }

    /// The key among those that are known and not too old.
    fn fresh(&self, header: &Header) -> Result<DecodingKey, FederationError> {
        let known = self.known.load();
        let known = known
            .as_ref()
            .filter(|known| known.fetched_at.elapsed() < LIFE)
            .ok_or(FederationError::Unavailable)?;
        let key = choose(&known.keys, header).and_then(|key| DecodingKey::from_jwk(key).ok());
        key.ok_or(FederationError::Untrusted)
    }

    /// Whoever waits for the lock finds the keys that the one before it has fetched.
    async fn fetch_again(&self) {
        let mut last_attempt = self.last_attempt.lock().await;
        if last_attempt.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        let now = Instant::now();
        *last_attempt = Some(now);
        match self.fetch().await {
            Ok(keys) => {
                info!(
                    issuer = self.issuer.as_str(),
                    keys = keys.len(),
                    "fetched the keys of an OpenID provider"
                );
                let fetched_at = now;
                self.known.store(Some(Known { keys, fetched_at }.into()));
            }
            Err(error) => warn!(
                issuer = self.issuer.as_str(),
                error = &error as &dyn std::error::Error,
                "fetching the keys of an OpenID provider failed"
            ),
        }
    }

    async fn fetch(&self) -> Result<Vec<Jwk>, FetchError> {
        let found = self.http.get(self.issuer.discovery()).await?;
        let Discovery { issuer, jwks_uri } = serde_json::from_slice(&found)?;
        if issuer != self.issuer.as_str() {
            return Err(FetchError::OtherIssuer);
        }
        self.issuer.check_keys(&jwks_uri)?;
        let KeySet { keys } = serde_json::from_slice(&self.http.get(jwks_uri).await?)?;
        let usable = keys
            .into_iter()
            .filter_map(|key| serde_json::from_value(key).ok())
            .filter(is_usable);
        let usable: Vec<Jwk> = usable.collect();
        if usable.is_empty() {
            return Err(FetchError::NoKeys);
        }
        Ok(usable)
    }
}

/// Public keys that verify signatures, and are long enough to. Shared secrets prove nothing about who has signed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum is not exhaustive"
)]
fn is_usable(key: &Jwk) -> bool {
    let signs = key
        .common
        .public_key_use
        .as_ref()
        .is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let is_strong = match &key.algorithm {
        AlgorithmParameters::RSA(key) => key.n.len() >= MIN_MODULUS,
        AlgorithmParameters::EllipticCurve(_) | AlgorithmParameters::OctetKeyPair(_) => true,
        _ => false,
    };
    signs && is_strong
}

/// The key of a token's key id; of tokens without one, the only key that fits.
fn choose<'k>(keys: &'k [Jwk], header: &Header) -> Option<&'k Jwk> {
    let mut fitting = keys.iter().filter(|key| fits(key, header.alg));
    match &header.kid {
        Some(kid) => fitting.find(|key| key.common.key_id.as_ref() == Some(kid)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

/// Whether a key is for an algorithm: by its kind, and by what it says itself.
fn fits(key: &Jwk, algorithm: Algorithm) -> bool {
    let said = key.common.key_algorithm;
    let is_meant = said.is_none_or(|said| said.to_string().parse() == Ok(algorithm));
    let is_kind = match (&key.algorithm, algorithm) {
        (
            AlgorithmParameters::RSA(_),
            Algorithm::RS256
            | Algorithm::RS384
            | Algorithm::RS512
            | Algorithm::PS256
            | Algorithm::PS384
            | Algorithm::PS512,
        ) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => {
            key.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => {
            key.curve == EllipticCurve::P384
        }
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => {
            key.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    is_meant && is_kind
}
