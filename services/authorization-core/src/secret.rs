//! Secrets: hashes that are kept, keys that are shown once. None of them can be printed.

use std::fmt;

use jmap_domain::{ServiceId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::Timestamp;

/// A password's hash as a PHC string (argon2id).
#[derive(Clone, Debug)]
pub struct PasswordHash(pub SecretString);

/// Whether they are of one setting of the password: each has a salt of its own. Both are the store's, so how long
/// the comparison takes tells a caller nothing.
impl PartialEq for PasswordHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// A password that may be set: 8 to 1,024 bytes of UTF-8, not all white space.
#[derive(Clone, Debug)]
pub struct NewPassword(SecretString);

/// Why a text is not accepted as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 8 bytes, or only white space.
    #[error("a password has at least 8 bytes and is not blank")]
    TooShort,
    /// More than 1,024 bytes.
    #[error("a password has at most 1024 bytes")]
    TooLong,
}

impl NewPassword {
    /// Checks a password.
    ///
    /// # Errors
    /// [`PasswordError`] when it is blank, too short or too long.
    pub fn parse(password: SecretString) -> Result<Self, PasswordError> {
        let text = password.expose_secret();
        if text.len() < 8 || text.trim().is_empty() {
            return Err(PasswordError::TooShort);
        }
        if text.len() > 1024 {
            return Err(PasswordError::TooLong);
        }
        Ok(Self(password))
    }

    /// The password, for hashing.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// SHA-256 of a secret that is random by itself, so that no salt is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Hashes a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

/// What a session's refresh token is recognised by. Right family and wrong token: a used one came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RefreshHashes {
    /// Of the part that all tokens of the session share.
    pub family: SecretHash,
    /// Of the part that only the newest one has.
    pub current: SecretHash,
}

/// A key pair that signs tokens.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// How tokens and the key set name it.
    pub kid: String,
    /// The private key, Ed25519, PKCS #8 in PEM.
    pub private_pem: SecretString,
    /// When it was made; the newest signs, older ones still verify.
    pub created_at: Timestamp,
}

/// A secret to keep with a change, in the same transaction.
#[derive(Clone, Debug)]
pub enum SecretChange {
    /// A user's password.
    Password {
        /// Whose.
        user: UserId,
        /// Its hash.
        hash: PasswordHash,
    },
    /// A service's key.
    ServiceKey {
        /// Whose.
        service: ServiceId,
        /// Its hash.
        hash: SecretHash,
    },
}
