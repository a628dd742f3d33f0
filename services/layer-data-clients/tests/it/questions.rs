//! Questions: how they are asked, what an answer is, and that nothing is guessed.

use std::time::{Duration, Instant};

use jmap_domain::{
    ActorId, Caller, Decision, DenyReason, LayerAct, LayerId, Permission, ProjectId, Question,
    ScopeSet, ServiceCaller, ServiceId, SessionId,
};
use jmap_proto::authorization::{CheckResponse, Decision as Wire, decision};
use jmap_service::token::KeySource;
use jmap_wire::{decision_to_proto, duration_to_proto};
use layer_data_clients::Authorization;
use layer_data_core::ports::{Answer, Authorizer, AuthorizerError, Call, LayerFilter, PageRequest};
use tonic::Status;

use crate::fixture::{House, call};

const MINUTE: Duration = Duration::from_mins(1);

async fn ask(authorization: &Authorization, call: &Call) -> Result<Answer, AuthorizerError> {
    let act = LayerAct::Elements(Permission::View);
    authorization
        .ask(call, &[Question::Layer(LayerId::new(7).unwrap(), act)])
        .await
}

fn answer(decision: Decision, actor_id: i64) -> CheckResponse {
    CheckResponse {
        decisions: vec![decision_to_proto(decision)],
        policy_token: "p".to_owned(),
        valid_for: Some(duration_to_proto(Duration::from_millis(500))),
        actor_id,
    }
}

#[tokio::test]
async fn one_session_serves_many_questions_and_the_request_id_goes_along() {
    let (house, authorization) = House::start().await;
    for _ in 0..3 {
        house.next_check(Ok(answer(Decision::All, 10)));
        ask(&authorization, &call(MINUTE)).await.unwrap();
    }
    assert_eq!(house.sign_ins(), 1);
    assert_eq!(house.heard("authorization"), ["Bearer t1"; 3]);
    assert_eq!(house.heard("x-request-id"), ["import-7"; 3]);
    // The user's token is for acts on the user's behalf; a question names the session instead.
    assert!(house.heard("jmap-user-token").is_empty());
}

#[tokio::test]
async fn a_refused_token_is_renewed_and_the_question_asked_again() {
    let (house, authorization) = House::start().await;
    house.next_check(Err(Status::unauthenticated("the session was closed")));
    house.next_check(Ok(answer(Decision::All, 10)));
    assert!(ask(&authorization, &call(MINUTE)).await.is_ok());
    assert_eq!(house.heard("authorization"), ["Bearer t1", "Bearer t2"]);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    let (house, authorization) = House::start().await;
    house.tokens_live(Duration::ZERO);
    for _ in 0..2 {
        house.next_check(Ok(answer(Decision::All, 10)));
        ask(&authorization, &call(MINUTE)).await.unwrap();
    }
    // The line that is opened in the background has one of its own.
    let tokens = house.heard("authorization");
    assert!(
        matches!(tokens.as_slice(), [first, second] if first != second),
        "{tokens:?}"
    );
}

#[tokio::test]
async fn an_answer_is_valid_from_before_it_was_asked_for() {
    let (house, authorization) = House::start().await;
    house.next_check(Ok(answer(
        Decision::Own {
            creator: ActorId::new(10).unwrap(),
        },
        10,
    )));
    let before = Instant::now();
    let answer = ask(&authorization, &call(MINUTE)).await.unwrap();
    let latest = Instant::now() + Duration::from_millis(500);
    assert!(
        before + Duration::from_millis(500) <= answer.valid_until && answer.valid_until < latest
    );
    assert_eq!(
        answer.decisions,
        [Decision::Own {
            creator: ActorId::new(10).unwrap()
        }]
    );
    assert_eq!(
        (answer.actor.get(), answer.policy_token.as_str()),
        (10, "p")
    );
}

