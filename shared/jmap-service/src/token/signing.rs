//! Signing: Ed25519 only.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use jsonwebtoken::{
    Algorithm, EncodingKey, Header, encode,
    jwk::{
        AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm,
        OctetKeyPairParameters, OctetKeyPairType, PublicKeyUse,
    },
};

use secrecy::{ExposeSecret, SecretString};

use super::Claims;

/// What PKCS #8 puts in front of the 32 bytes of an Ed25519 private key (RFC 8410).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// A public key with the id that tokens name it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The `kid` of tokens.
    pub key_id: String,
    /// The Ed25519 key.
    pub ed25519: [u8; 32],
}

/// The public keys of an installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedKeys {
    /// The id of the installation: the only issuer whose tokens are accepted.
    pub issuer: String,
    /// Its keys.
    pub keys: Vec<PublicKey>,
}

impl PublishedKeys {
    /// The keys as a JSON Web Key Set (RFC 7517, RFC 8037), for HTTP.
    #[must_use]
    pub fn jwks(&self) -> JwkSet {
        JwkSet {
            keys: self.keys.iter().map(jwk).collect(),
        }
    }
}

fn jwk(key: &PublicKey) -> Jwk {
    let common = CommonParameters {
        public_key_use: Some(PublicKeyUse::Signature),
        key_algorithm: Some(KeyAlgorithm::EdDSA),
        key_id: Some(key.key_id.clone()),
        ..CommonParameters::default()
    };
    let algorithm = AlgorithmParameters::OctetKeyPair(OctetKeyPairParameters {
        key_type: OctetKeyPairType::OctetKeyPair,
        curve: EllipticCurve::Ed25519,
        x: URL_SAFE_NO_PAD.encode(key.ed25519),
    });
    Jwk { common, algorithm }
}

/// A private key with its public half. Its bytes are never printed.
#[derive(Clone)]
pub struct SigningKey {
    private: EncodingKey,
    public: PublicKey,
}

/// The signing library refused the key. It does not for any 32 bytes.
#[derive(Debug, thiserror::Error)]
#[error("the signing key cannot be used")]
pub struct SigningError(#[source] Option<jsonwebtoken::errors::Error>);

impl SigningKey {
    /// The key of 32 secret random bytes.
    ///
    /// # Errors
    /// [`SigningError`] when the library refuses.
    pub fn from_seed(key_id: &str, seed: &[u8; 32]) -> Result<Self, SigningError> {
        let der = [PKCS8_PREFIX.as_slice(), seed.as_slice()].concat();
        Self::new(key_id, EncodingKey::from_ed_der(&der))
    }

    /// The key in a PKCS #8 PEM text, as [`pkcs8_pem`] writes it.
    ///
    /// # Errors
    /// [`SigningError`] when the text is no Ed25519 key.
    pub fn from_pem(key_id: &str, pem: &SecretString) -> Result<Self, SigningError> {
        let private = EncodingKey::from_ed_pem(pem.expose_secret().as_bytes())
            .map_err(|error| SigningError(Some(error)))?;
        Self::new(key_id, private)
    }

    fn new(key_id: &str, private: EncodingKey) -> Result<Self, SigningError> {
        let ed25519 = public_half(&private)?;
        Ok(Self {
            private,
            public: PublicKey {
                key_id: key_id.to_owned(),
                ed25519,
            },
        })
    }

    /// Signs claims into a token.
    ///
    /// # Errors
    /// [`SigningError`] when the library refuses.
    pub fn sign(&self, claims: &Claims) -> Result<String, SigningError> {
        let header = Header {
            kid: Some(self.public.key_id.clone()),
            ..Header::new(Algorithm::EdDSA)
        };
        encode(&header, claims, &self.private).map_err(|error| SigningError(Some(error)))
    }

    /// The public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }
}

/// The private key of 32 secret random bytes as a PKCS #8 PEM text, for keeping.
#[must_use]
pub fn pkcs8_pem(seed: &[u8; 32]) -> SecretString {
    let der = [PKCS8_PREFIX.as_slice(), seed.as_slice()].concat();
    let body = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n").into()
}

fn public_half(private: &EncodingKey) -> Result<[u8; 32], SigningError> {
    let jwk = Jwk::from_encoding_key(private, Algorithm::EdDSA)
        .map_err(|error| SigningError(Some(error)))?;
    let AlgorithmParameters::OctetKeyPair(pair) = jwk.algorithm else {
        return Err(SigningError(None));
    };
    let bytes = URL_SAFE_NO_PAD.decode(pair.x).ok();
    bytes
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(SigningError(None))
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_public_half_is_that_of_rfc_8037() {
        // The key pair of RFC 8037, appendix A.
        let seed = URL_SAFE_NO_PAD
            .decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
            .unwrap();
        let key = SigningKey::from_seed("k1", &seed.try_into().unwrap()).unwrap();
        let published = PublishedKeys {
            issuer: "i".to_owned(),
            keys: vec![key.public().clone()],
        };
        let json = serde_json::to_value(published.jwks()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({ "keys": [{
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": "k1",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
            }] })
        );
    }

    #[test]
    fn a_key_survives_being_kept() {
        let key = SigningKey::from_seed("k1", &[7; 32]).unwrap();
        let kept = SigningKey::from_pem("k1", &pkcs8_pem(&[7; 32])).unwrap();
        assert_eq!(kept.public(), key.public());
    }

    #[test]
    fn a_private_key_is_not_printed() {
        let key = SigningKey::from_seed("k1", &[7; 32]).unwrap();
        assert!(!format!("{key:?}").contains("private"));
    }
}
