//! Tokens: what is accepted, and that each refusal is distinct.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures::{FutureExt, future::BoxFuture};
use jmap_domain::{
    Scope, ScopeSet, ServiceCaller, ServiceId, SessionCaller, SessionId, SessionKind, UserId,
};
use jmap_service::{
    Refusal,
    token::{Authenticator, Claims, KeySource, KeySourceError, PublishedKeys, Validity},
};
use serde_json::json;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::fixture::{ISSUER, Running, Settings, key, published, start, unary};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn hour() -> Validity {
    Validity {
        issued_at: now(),
        expires_at: now() + 3600,
    }
}

fn session() -> SessionCaller {
    SessionCaller {
        session: SessionId::new(9).unwrap(),
        user: UserId::new(42).unwrap(),
        kind: SessionKind::Ordinary,
    }
}

fn claims() -> Claims {
    Claims::of_session(ISSUER, session(), hour())
}

async fn with_header(running: &Running, header: &str) -> Result<String, Status> {
    let mut request = Request::new(String::new());
    request
        .metadata_mut()
        .insert("authorization", header.parse().unwrap());
    Ok(unary(running.channel(), "/test.v1.Test/WhoAmI", request)
        .await?
        .into_inner())
}

async fn with_token(running: &Running, token: &str) -> Result<String, Status> {
    with_header(running, &format!("Bearer {token}")).await
}

async fn assert_refused(running: &Running, token: &str, refusal: Refusal) {
    let status = with_token(running, token).await.unwrap_err();
    let reason = status.get_details_error_info().unwrap().reason;
    assert_eq!(
        (status.code(), reason.as_str()),
        refusal.code_and_reason(),
        "{token}"
    );
    assert_eq!(status.message(), refusal.to_string(), "{token}");
}

#[tokio::test]
async fn a_valid_token_identifies_its_account() {
    // R117. Twice: the second time from memory.
    let running = start(Settings::default()).await;
    let token = key("k1", 1).sign(&claims()).unwrap();
    for _ in 0..2 {
        let answer = with_token(&running, &token).await.unwrap();
        assert!(
            answer.contains("UserId(42)") && answer.contains("SessionId(9)"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_service_token_carries_its_scopes() {
    let running = start(Settings::default()).await;
    let service = ServiceCaller {
        session: SessionId::new(3).unwrap(),
        service: ServiceId::new(5).unwrap(),
        scopes: ScopeSet::default().with(Scope::Check),
    };
    let token = key("k1", 1)
        .sign(&Claims::of_service(ISSUER, service, hour()))
        .unwrap();
    let answer = with_token(&running, &token).await.unwrap();
    assert!(
        answer.starts_with(&format!("{:?}", jmap_domain::Caller::Service(service))),
        "{answer}"
    );
}

#[tokio::test]
async fn an_expired_token_is_refused_as_expired() {
    // R117.
    let running = start(Settings::default()).await;
    let validity = Validity {
        issued_at: now() - 7200,
        expires_at: now() - 3600,
    };
    let token = key("k1", 1)
        .sign(&Claims::of_session(ISSUER, session(), validity))
        .unwrap();
    assert_refused(&running, &token, Refusal::TokenExpired).await;
}

#[tokio::test]
async fn a_foreign_signature_is_refused_as_untrusted() {
    // R117: another key under the same id, an unknown id, and another installation or audience.
    let running = start(Settings::default()).await;
    let elsewhere = Claims {
        iss: "installation-2".to_owned(),
        ..claims()
    };
    let for_others = Claims {
        aud: "mail".to_owned(),
        ..claims()
    };
    for token in [
        key("k1", 2).sign(&claims()).unwrap(),
        key("k2", 1).sign(&claims()).unwrap(),
        key("k1", 1).sign(&elsewhere).unwrap(),
        key("k1", 1).sign(&for_others).unwrap(),
    ] {
        assert_refused(&running, &token, Refusal::TokenUntrusted).await;
    }
}

#[tokio::test]
async fn a_changed_claim_breaks_the_signature() {
    let running = start(Settings::default()).await;
    let token = key("k1", 1).sign(&claims()).unwrap();
    let administrator = Claims {
        sub: "1".to_owned(),
        ..claims()
    };
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&administrator).unwrap());
    let parts: Vec<_> = token.split('.').collect();
    let forged = format!("{}.{payload}.{}", parts[0], parts[2]);
    assert_refused(&running, &forged, Refusal::TokenUntrusted).await;
}

#[tokio::test]
async fn an_unsigned_token_is_refused() {
    // R117: `alg: none`, with and without a signature part, and a MAC keyed with the public key.
    let running = start(Settings::default()).await;
    let payload = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims()).unwrap());
    let none = URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": "k1" }).to_string());
    let mac = URL_SAFE_NO_PAD.encode(json!({ "alg": "HS256", "kid": "k1" }).to_string());
    for unsigned in [
        format!("{none}.{payload}."),
        format!("{none}.{payload}.AAAA"),
    ] {
        assert_refused(&running, &unsigned, Refusal::TokenMalformed).await;
    }
    let maced = format!("{mac}.{payload}.AAAA");
    assert_refused(&running, &maced, Refusal::TokenUntrusted).await;
}

