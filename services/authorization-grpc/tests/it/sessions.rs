//! Signing in and out, and tokens that are not accepted (R117, R118).

use std::time::Duration;

use authorization_core::{
    Timestamp,
    federation::{GroupRules, Identified, UnknownGroups},
    model::FederatedId,
    secret::SecretHash,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_domain::{Name, SessionCaller, SessionId, SessionKind, UserId};
use jmap_proto::authorization as pb;
use jmap_service::token::{Claims, SigningKey, Validity};
use tonic::Code;
use tonic_types::StatusExt;

use crate::fixture::{
    CROWDED, Caller, DOWN, EXPIRED, ISSUER, PASSWORD, Running, federated, new_project, password,
    refused, seconds_now, signing_key, start,
};

async fn caller(running: &Running, caller: &Caller) -> Result<Option<pb::Session>, tonic::Status> {
    let response = running
        .sessions()
        .get_caller(caller.says(pb::GetCallerRequest {}))
        .await?;
    Ok(response.into_inner().session)
}

#[tokio::test]
async fn a_password_opens_a_session_and_signing_out_closes_it_at_once() {
    // R117.
    let running = start().await;
    let signed_in = running
        .try_sign_in(password("Administrator", PASSWORD))
        .await
        .unwrap();
    let session = signed_in.session.unwrap();
    assert_eq!(
        (session.user_id, session.account_name.as_str()),
        (1, "administrator")
    );
    assert_eq!(session.kind(), pb::SessionKind::Ordinary);
    let administrator = Caller {
        token: Some(signed_in.tokens.unwrap().access_token),
    };
    assert_eq!(
        caller(&running, &administrator)
            .await
            .unwrap()
            .unwrap()
            .session_id,
        session.session_id
    );

    running
        .sessions()
        .sign_out(administrator.says(pb::SignOutRequest {}))
        .await
        .unwrap();
    refused(
        caller(&running, &administrator).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
}

#[tokio::test]
async fn no_token_is_the_anonymous_account() {
    // R118.
    let running = start().await;
    assert_eq!(caller(&running, &Caller::ANONYMOUS).await.unwrap(), None);
    let result = running
        .projects()
        .create_project(Caller::ANONYMOUS.says(new_project("P")))
        .await;
    refused(result, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let result = running.sessions().sign_out(pb::SignOutRequest {}).await;
    refused(result, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn unknown_names_and_wrong_passwords_and_keys_are_refused_alike() {
    let running = start().await;
    let known = running
        .try_sign_in(password("administrator", "wrong password"))
        .await;
    let known = refused(known, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    let unknown = running
        .try_sign_in(password("nobody", "wrong password"))
        .await;
    let unknown = refused(unknown, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    assert_eq!(known.message(), unknown.message());
    let anonymous = running.try_sign_in(password("anonymous", PASSWORD)).await;
    refused(anonymous, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    let credential = pb::sign_in_request::Credential::ServiceKey("not a key".to_owned());
    let request = pb::SignInRequest {
        credential: Some(credential),
        server: None,
    };
    let status = refused(
        running.try_sign_in(request).await,
        Code::Unauthenticated,
        "CREDENTIAL_REFUSED",
    );
    assert!(!format!("{status:?}").contains("not a key"));
}

#[tokio::test]
async fn a_sign_in_that_finds_too_many_waiting_is_told_when_to_come_back() {
    // R120.
    let running = start().await;
    let result = running
        .try_sign_in(password("administrator", CROWDED))
        .await;
    let status = refused(result, Code::ResourceExhausted, "OVERLOADED");
    assert!(status.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_federated_token_that_names_nobody_says_why() {
    // R11, R120.
    let running = start().await;
    let cause = async |token: &str| {
        let result = running.try_sign_in(federated(token)).await;
        let status = refused(result, Code::Unauthenticated, "CREDENTIAL_REFUSED");
        assert!(!format!("{status:?}").contains(token));
        status.get_details_error_info().unwrap().metadata["cause"].clone()
    };
    assert_eq!(cause("nobody.issued.this").await, "UNTRUSTED");
    assert_eq!(cause(EXPIRED).await, "EXPIRED");
    let down = running.try_sign_in(federated(DOWN)).await;
    let status = refused(down, Code::Unavailable, "UNAVAILABLE");
    assert!(status.get_details_retry_info().is_some());

    running.memory.vouch("good", identified("ana"));
    let signed_in = running.try_sign_in(federated("good")).await.unwrap();
    assert_eq!(signed_in.session.unwrap().account_name, "ana");
    assert_eq!(cause("good").await, "SPENT");
    running.memory.vouch("taken", identified("administrator"));
    let taken = running.try_sign_in(federated("taken")).await;
    refused(taken, Code::AlreadyExists, "NAME_TAKEN");
}

/// Somebody of that name, by a token of its own.
fn identified(text: &str) -> Identified {
    Identified {
        identity: FederatedId {
            issuer: "https://login.example".to_owned(),
            subject: text.to_owned(),
        },
        name: Name::parse(text).unwrap(),
        display_name: None,
        groups: Vec::new(),
        rules: GroupRules {
            unknown: UnknownGroups::Ignored,
            default_group: None,
        },
        token: SecretHash::of(text.as_bytes()),
        accepted_until: Timestamp::from_millis(i64::MAX),
    }
}

#[tokio::test]
async fn who_guesses_is_told_how_long_to_wait() {
    // R120.
    let running = start().await;
    for _ in 0..5 {
        let wrong = running.try_sign_in(password("ana", "wrong horse")).await;
        refused(wrong, Code::Unauthenticated, "CREDENTIAL_REFUSED");
    }
    let held = running.try_sign_in(password("ana", "wrong horse")).await;
    let status = refused(held, Code::ResourceExhausted, "TOO_MANY_ATTEMPTS");
    let delay = status.get_details_retry_info().unwrap().retry_delay;
    assert_eq!(delay, Some(Duration::from_secs(1)));
    // Others at the same place are not held up.
    running.sign_in("administrator").await;
    running.memory.advance(Duration::from_secs(1));
    let wrong = running.try_sign_in(password("ana", "wrong horse")).await;
    refused(wrong, Code::Unauthenticated, "CREDENTIAL_REFUSED");
}

/// A token of the administrator's first session, signed by any key and as any issuer.
fn token(key: &SigningKey, issuer: &str, expires_at: u64) -> String {
    let holder = SessionCaller {
        session: SessionId::new(1).unwrap(),
        user: UserId::ADMINISTRATOR,
        kind: SessionKind::Ordinary,
    };
    let validity = Validity {
        issued_at: seconds_now() - 100,
        expires_at,
    };
    key.sign(&Claims::of_session(issuer, holder, validity))
        .unwrap()
}

#[tokio::test]
async fn tokens_that_are_not_ours_are_refused_distinctly_and_never_taken_for_anonymous() {
    // R117.
    let running = start().await;
    running.sign_in("administrator").await;
    let (key, later) = (signing_key(), seconds_now() + 100);
    let foreign = SigningKey::from_seed("k1", &[8; 32]).unwrap();
    let good = token(&key, ISSUER, later);
    let payload = good.split('.').nth(1).unwrap();
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"none","typ":"JWT","kid":"k1"}"#);
    let bad = [
        (token(&key, ISSUER, seconds_now() - 50), "TOKEN_EXPIRED"),
        (token(&foreign, ISSUER, later), "TOKEN_UNTRUSTED"),
        (
            token(&key, "another installation", later),
            "TOKEN_UNTRUSTED",
        ),
        (format!("{header}.{payload}."), "TOKEN_MALFORMED"),
        ("not-a-token".to_owned(), "TOKEN_MALFORMED"),
        // 81 characters are no base64 whatever they are; other lengths may be, depending on the signature.
        (good[..good.len() - 5].to_owned(), "TOKEN_MALFORMED"),
    ];
    for (token, reason) in bad {
        let status = caller(
            &running,
            &Caller {
                token: Some(token.clone()),
            },
        )
        .await;
        let status = refused(status, Code::Unauthenticated, reason);
        assert!(!format!("{status:?}").contains(&token));
    }
    assert!(
        caller(&running, &Caller { token: Some(good) })
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test]
async fn a_refresh_token_buys_once_and_its_second_use_closes_the_session() {
    // R117.
    let running = start().await;
    let signed_in = running
        .try_sign_in(password("administrator", PASSWORD))
        .await
        .unwrap();
    let first = signed_in.tokens.unwrap().refresh_token;
    let refresh = async |token: &str| {
        let request = pb::RefreshSessionRequest {
            refresh_token: token.to_owned(),
        };
        running
            .sessions()
            .refresh_session(request)
            .await
            .map(|r| r.into_inner().tokens.unwrap())
    };
    let second = refresh(&first).await.unwrap();
    assert_ne!(second.refresh_token, first);
    refused(
        refresh(&first).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
    refused(
        refresh(&second.refresh_token).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
    let stolen = Caller {
        token: Some(second.access_token),
    };
    refused(
        caller(&running, &stolen).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
}

#[tokio::test]
async fn an_administrator_closes_sessions_and_a_user_only_its_own() {
    // R117.
    let running = start().await;
    let (administrator, ana, user_id) = running.with_user("ana").await;
    let own = caller(&running, &administrator)
        .await
        .unwrap()
        .unwrap()
        .session_id;
    let request = ana.says(pb::CloseSessionRequest { session_id: own });
    refused(
        running.sessions().close_session(request).await,
        Code::NotFound,
        "NOT_FOUND",
    );
    let request = ana.says(pb::ListSessionsRequest {
        user_id: 1,
        ..Default::default()
    });
    refused(
        running.sessions().list_sessions(request).await,
        Code::NotFound,
        "NOT_FOUND",
    );

    let request = administrator.says(pb::ListSessionsRequest {
        user_id,
        ..Default::default()
    });
    let listed = running
        .sessions()
        .list_sessions(request)
        .await
        .unwrap()
        .into_inner()
        .sessions;
    assert_eq!(listed.len(), 1);
    let request = administrator.says(pb::CloseSessionRequest {
        session_id: listed[0].session_id,
    });
    running.sessions().close_session(request).await.unwrap();
    refused(
        caller(&running, &ana).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
}

#[tokio::test]
async fn a_disabled_account_is_refused_on_its_next_call() {
    // R9, R117.
    let running = start().await;
    let (administrator, ana, user_id) = running.with_user("ana").await;
    let request = administrator.says(pb::UpdateUserRequest {
        user: Some(pb::User {
            user_id,
            enabled: false,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["enabled".to_owned()],
        }),
    });
    running.directory().update_user(request).await.unwrap();
    refused(
        caller(&running, &ana).await,
        Code::Unauthenticated,
        "ACCOUNT_DISABLED",
    );
    let again = running.try_sign_in(password("ana", PASSWORD)).await;
    refused(again, Code::Unauthenticated, "ACCOUNT_DISABLED");
}

#[tokio::test]
async fn the_published_keys_verify_tokens() {
    let running = start().await;
    let keys = running
        .sessions()
        .list_keys(pb::ListKeysRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(keys.issuer, ISSUER);
    assert_eq!(
        (keys.keys[0].key_id.as_str(), &keys.keys[0].ed25519[..]),
        ("k1", &signing_key().public().ed25519[..])
    );
}
