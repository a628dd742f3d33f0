//! Page tokens: where the next page begins, sealed so that they cannot be forged or moved to another query.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::{FieldPath, FieldViolation};

/// Bytes of the seal in a token; 128 bits are far beyond guessing.
const SEAL: usize = 16;

/// The secret that seals page tokens. Never a permission in a token: rights are asked again on every page.
#[derive(Clone)]
pub struct PageTokenKey(Hmac<Sha256>);

impl std::fmt::Debug for PageTokenKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageTokenKey(..)")
    }
}

/// The token is damaged, forged, or belongs to another query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a page token of this query")]
pub struct InvalidPageToken;

impl PageTokenKey {
    /// Derives the key from a secret that survives restarts, so that tokens do as well.
    #[must_use]
    pub fn derive(secret: &[u8]) -> Self {
        let digest = Sha256::new()
            .chain_update(b"jmap page tokens\0")
            .chain_update(secret)
            .finalize();
        // HMAC takes a key of the digest's block length; a shorter one is padded with zeros.
        let mut block = [0; 64];
        block.split_at_mut(digest.len()).0.copy_from_slice(&digest);
        Self(KeyInit::new(&block.into()))
    }

    /// Seals a position of a query. The query is whatever must be the same on every page, such as the encoded
    /// request without its page fields.
    #[must_use]
    pub fn seal(&self, query: &[u8], position: &[u8]) -> String {
        let mut token = self.tag(query, position).to_vec();
        token.extend_from_slice(position);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Opens a token of the query; an empty one is the first page.
    ///
    /// # Errors
    /// [`InvalidPageToken`] when the seal does not fit the query.
    pub fn open(&self, query: &[u8], token: &str) -> Result<Option<Vec<u8>>, InvalidPageToken> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_damaged| InvalidPageToken)?;
        let (seal, position) = bytes.split_at_checked(SEAL).ok_or(InvalidPageToken)?;
        let mut mac = self.0.clone();
        feed(&mut mac, query, position);
        mac.verify_truncated_left(seal)
            .map_err(|_forged| InvalidPageToken)?;
        Ok(Some(position.to_vec()))
    }

    /// Seals an id as the position: the next page begins after it.
    #[must_use]
    pub fn seal_id(&self, query: &[u8], after: i64) -> String {
        self.seal(query, &after.to_be_bytes())
    }

    /// Opens a token whose position is an id; 0 is the first page.
    ///
    /// # Errors
    /// [`InvalidPageToken`] as [`PageTokenKey::open`], and when the position is not an id.
    pub fn open_id(&self, query: &[u8], token: &str) -> Result<i64, InvalidPageToken> {
        match self.open(query, token)? {
            None => Ok(0),
            Some(bytes) => bytes
                .try_into()
                .map(i64::from_be_bytes)
                .map_err(|_length| InvalidPageToken),
        }
    }

    fn tag(&self, query: &[u8], position: &[u8]) -> [u8; SEAL] {
        let mut mac = self.0.clone();
        feed(&mut mac, query, position);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; SEAL];
        tag.copy_from_slice(full.split_at(SEAL).0);
        tag
    }
}

/// The length keeps a byte from wandering from the query into the position.
fn feed(mac: &mut Hmac<Sha256>, query: &[u8], position: &[u8]) {
    mac.update(&(query.len() as u64).to_be_bytes());
    mac.update(query);
    mac.update(position);
}

/// The number of items on a page: the default for 0, at most the maximum.
///
/// # Errors
/// A violation at `page_size` when it is negative.
pub fn page_size(asked: i32, default: usize, maximum: usize) -> Result<usize, FieldViolation> {
    match usize::try_from(asked) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(maximum)),
        Err(_negative) => Err(FieldPath::of("page_size").invalid("is negative")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_for_its_own_query_alone() {
        // R112.
        let key = PageTokenKey::derive(b"secret");
        let token = key.seal_id(b"layer 7", 41);
        assert_eq!(key.open_id(b"layer 7", &token), Ok(41));
        assert_eq!(key.open_id(b"layer 8", &token), Err(InvalidPageToken));
        assert_eq!(
            PageTokenKey::derive(b"other").open_id(b"layer 7", &token),
            Err(InvalidPageToken)
        );
        assert_eq!(key.open_id(b"layer 7", ""), Ok(0));
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let key = PageTokenKey::derive(b"secret");
        let token = key.seal_id(b"q", 41);
        for index in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[index] = if forged[index] == b'A' { b'B' } else { b'A' };
            assert!(
                key.open_id(b"q", &String::from_utf8(forged).unwrap())
                    .is_err(),
                "{index}"
            );
        }
    }

    #[test]
    fn page_sizes_have_a_default_and_a_maximum() {
        assert_eq!(page_size(0, 100, 1000), Ok(100));
        assert_eq!(page_size(5000, 100, 1000), Ok(1000));
        assert!(page_size(-1, 100, 1000).is_err());
    }
}
