//! The keys in force, and the tokens that they have verified.

use std::{
    collections::HashMap,
    time::{SystemTime, UNIX_EPOCH},
};

use jmap_domain::Caller;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

use super::{AUDIENCE, Claims, PublishedKeys};

/// Tolerance for clocks that differ, in seconds.
const LEEWAY: u64 = 5;
/// No token of ours comes near this; a longer text is not worth hashing.
const MAX_TOKEN_BYTES: usize = 4096;
/// Verified tokens that are remembered.
const REMEMBERED_TOKENS: usize = 10_000;

/// Why a token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It has not the shape of a token of ours.
    Malformed,
    /// It was valid once.
    Expired,
    /// It names a key that is not known (yet).
    UnknownKey,
    /// Its signature, algorithm, issuer or audience is wrong.
    Untrusted,
}

/// Immutable: new keys make a new ring, so that what old keys verified is forgotten with them.
#[derive(Debug)]
pub(crate) struct Keyring {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
    /// Verifying costs more than an empty call. Whether the session is still open is not remembered here:
    /// authorization answers that each time (R117).
    verified: Cache<[u8; 32], Verified>,
}

#[derive(Clone, Copy, Debug)]
struct Verified {
    caller: Caller,
    expires_at: u64,
}

impl Keyring {
    pub(crate) fn new(published: &PublishedKeys) -> Self {
        let keys = published.keys.iter();
        let keys = keys
            .map(|key| (key.key_id.clone(), DecodingKey::from_ed_der(&key.ed25519)))
            .collect();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.leeway = LEEWAY;
        validation.set_issuer(&[&published.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        Self {
            keys,
            validation,
            verified: Cache::new(REMEMBERED_TOKENS),
        }
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Caller, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Malformed);
        }
        let hash: [u8; 32] = Sha256::digest(token).into();
        let verified = match self.verified.get(&hash) {
            Some(verified) => verified,
            None => self.verify_signature(token)?,
        };
        if verified.expires_at.saturating_add(LEEWAY) < seconds_now() {
            return Err(TokenError::Expired);
        }
        self.verified.insert(hash, verified);
        Ok(verified.caller)
    }

    fn verify_signature(&self, token: &str) -> Result<Verified, TokenError> {
        let header = decode_header(token).ok().ok_or(TokenError::Malformed)?;
        if header.alg != Algorithm::EdDSA {
            return Err(TokenError::Untrusted);
        }
        let key_id = header.kid.ok_or(TokenError::Malformed)?;
        let key = self.keys.get(&key_id).ok_or(TokenError::UnknownKey)?;
        let claims = decode::<Claims>(token, key, &self.validation)
            .map_err(|error| cause(error.kind()))?
            .claims;
        let caller = claims.caller().ok().ok_or(TokenError::Malformed)?;
        Ok(Verified {
            caller,
            expires_at: claims.exp,
        })
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's enum is not exhaustive"
)]
fn cause(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::InvalidToken
        | ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::Base64(_)
        | ErrorKind::Json(_)
        | ErrorKind::Utf8(_) => TokenError::Malformed,
        _ => TokenError::Untrusted,
    }
}

fn seconds_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
