//! Signing keys: made at the first start, kept in the store, published for everybody.

use anyhow::Context;
use authorization_core::{Timestamp, ports::PolicyStore, secret::SigningKey as StoredKey};
use jmap_service::token::{PublishedKeys, SigningKey, pkcs8_pem};
use jmap_wire::PageTokenKey;
use secrecy::ExposeSecret;

/// The keys of the installation: the newest signs, all verify.
#[derive(Debug)]
pub(crate) struct Keys {
    pub(crate) signing: SigningKey,
    pub(crate) published: PublishedKeys,
    pub(crate) pages: PageTokenKey,
}

/// Reads the keys, and makes the first one in a new store.
///
/// # Errors
/// When the store cannot answer, or a key in it cannot be used.
pub(crate) async fn load(
    store: &impl PolicyStore,
    issuer: &str,
    now: Timestamp,
) -> anyhow::Result<Keys> {
    let mut stored = store
        .signing_keys()
        .await
        .context("read the signing keys")?;
    if stored.is_empty() {
        let key = fresh(now);
        store
            .add_signing_key(&key)
            .await
            .context("keep the first signing key")?;
        stored.push(key);
    }
    let keys: Vec<SigningKey> = stored
        .iter()
        .map(|key| SigningKey::from_pem(&key.kid, &key.private_pem))
        .collect::<Result<_, _>>()
        .context("read a signing key")?;
    let published = PublishedKeys {
        issuer: issuer.to_owned(),
        keys: keys.iter().map(|key| key.public().clone()).collect(),
    };
    // The oldest key outlives restarts and the making of new ones, and so do page tokens sealed by it.
    let oldest = stored
        .last()
        .map(|key| key.private_pem.expose_secret())
        .unwrap_or_default();
    let pages = PageTokenKey::derive(oldest.as_bytes());
    let signing = keys.into_iter().next().context("no signing key")?;
    Ok(Keys {
        signing,
        published,
        pages,
    })
}

fn fresh(now: Timestamp) -> StoredKey {
    // The time names it well enough: keys are made one by one.
    StoredKey {
        kid: format!("k{}", now.as_millis()),
        private_pem: pkcs8_pem(&rand::random()),
        created_at: now,
    }
}
