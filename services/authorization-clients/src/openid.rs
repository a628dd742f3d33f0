//! ID tokens of the configured providers: whose keys sign them, and whom they name.
//!
//! What is looked for is decided by the configuration and never by the token: its issuer chooses among the configured
//! ones, its algorithm has to be one of that issuer's, its key one of those that the issuer publishes.

mod fetch;
mod keys;
mod url;
mod verify;

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use authorization_core::federation::{FederationError, GroupRules, Identified};
use jsonwebtoken::{Algorithm, Header, dangerous, decode_header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

pub use self::{
    fetch::Roots,
    url::{BadIssuer, IssuerUrl},
};
use fetch::Http;
use keys::Keys;

/// No ID token comes near this; groups by the thousand belong elsewhere.
const MAX_TOKEN_BYTES: usize = 16 << 10;

/// An OpenID provider, as it is configured.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// The `iss` of its tokens, and where its discovery document is.
    pub issuer: IssuerUrl,
    /// What the tokens' `aud` has to name: the client id that the provider knows this installation by.
    pub audience: String,
    /// The algorithms that tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// Which claims say what.
    pub claims: ClaimNames,
    /// What becomes of the groups.
    pub groups: GroupRules,
    /// How long after it was issued a token can be exchanged.
    pub max_token_age: Duration,
    /// Which authorities vouch for the provider's own certificate.
    pub roots: Roots,
}

/// The names of claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimNames {
    /// Names a new account.
    pub name: String,
    /// How people see a new account.
    pub display_name: String,
    /// Lists groups; `None` where tokens have none.
    pub groups: Option<String>,
}

/// The configured providers, with the keys that they published lately.
#[derive(Debug, Default)]
pub struct Providers(BTreeMap<String, Provider>);

#[derive(Debug)]
struct Provider {
    issuer: Issuer,
    keys: Arc<Keys>,
}

/// What has to be known before anything can be verified.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

impl Providers {
    /// Nothing is fetched before the first token comes: a provider that is down holds nobody else up.
    #[must_use]
    pub fn new(issuers: impl IntoIterator<Item = Issuer>) -> Self {
        let known = issuers.into_iter().map(|issuer| {
            let http = Http::new(&issuer.issuer, &issuer.roots);
            let keys = Arc::new(Keys::new(issuer.issuer.clone(), http));
            let name = issuer.issuer.as_str().to_owned();
            (name, Provider { issuer, keys })
        });
        Self(known.collect())
    }

    /// Whom a token was issued to.
    ///
    /// # Errors
    /// [`FederationError`]; whether the token was used before is not known here.
    pub async fn identify(&self, token: &SecretString) -> Result<Identified, FederationError> {
        let token = token.expose_secret();
        let (provider, header) = self.provider(token).ok_or(FederationError::Untrusted)?;
        let key = provider.keys.find(&header).await?;
        verify::identify(&provider.issuer, &header, &key, token)
    }

    /// The provider that may have issued a token, and the token's header; `None` where looking for a key is not worth it.
    fn provider(&self, token: &str) -> Option<(&Provider, Header)> {
        if token.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let header = decode_header(token).ok()?;
        let Unverified { iss } = dangerous::insecure_decode_claims(token).ok()?;
        let provider = self.0.get(&iss)?;
        let is_pinned = provider.issuer.algorithms.contains(&header.alg);
        (is_pinned && is_id_token(&header)).then_some((provider, header))
    }
}

/// Providers sign other things with the same keys for the same audience, such as notices of sign-out.
fn is_id_token(header: &Header) -> bool {
    let is_plain = header
        .typ
        .as_ref()
        .is_none_or(|typ| typ.eq_ignore_ascii_case("JWT"));
    // What a sender calls critical has to be understood, and nothing of the kind is.
    is_plain && header.crit.is_none()
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.issuer.as_str())
    }
}
