//! Small documents of providers over HTTP: bounded in size and time, and without detours.

use std::time::Duration;

use tokio::task::spawn_blocking;
use ureq::{
    Agent,
    http::StatusCode,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

use super::url::IssuerUrl;

/// For everything from the look-up of the name to the last byte. Somebody waits to sign in.
const PATIENCE: Duration = Duration::from_secs(5);
/// Discovery documents and key sets have a few thousand bytes.
const MAX_BYTES: u64 = 1 << 20;

/// Which authorities vouch for a provider's certificate.
#[derive(Clone, Debug)]
pub enum Roots {
    /// Those that browsers trust.
    Public,
    /// These alone.
    Own(Vec<Certificate<'static>>),
}

impl Roots {
    /// The certificates in a PEM text; `None` if there is none, or something else.
    #[must_use]
    pub fn of_pem(text: &[u8]) -> Option<Self> {
        let mut certificates = Vec::new();
        for item in parse_pem(text) {
            let PemItem::Certificate(certificate) = item.ok()? else {
                return None;
            };
            certificates.push(certificate);
        }
        (!certificates.is_empty()).then_some(Self::Own(certificates))
    }
}

/// Fetches documents of one provider.
#[derive(Clone, Debug)]
pub(super) struct Http(Agent);

/// Why a document cannot be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    #[error("the provider cannot be reached")]
    Unreachable(#[source] Box<ureq::Error>),
    #[error("the provider answers with status {0}")]
    Status(StatusCode),
    #[error("the answer is not what it should be")]
    Content(#[from] serde_json::Error),
    #[error("the discovery document is of another issuer")]
    OtherIssuer,
    #[error("the keys are at an address that is not encrypted")]
    Address(#[from] super::url::BadIssuer),
    #[error("there is no key that signs tokens")]
    NoKeys,
    #[error("the work was given up")]
    GivenUp(#[from] tokio::task::JoinError),
}

impl Http {
    pub(super) fn new(issuer: &IssuerUrl, roots: &Roots) -> Self {
        let roots = match roots {
            Roots::Public => RootCerts::WebPki,
            Roots::Own(certificates) => RootCerts::new_with_certs(certificates),
        };
        let mut config = Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            // Who may say where the keys are is configured, and nobody else.
            .max_redirects(0)
            .user_agent("jmap-authorization")
            .tls_config(TlsConfig::builder().root_certs(roots).build());
        if issuer.is_local() {
            config = config.proxy(None);
        }
        Self(config.build().new_agent())
    }

    /// The bytes of a document.
    pub(super) async fn get(&self, address: String) -> Result<Vec<u8>, FetchError> {
        let agent = self.0.clone();
        spawn_blocking(move || get(&agent, &address)).await?
    }
}

fn get(agent: &Agent, address: &str) -> Result<Vec<u8>, FetchError> {
    let unreachable = |error| FetchError::Unreachable(Box::new(error));
    let mut response = agent.get(address).call().map_err(unreachable)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status(response.status()));
    }
    let body = response.body_mut().with_config().limit(MAX_BYTES);
    body.read_to_vec().map_err(unreachable)
}
