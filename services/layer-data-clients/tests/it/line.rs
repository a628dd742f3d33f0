//! Questions of many callers on one stream, and what becomes of them when it ends.

use std::time::Duration;

use jmap_domain::{ActorId, Decision, LayerAct, LayerId, Permission, Question};
use jmap_proto::authorization::CheckResponse;
use jmap_wire::{decision_to_proto, duration_to_proto};
use layer_data_clients::Authorization;
use layer_data_core::ports::{Answer, Authorizer, AuthorizerError};
use tonic::Status;

use crate::fixture::{House, call};

/// Longer than anything here takes on a slow machine.
const LONG: Duration = Duration::from_secs(30);

async fn ask(authorization: &Authorization) -> Result<Answer, AuthorizerError> {
    let act = LayerAct::Elements(Permission::View);
    let question = Question::Layer(LayerId::new(7).unwrap(), act);
    authorization.ask(&call(LONG), &[question]).await
}

fn yes(actor_id: i64) -> CheckResponse {
    CheckResponse {
        decisions: vec![decision_to_proto(Decision::All)],
        policy_token: "p".to_owned(),
        valid_for: Some(duration_to_proto(Duration::from_millis(500))),
        actor_id,
    }
}

/// How many questions came as calls of their own.
fn calls(house: &House) -> usize {
    house.heard("authorization").len()
}

/// Asks until a question goes by the line.
async fn until_there_is_a_line(house: &House, authorization: &Authorization) {
    let begun = std::time::Instant::now();
    loop {
        let before = calls(house);
        ask(authorization).await.unwrap();
        if calls(house) == before {
            return;
        }
        assert!(begun.elapsed() < LONG, "there is no line");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn questions_share_a_line_once_there_is_one() {
    let (house, authorization) = House::start().await;
    house.takes_streams();
    ask(&authorization).await.unwrap();
    assert_eq!(calls(&house), 1, "the first opens it, and does not wait");
    until_there_is_a_line(&house, &authorization).await;
    let before = calls(&house);
    for actor in 10..20 {
        house.next_check(Ok(yes(actor)));
        let answer = ask(&authorization).await.unwrap();
        assert_eq!(answer.actor, ActorId::new(actor).unwrap());
    }
    assert_eq!(calls(&house), before);
    assert_eq!(house.sign_ins(), 1);
    house.next_check(Err(Status::unavailable("")));
    let refused = ask(&authorization).await;
    assert!(
        matches!(refused, Err(AuthorizerError::Unavailable)),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_question_on_a_line_that_ends_is_asked_by_a_call() {
    let (house, authorization) = House::start().await;
    house.takes_streams();
    until_there_is_a_line(&house, &authorization).await;
    let before = calls(&house);
    house.ends_streams();
    ask(&authorization).await.unwrap();
    assert_eq!(calls(&house), before + 1);
    house.takes_streams();
    until_there_is_a_line(&house, &authorization).await;
}

#[tokio::test]
async fn a_session_that_is_over_ends_its_line() {
    let (house, authorization) = House::start().await;
    house.takes_streams();
    until_there_is_a_line(&house, &authorization).await;
    // On the line, then by a call with the old token, then by a call with a new one.
    for _ in 0..2 {
        house.next_check(Err(Status::unauthenticated("the session was closed")));
    }
    ask(&authorization).await.unwrap();
    assert_eq!(house.sign_ins(), 2);
    until_there_is_a_line(&house, &authorization).await;
}
