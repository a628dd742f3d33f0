//! Where the keys come from, and how often.

use std::time::Duration;

use authorization_clients::Providers;
use authorization_core::federation::FederationError::{Unavailable, Untrusted};
use openid_provider::{Key, OpenIdProvider};
use serde_json::json;

use crate::site::{Site, issuer, merged};

/// Longer than the pause between two attempts to fetch keys.
const LATER: Duration = Duration::from_secs(11);
/// Longer than keys are trusted without being fetched again.
const MUCH_LATER: Duration = Duration::from_mins(16);

/// Lets time pass, for the keys alone.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

impl Site {
    fn token(&self) -> String {
        let claims = json!({ "preferred_username": "ana" });
        self.provider.sign_in("7", &claims)
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_again_when_they_are_old() {
    let Some(site) = Site::start() else { return };
    assert_eq!(
        site.provider.fetches(),
        0,
        "before the first token nothing is fetched"
    );
    for _ in 0..3 {
        site.identify(&site.token()).await.unwrap();
    }
    assert_eq!(site.provider.fetches(), 1);
    pass(MUCH_LATER).await;
    site.identify(&site.token()).await.unwrap();
    assert_eq!(site.provider.fetches(), 2);
}

#[tokio::test]
async fn a_rotated_key_is_fetched_and_the_withdrawn_one_is_not_trusted_any_more() {
    let Some(site) = Site::start() else { return };
    let old = site.token();
    site.identify(&old).await.unwrap();
    site.provider.rotate();
    pass(LATER).await;
    site.identify(&site.token()).await.unwrap();
    assert_eq!(site.identify(&old).await.unwrap_err(), Untrusted);
}

#[tokio::test]
async fn invented_keys_do_not_make_it_fetch_again_and_again() {
    let Some(site) = Site::start() else { return };
    site.identify(&site.token()).await.unwrap();
    pass(LATER).await;
    for number in 0..100 {
        let header = json!({ "kid": format!("invented {number}") });
        let forged = site
            .provider
            .signed(Key::Foreign, &header, &merged(&json!({})));
        assert_eq!(site.identify(&forged).await.unwrap_err(), Untrusted);
    }
    assert_eq!(site.provider.fetches(), 2);
    site.identify(&site.token()).await.unwrap();
}

#[tokio::test]
async fn while_the_provider_is_down_fresh_keys_serve_and_old_ones_do_not() {
    let Some(site) = Site::start() else { return };
    let token = site.token();
    site.provider.set_up(&json!(false));
    assert_eq!(site.identify(&token).await.unwrap_err(), Unavailable);
    site.provider.set_up(&json!(true));
    // Nobody asks again at once.
    assert_eq!(site.identify(&token).await.unwrap_err(), Unavailable);
    pass(LATER).await;
    site.identify(&token).await.unwrap();
    site.provider.set_up(&json!(false));
    site.identify(&token).await.unwrap();
    pass(MUCH_LATER).await;
    assert_eq!(site.identify(&token).await.unwrap_err(), Unavailable);
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer_is_not_believed() {
    let Some(provider) = OpenIdProvider::start() else {
        return;
    };
    // The same provider by another name.
    let alias = provider.issuer().replace("127.0.0.1", "localhost");
    let known = Providers::new([issuer(&alias)]);
    let claims = merged(&json!({ "iss": alias }));
    let token = provider.signed(Key::Own, &json!({}), &claims);
    let refused = known.identify(&token.into()).await.unwrap_err();
    assert_eq!((refused, provider.fetches()), (Unavailable, 0));
}