#[tokio::test]
async fn garbage_is_refused_as_malformed_and_never_taken_for_anonymous() {
    // R117, R118.
    let running = start(Settings::default()).await;
    let long = "a".repeat(5000);
    for token in ["", "garbage", "a.b.c", "..", "e30.e30.e30", &long] {
        assert_refused(&running, token, Refusal::TokenMalformed).await;
    }
    let token = key("k1", 1).sign(&claims()).unwrap();
    for header in ["Basic YTpi".to_owned(), token] {
        let status = with_header(&running, &header).await.unwrap_err();
        assert_eq!(status.code(), Code::Unauthenticated, "{header}");
    }
}

#[tokio::test]
async fn impossible_claims_are_malformed() {
    let running = start(Settings::default()).await;
    for wrong in [
        Claims {
            sub: "0".to_owned(),
            ..claims()
        },
        Claims {
            sub: "ana".to_owned(),
            ..claims()
        },
        Claims {
            sid: -1,
            ..claims()
        },
    ] {
        let token = key("k1", 1).sign(&wrong).unwrap();
        assert_refused(&running, &token, Refusal::TokenMalformed).await;
    }
}

#[tokio::test]
async fn a_withdrawn_key_is_not_trusted_even_for_tokens_seen_before() {
    // R117.
    let token = key("k1", 1).sign(&claims()).unwrap();
    let authenticator = Authenticator::with_keys(&published(&[&key("k1", 1)]));
    assert!(authenticator.authenticate(&token).await.is_ok());
    authenticator.replace(&published(&[&key("k2", 2)]));
    assert!(authenticator.authenticate(&token).await.is_err());
}

/// Publishes k1 first and k1 and k2 from the second fetch on, and counts.
#[derive(Clone, Default)]
struct Rotating(Arc<AtomicUsize>);

impl KeySource for Rotating {
    fn fetch(&self) -> BoxFuture<'_, Result<PublishedKeys, KeySourceError>> {
        let fetches = self.0.fetch_add(1, Ordering::SeqCst);
        let (k1, k2) = (key("k1", 1), key("k2", 2));
        let keys = if fetches == 0 {
            published(&[&k1])
        } else {
            published(&[&k1, &k2])
        };
        async { Ok(keys) }.boxed()
    }
}

#[tokio::test(start_paused = true)]
async fn unknown_keys_are_fetched_but_not_at_the_pace_of_whoever_invents_them() {
    let source = Rotating::default();
    let authenticator = Authenticator::with_source(Box::new(source.clone()));
    let (old, new) = (
        key("k1", 1).sign(&claims()).unwrap(),
        key("k2", 2).sign(&claims()).unwrap(),
    );
    assert!(authenticator.authenticate(&old).await.is_ok());
    for _ in 0..100 {
        assert!(authenticator.authenticate(&new).await.is_err());
    }
    assert_eq!(source.0.load(Ordering::SeqCst), 1);
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert!(authenticator.authenticate(&new).await.is_ok());
    assert_eq!(source.0.load(Ordering::SeqCst), 2);
}

struct Unreachable;

impl KeySource for Unreachable {
    fn fetch(&self) -> BoxFuture<'_, Result<PublishedKeys, KeySourceError>> {
        async { Err(KeySourceError("no route".into())) }.boxed()
    }
}

#[tokio::test]
async fn without_keys_the_service_is_unavailable_and_does_not_guess() {
    // R121.
    let authenticator = Authenticator::with_source(Box::new(Unreachable));
    let running = start(Settings {
        authenticator,
        ..Settings::default()
    })
    .await;
    let token = key("k1", 1).sign(&claims()).unwrap();
    assert_refused(&running, &token, Refusal::KeysUnavailable).await;
}
