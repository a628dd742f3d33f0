//! Brute force over real sockets, with and without a proxy in front (R120).

use jmap_proto::authorization::{PasswordCredential, SignInRequest, sign_in_request::Credential};
use jmap_service::peer::TrustedProxies;
use testkit::{PASSWORD, Pair, Tuning, wire, world::Outcome};
use tonic::Request;

/// What comes of a sign-in as the administrator that says it was passed on for somebody.
async fn tries(pair: &Pair, password: &str, forwarded_for: &str) -> Outcome {
    let credential = PasswordCredential {
        user_name: "administrator".to_owned(),
        password: password.to_owned(),
    };
    let mut request = Request::new(SignInRequest {
        credential: Some(Credential::Password(credential)),
        server: None,
    });
    let metadata = request.metadata_mut();
    metadata.insert("x-forwarded-for", forwarded_for.parse().unwrap());
    wire::outcome(&pair.anonymous().sessions().sign_in(request).await)
}

fn held_up() -> Outcome {
    Outcome::refused("RESOURCE_EXHAUSTED", "TOO_MANY_ATTEMPTS")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn behind_a_trusted_proxy_only_the_network_that_guesses_waits() {
    let tuning = Tuning {
        trusted_proxies: TrustedProxies(1),
        ..Tuning::default()
    };
    let pair = Pair::start_with(tuning).await;
    let mut last = Outcome::Ok;
    for _ in 0..12 {
        // What the guesser writes in front of what the proxy writes is not believed.
        last = tries(&pair, "wrong horse", "203.0.113.7, 192.0.2.1").await;
        if last == held_up() {
            break;
        }
    }
    assert_eq!(last, held_up());
    assert_eq!(tries(&pair, PASSWORD, "198.51.100.2").await, Outcome::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_one_the_header_moves_nobody() {
    let pair = Pair::start().await;
    let mut last = Outcome::Ok;
    for number in 1..=12 {
        last = tries(&pair, "wrong horse", &format!("192.0.2.{number}")).await;
        if last == held_up() {
            break;
        }
    }
    assert_eq!(last, held_up());
    assert_eq!(tries(&pair, PASSWORD, "198.51.100.2").await, held_up());
}
