//! Random secrets as text that people and programs carry: refresh tokens and service keys.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_domain::{ServiceId, SessionId};
use secrecy::{ExposeSecret as _, SecretString};

use crate::secret::{RefreshHashes, SecretHash};

/// A refresh token: which session, a part that all tokens of the session share, and a part of its own.
#[derive(Clone, Copy)]
pub(crate) struct RefreshToken {
    pub(crate) session: SessionId,
    pub(crate) family: [u8; 16],
    pub(crate) own: [u8; 16],
}

impl RefreshToken {
    /// The token as text.
    pub(crate) fn encode(&self) -> SecretString {
        encode(self.session.get(), &[self.family, self.own].concat())
    }

    /// Reads a token; `None` when it is not one.
    pub(crate) fn decode(text: &SecretString) -> Option<Self> {
        let (id, secret) = decode(text)?;
        let (family, own) = secret.split_first_chunk()?;
        let session = SessionId::new(id).ok()?;
        Some(Self {
            session,
            family: *family,
            own: own.try_into().ok()?,
        })
    }

    /// What is kept of it.
    pub(crate) fn hashes(&self) -> RefreshHashes {
        RefreshHashes {
            family: SecretHash::of(&self.family),
            current: SecretHash::of(&self.own),
        }
    }
}

/// A service's key: which service, and 32 random bytes.
#[derive(Clone, Copy)]
pub(crate) struct ServiceKey {
    pub(crate) service: ServiceId,
    pub(crate) secret: [u8; 32],
}

impl ServiceKey {
    /// The key as text.
    pub(crate) fn encode(&self) -> SecretString {
        encode(self.service.get(), &self.secret)
    }

    /// Reads a key; `None` when it is not one.
    pub(crate) fn decode(text: &SecretString) -> Option<Self> {
        let (id, secret) = decode(text)?;
        Some(Self {
            service: ServiceId::new(id).ok()?,
            secret,
        })
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> SecretHash {
        SecretHash::of(&self.secret)
    }
}

fn encode(id: i64, secret: &[u8]) -> SecretString {
    URL_SAFE_NO_PAD
        .encode([&id.to_be_bytes(), secret].concat())
        .into()
}

fn decode(text: &SecretString) -> Option<(i64, [u8; 32])> {
    let bytes = URL_SAFE_NO_PAD.decode(text.expose_secret()).ok()?;
    let (id, secret) = bytes.split_first_chunk()?;
    Some((i64::from_be_bytes(*id), secret.try_into().ok()?))
}
