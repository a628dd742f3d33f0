//! Sessions: signing in and out, refreshing, tokens that are none (R117, R118, R120).

use std::time::Duration;

use authorization_core::Settings;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jmap_proto::authorization::{
    CloseSessionRequest, GetCallerRequest, ListSessionsRequest, PasswordCredential,
    RefreshSessionRequest, ServerSession, SessionKind, SetPasswordRequest, SignInRequest,
    SignOutRequest, sign_in_request::Credential,
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use testkit::{Caller, PASSWORD, Pair, Stage, Tuning, ready::eventually, wire, world::Outcome};
use tonic::Status;

const TOWN: &str = "
world: somebody who sees a layer
users: [ana]
projects: [{ project: city, open: [everyone] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add] }]
";

/// What both services say to a caller.
async fn told(caller: &Caller, layer: i64) -> [Outcome; 2] {
    let asked = caller
        .projects()
        .list_projects(jmap_proto::authorization::ListProjectsRequest::default())
        .await;
    [
        wire::outcome(&asked),
        wire::outcome(&caller.count(layer).await),
    ]
}

fn both(reason: &str) -> [Outcome; 2] {
    let outcome = Outcome::refused("UNAUTHENTICATED", reason);
    [outcome.clone(), outcome]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_out_takes_effect_on_the_next_call() {
    // R117.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    assert_eq!(told(&ana, layer).await, [Outcome::Ok, Outcome::Ok]);
    ana.sessions().sign_out(SignOutRequest {}).await.unwrap();
    assert_eq!(told(&ana, layer).await, both("SESSION_CLOSED"));
    let refused = ana.add(layer, "POINT(1 2)").await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("UNAUTHENTICATED", "SESSION_CLOSED")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_closes_a_session_and_others_do_not() {
    // R117, R15.
    let stage = Stage::set(TOWN).await;
    let (ana, layer) = (stage.caller("ana").await, stage.layer("trees"));
    let administrator = stage.caller("administrator").await;
    let open = ListSessionsRequest {
        user_id: stage.floor.user("ana"),
        ..ListSessionsRequest::default()
    };
    let sessions = administrator
        .sessions()
        .list_sessions(open)
        .await
        .unwrap()
        .into_inner()
        .sessions;
    let session_id = sessions[0].session_id;
    let foreign = administrator
        .sessions()
        .get_caller(GetCallerRequest {})
        .await
        .unwrap();
    let foreign = foreign.into_inner().session.unwrap().session_id;
    let refused = ana
        .sessions()
        .close_session(CloseSessionRequest {
            session_id: foreign,
        })
        .await;
    assert!(
        matches!(wire::outcome(&refused), Outcome::Refused { .. }),
        "only super administrators close another's"
    );
    administrator
        .sessions()
        .close_session(CloseSessionRequest { session_id })
        .await
        .unwrap();
    assert_eq!(told(&ana, layer).await, both("SESSION_CLOSED"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_token_is_the_anonymous_account_and_a_bad_one_is_not() {
    // R118, R117.
    let stage = Stage::set(TOWN).await;
    let (anonymous, layer) = (stage.pair.anonymous(), stage.layer("trees"));
    let caller = anonymous
        .sessions()
        .get_caller(GetCallerRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(caller.session, None);
    assert_eq!(told(&anonymous, layer).await, [Outcome::Ok, Outcome::Ok]);
    for token in ["", "x", "a.b.c", "..", "eyJhbGciOiJFZERTQSJ9.e30.AAAA"] {
        let [asked, counted] = told(&stage.pair.with_token(Some(token)), layer).await;
        for outcome in [asked, counted] {
            let Outcome::Refused { code, reason } = outcome else {
                panic!("`{token}` was accepted")
            };
            assert_eq!(code, "UNAUTHENTICATED", "`{token}`");
            assert!(
                ["TOKEN_MALFORMED", "TOKEN_UNTRUSTED"].contains(&reason.as_str()),
                "`{token}`: {reason}"
            );
        }
    }
}

/// A key that no instance has.
const FOREIGN_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----";

/// The claims of a real token, and its header.
fn opened(token: &str) -> (Value, Value) {
    let part = |index| {
        let text = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}

fn sealed(header: &Value, claims: &Value, signature: &str) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.{signature}", part(header), part(claims))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_others_and_of_nobody_are_refused() {
    // R117: foreign-signed, alg none, and tampered with.
    let stage = Stage::set(TOWN).await;
    let layer = stage.layer("trees");
    let token = stage
        .pair
        .sign_in("ana", PASSWORD)
        .await
        .unwrap()
        .access_token;
    let (header, claims) = opened(&token);
    let signature = token.rsplit('.').next().unwrap();
    let mut foreign = Header::new(Algorithm::EdDSA);
    foreign.kid = header["kid"].as_str().map(str::to_owned);
    let key = EncodingKey::from_ed_pem(FOREIGN_KEY.as_bytes()).unwrap();
    let mut of_another = claims.clone();
    of_another["sub"] = json!("1");
    let none = json!({ "alg": "none", "typ": "JWT" });
    let hmac = json!({ "alg": "HS256", "kid": header["kid"] });
    let forged = [
        jsonwebtoken::encode(&foreign, &claims, &key).unwrap(),
        sealed(&none, &claims, ""),
        sealed(&none, &claims, signature),
        sealed(&hmac, &claims, signature),
        sealed(&header, &of_another, signature),
        token[..token.len() - 4].to_owned(),
    ];
    assert_eq!(
        told(&stage.pair.with_token(Some(&token)), layer).await,
        [Outcome::Ok, Outcome::Ok]
    );
    for token in forged {
        for outcome in told(&stage.pair.with_token(Some(&token)), layer).await {
            let Outcome::Refused { code, reason } = outcome else {
                panic!("accepted: {token}")
            };
            assert_eq!(code, "UNAUTHENTICATED");
            assert!(
                ["TOKEN_MALFORMED", "TOKEN_UNTRUSTED"].contains(&reason.as_str()),
                "{reason}: {token}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_runs_out_and_a_refresh_token_buys_the_next() {
    // R117.
    let settings = Settings {
        access_token: Duration::from_secs(2),
        ..Settings::default()
    };
    let pair = Pair::start_with(Tuning {
        settings,
        ..Tuning::default()
    })
    .await;
    let tokens = pair.sign_in("administrator", PASSWORD).await.unwrap();
    let caller = pair.with_token(Some(&tokens.access_token));
    let who = || async { caller.sessions().get_caller(GetCallerRequest {}).await };
    who().await.unwrap();
    let refused = eventually("the end of a token", || async { who().await.err() }).await;
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("UNAUTHENTICATED", "TOKEN_EXPIRED")
    );
    let fresh = refresh(&pair, &tokens.refresh_token).await.unwrap();
    let caller = pair.with_token(Some(&fresh.access_token));
    caller
        .sessions()
        .get_caller(GetCallerRequest {})
        .await
        .unwrap();
}

async fn refresh(pair: &Pair, token: &str) -> Result<jmap_proto::authorization::Tokens, Status> {
    let request = RefreshSessionRequest {
        refresh_token: token.to_owned(),
    };
    let answer = pair.anonymous().sessions().refresh_session(request).await?;
    Ok(answer.into_inner().tokens.expect("tokens"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_refresh_token_closes_the_whole_family() {
    // R117.
    let stage = Stage::set(TOWN).await;
    let layer = stage.layer("trees");
    let first = stage.pair.sign_in("ana", PASSWORD).await.unwrap();
    let second = refresh(&stage.pair, &first.refresh_token).await.unwrap();
    let owner = stage.pair.with_token(Some(&second.access_token));
    assert_eq!(told(&owner, layer).await, [Outcome::Ok, Outcome::Ok]);
    let replayed = refresh(&stage.pair, &first.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(replayed.code(), tonic::Code::Unauthenticated);
    assert_eq!(told(&owner, layer).await, both("SESSION_CLOSED"));
    let refused = refresh(&stage.pair, &second.refresh_token)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    // Other sessions of the account go on.
    let other = stage.caller("ana").await;
    assert_eq!(told(&other, layer).await, [Outcome::Ok, Outcome::Ok]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
    // R117, R120.
    let stage = Stage::set(TOWN).await;
    let wrong = stage
        .pair
        .sign_in("ana", "not the password")
        .await
        .unwrap_err();
    let unknown = stage
        .pair
        .sign_in("nobody at all", "not the password")
        .await
        .unwrap_err();
    let anonymous = stage.pair.sign_in("anonymous", PASSWORD).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&wrong),
        Outcome::refused("UNAUTHENTICATED", "CREDENTIAL_REFUSED")
    );
    for other in [unknown, anonymous] {
        assert_eq!(wrong.message(), other.message());
        assert_eq!(wrong.details(), other.details());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_password_is_the_only_one() {
    // R117.
    let stage = Stage::set(TOWN).await;
    let ana = stage.caller("ana").await;
    let change = |present: &str, new: &str| SetPasswordRequest {
        user_id: stage.floor.user("ana"),
        present_password: present.to_owned(),
        new_password: new.to_owned(),
    };
    let guessed = ana
        .directory()
        .set_password(change("wrong", "another password"))
        .await;
    assert!(matches!(wire::outcome(&guessed), Outcome::Refused { .. }));
    ana.directory()
        .set_password(change(PASSWORD, "another password"))
        .await
        .unwrap();
    stage.pair.sign_in("ana", "another password").await.unwrap();
    let old = stage.pair.sign_in("ana", PASSWORD).await.unwrap_err();
    assert_eq!(
        wire::outcome_of(&old),
        Outcome::refused("UNAUTHENTICATED", "CREDENTIAL_REFUSED")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_opens_one_kind_of_session() {
    // R100.
    let stage = Stage::set(
        "
world: an ordinary account and one for servers
users: [ana]
servers: [hub]
",
    )
    .await;
    for (name, kind) in [("ana", SessionKind::Ordinary), ("hub", SessionKind::Server)] {
        let caller = stage.caller(name).await;
        let answer = caller.sessions().get_caller(GetCallerRequest {}).await;
        let session = answer.unwrap().into_inner().session.unwrap();
        assert_eq!(session.kind(), kind, "`{name}`");
    }
    // An ordinary account does not get the other kind by asking for it.
    let request = SignInRequest {
        credential: Some(Credential::Password(PasswordCredential {
            user_name: "ana".to_owned(),
            password: PASSWORD.to_owned(),
        })),
        server: Some(ServerSession {
            instance_id: "00000000-0000-4000-8000-000000000001".to_owned(),
            ..ServerSession::default()
        }),
    };
    let asked = stage.pair.anonymous().sessions().sign_in(request).await;
    assert!(matches!(wire::outcome(&asked), Outcome::Refused { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_signs_in_by_its_key_and_is_no_user() {
    // R18: layer-data's own key opens no layer.
    let stage = Stage::set(TOWN).await;
    let key = stage.pair.service_key();
    let credential = Some(Credential::ServiceKey(key));
    let request = SignInRequest {
        credential,
        server: None,
    };
    let answer = stage
        .pair
        .anonymous()
        .sessions()
        .sign_in(request)
        .await
        .unwrap()
        .into_inner();
    let service = stage
        .pair
        .with_token(Some(&answer.tokens.unwrap().access_token));
    let refused = service
        .add(stage.layer("trees"), "POINT(1 2)")
        .await
        .unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
    let bad = SignInRequest {
        credential: Some(Credential::ServiceKey("guess".to_owned())),
        server: None,
    };
    let refused = stage
        .pair
        .anonymous()
        .sessions()
        .sign_in(bad)
        .await
        .unwrap_err();
    assert_eq!(
        wire::outcome_of(&refused),
        Outcome::refused("UNAUTHENTICATED", "CREDENTIAL_REFUSED")
    );
}
