//! Good tokens and bad ones, each bad in one respect.

use authorization_clients::{Algorithm, Issuer};
use authorization_core::federation::FederationError::{Expired, Nameless, Untrusted};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openid_provider::Key;
use serde_json::json;

use crate::site::{Site, merged, now};

#[tokio::test]
async fn a_token_of_a_sign_in_says_who_it_is() {
    let Some(site) = Site::start() else { return };
    let claims =
        json!({ "preferred_username": "ana", "name": "Ana B.", "groups": ["crew", "Field Team"] });
    let token = site.provider.sign_in("7", &claims);
    let ana = site.identify(&token).await.unwrap();
    assert_eq!(ana.identity.issuer, site.provider.issuer());
    assert_eq!(ana.identity.subject, "7");
    assert_eq!(ana.name.as_str(), "ana");
    assert_eq!(ana.display_name.unwrap().as_str(), "Ana B.");
    assert_eq!(ana.groups, ["crew", "Field Team"]);
    let accepted = ana.accepted_until.as_millis() / 1000;
    let latest = i64::try_from(now()).unwrap() + 10 * 60 + 31;
    assert!(
        accepted <= latest && accepted > latest - 60,
        "{accepted} {latest}"
    );
    // Another token of the same person is another token; the same one is recognised, whatever its signature looks like.
    let again = site.identify(&token).await.unwrap();
    assert_eq!(again.token, ana.token);
    let other = site.provider.sign_in("7", &claims);
    assert_ne!(site.identify(&other).await.unwrap().token, ana.token);
}

#[tokio::test]
async fn a_token_for_another_application_is_refused() {
    let Some(site) = Site::start() else { return };
    let claims = json!({ "preferred_username": "ana" });
    let token = site.provider.sign_in_at("another", "7", &claims);
    assert_eq!(site.identify(&token).await.unwrap_err(), Untrusted);
}

#[tokio::test]
async fn only_the_configured_algorithms_are_accepted() {
    let elliptic = |issuer| Issuer {
        audience: "elliptic".to_owned(),
        ..issuer
    };
    let claims = json!({ "preferred_username": "ana" });
    let Some(site) = Site::start_with(elliptic) else {
        return;
    };
    let token = site.provider.sign_in_at("elliptic", "7", &claims);
    assert_eq!(site.identify(&token).await.unwrap_err(), Untrusted);
    let pinned = |issuer| Issuer {
        algorithms: vec![Algorithm::ES256, Algorithm::EdDSA],
        ..elliptic(issuer)
    };
    let Some(site) = Site::start_with(pinned) else {
        return;
    };
    let token = site.provider.sign_in_at("elliptic", "7", &claims);
    site.identify(&token).await.unwrap();
}

#[tokio::test]
async fn what_is_not_signed_by_the_provider_is_refused() {
    let Some(site) = Site::start() else { return };
    let good = merged(&json!({}));
    let signed = |key, header| site.provider.signed(key, &header, &good);
    site.identify(&signed(Key::Own, json!({}))).await.unwrap();
    let with_header = |header: serde_json::Value| {
        let token = signed(Key::Own, json!({}));
        let (_, rest) = token.split_once('.').unwrap();
        format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
    };
    let own = signed(Key::Own, json!({}));
    let (unsigned, _) = own.rsplit_once('.').unwrap();
    for (what, token) in [
        ("a foreign key", signed(Key::Foreign, json!({}))),
        (
            "an unknown key",
            signed(Key::Foreign, json!({ "kid": "mine" })),
        ),
        ("no algorithm", with_header(json!({ "alg": "none" }))),
        (
            "a shared secret",
            with_header(json!({ "alg": "HS256", "kid": "x" })),
        ),
        (
            "another algorithm",
            signed(Key::Own, json!({ "alg": "RS384" })),
        ),
        ("no signature", format!("{unsigned}.")),
        (
            "a key of its own",
            signed(
                Key::Foreign,
                json!({ "kid": null, "jku": "https://evil.example" }),
            ),
        ),
        ("another header", with_header(json!({ "alg": "RS256" }))),
        (
            "a notice of sign-out",
            signed(Key::Own, json!({ "typ": "logout+jwt" })),
        ),
        (
            "a critical extension",
            signed(Key::Own, json!({ "crit": ["exp"] })),
        ),
        ("nothing", String::new()),
        ("no token", "a.b.c".to_owned()),
        ("too much", format!("{own}{}", "A".repeat(16 << 10))),
    ] {
        assert_eq!(site.identify(&token).await.err(), Some(Untrusted), "{what}");
    }
}

#[tokio::test]
async fn each_claim_is_looked_at() {
    let Some(site) = Site::start() else { return };
    assert_eq!(site.with(json!({})).await, None);
    let cases = [
        (json!({ "iss": "https://elsewhere.example" }), Untrusted),
        (json!({ "iss": "" }), Untrusted),
        (json!({ "aud": "another" }), Untrusted),
        (json!({ "aud": null }), Untrusted),
        (json!({ "aud": ["jmap", "another"] }), Untrusted),
        (
            json!({ "aud": ["jmap", "another"], "azp": "another" }),
            Untrusted,
        ),
        (json!({ "azp": "another" }), Untrusted),
        (json!({ "sub": null }), Untrusted),
        (json!({ "sub": 7 }), Untrusted),
        (json!({ "sub": "" }), Nameless),
        (json!({ "sub": "x".repeat(256) }), Nameless),
        (json!({ "exp": null }), Untrusted),
        (json!({ "exp": now() - 31 }), Expired),
        (json!({ "nbf": now() + 60 }), Expired),
        (json!({ "iat": null }), Untrusted),
        (json!({ "iat": now() + 60 }), Expired),
        (json!({ "iat": now() - 10 * 60 - 40 }), Expired),
        (json!({ "preferred_username": null }), Nameless),
        (json!({ "preferred_username": 7 }), Nameless),
        (json!({ "preferred_username": "a\nb" }), Nameless),
        (json!({ "groups": 7 }), Nameless),
        (json!({ "groups": ["crew", 7] }), Nameless),
    ];
    for (claims, refused) in cases {
        let shown = claims.to_string();
        assert_eq!(site.with(claims).await, Some(refused), "{shown}");
    }
    // Clocks may differ by a little.
    assert_eq!(site.with(json!({ "exp": now() - 20 })).await, None);
    assert_eq!(site.with(json!({ "iat": now() + 20 })).await, None);
    let several = json!({ "aud": ["another", "jmap"], "azp": "jmap" });
    assert_eq!(site.with(several).await, None);
    assert_eq!(site.with(json!({ "groups": "crew" })).await, None);
    assert_eq!(site.with(json!({ "groups": null })).await, None);
}