#[tokio::test]
async fn what_is_not_understood_is_a_denial_or_no_answer() {
    // R121.
    let (house, authorization) = House::start().await;
    house.next_check(Ok(CheckResponse {
        decisions: vec![Wire::default()],
        ..answer(Decision::All, 0)
    }));
    let unset = ask(&authorization, &call(MINUTE)).await.unwrap();
    assert_eq!(unset.decisions, [Decision::Denied(DenyReason::NoGrant)]);
    let unknown = decision::Decision::Denied(jmap_proto::authorization::Denied { reason: 99 });
    let unknown = Wire {
        decision: Some(unknown),
    };
    house.next_check(Ok(CheckResponse {
        decisions: vec![unknown],
        ..answer(Decision::All, 0)
    }));
    let unknown = ask(&authorization, &call(MINUTE)).await.unwrap();
    assert_eq!(unknown.decisions, [Decision::Denied(DenyReason::NoGrant)]);
    house.next_check(Ok(answer(Decision::All, 0)));
    let to_nobody = ask(&authorization, &call(MINUTE)).await;
    assert!(
        matches!(to_nobody, Err(AuthorizerError::Unavailable)),
        "{to_nobody:?}"
    );
}

#[tokio::test]
async fn every_failure_is_no_answer() {
    // R121.
    let (house, authorization) = House::start().await;
    for failure in [
        Status::internal("a"),
        Status::permission_denied("no scope"),
        Status::not_found("b"),
        Status::unknown("c"),
        Status::resource_exhausted("d"),
    ] {
        house.next_check(Err(failure));
        let answer = ask(&authorization, &call(MINUTE)).await;
        assert!(
            matches!(answer, Err(AuthorizerError::Unavailable)),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn an_unreachable_service_is_no_answer() {
    // R121. Nothing listens on port 9 of this machine.
    let authorization = Authorization::new("http://127.0.0.1:9", "key".into()).unwrap();
    let answer = ask(&authorization, &call(MINUTE)).await;
    assert!(
        matches!(answer, Err(AuthorizerError::Unavailable)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_silent_service_costs_a_bounded_wait() {
    // R121.
    let (house, authorization) = House::start().await;
    house.fall_silent();
    let short = ask(&authorization, &call(Duration::from_millis(50))).await;
    assert!(
        matches!(short, Err(AuthorizerError::DeadlineExceeded)),
        "{short:?}"
    );
    let call = call(MINUTE);
    let long = tokio::time::timeout(Duration::from_secs(20), ask(&authorization, &call));
    let long = long.await.expect("a bounded wait");
    assert!(
        matches!(long, Err(AuthorizerError::Unavailable)),
        "{long:?}"
    );
}

#[tokio::test]
async fn services_are_no_subjects() {
    let (house, authorization) = House::start().await;
    let service = ServiceCaller {
        session: SessionId::new(1).unwrap(),
        service: ServiceId::new(1).unwrap(),
        scopes: ScopeSet::default(),
    };
    let call = Call {
        caller: Caller::Service(service),
        ..call(MINUTE)
    };
    let answer = ask(&authorization, &call).await;
    assert!(
        matches!(answer, Err(AuthorizerError::NotASubject)),
        "{answer:?}"
    );
    assert_eq!(house.sign_ins(), 0);
}

#[tokio::test]
async fn an_absent_project_and_a_bad_page_token_are_told_apart() {
    // R21.
    let (house, authorization) = House::start().await;
    let filter = LayerFilter::Project(ProjectId::new(1).unwrap());
    let (call, page) = (call(MINUTE), PageRequest::default());
    house.next_refusal(Status::not_found(""));
    let absent = authorization.layers(&call, &filter, &page).await;
    assert!(
        matches!(absent, Err(AuthorizerError::NoSuchProject)),
        "{absent:?}"
    );
    house.next_refusal(Status::invalid_argument(""));
    let bad_token = authorization.layers(&call, &filter, &page).await;
    assert!(
        matches!(bad_token, Err(AuthorizerError::BadPageToken)),
        "{bad_token:?}"
    );
}

#[tokio::test]
async fn keys_are_taken_whole_or_not_at_all() {
    // R117.
    let (house, authorization) = House::start().await;
    let keys = authorization.fetch().await.unwrap();
    assert_eq!(
        (keys.issuer.as_str(), keys.keys[0].ed25519),
        ("installation-1", [7; 32])
    );
    assert_eq!(house.sign_ins(), 0, "keys are had without a token");
    house.fall_silent();
    assert!(authorization.fetch().await.is_err(), "31 bytes are no key");
}
