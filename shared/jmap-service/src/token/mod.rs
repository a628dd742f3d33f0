//! Tokens: what is in them, how they are signed, and how they are verified (R117).

mod authenticator;
mod claims;
mod keyring;
mod signing;

pub use authenticator::{Authenticator, KeySource, KeySourceError};
pub use claims::{AUDIENCE, Claims, ClaimsError, TokenKind, Validity};
pub use signing::{PublicKey, PublishedKeys, SigningError, SigningKey, pkcs8_pem};
