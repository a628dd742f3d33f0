//! Questions: who may ask about whom, and what the answers say (R40, R43–R46, R86, R117).

use jmap_domain::PermissionSet;
use jmap_proto::{authorization as pb, types};
use jmap_wire::effective_from_proto;
use tonic::{Code, Status};

use crate::fixture::{
    Caller, Running, about_itself, delta, layer_grant, layer_question, not_built, refused, start,
    subject, wrong,
};

const NOBODY: i64 = 99;

async fn ask(
    running: &Running,
    caller: &Caller,
    subject: Option<pb::Subject>,
    layer_id: i64,
) -> Result<pb::CheckResponse, Status> {
    let questions = vec![
        layer_question(layer_id, pb::LayerAct::View),
        layer_question(layer_id, pb::LayerAct::ModifyElements),
    ];
    let request = caller.says(pb::CheckRequest {
        subject,
        questions,
        freshness: None,
    });
    Ok(running.checks().check(request).await?.into_inner())
}

fn denied(decision: &pb::Decision) -> Option<pb::DenyReason> {
    match decision.decision.as_ref()? {
        pb::decision::Decision::Denied(denied) => Some(denied.reason()),
        pb::decision::Decision::All(_) | pb::decision::Decision::Own(_) => None,
    }
}

#[tokio::test]
async fn a_session_asks_about_itself_and_gets_a_decision_per_question() {
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let answer = ask(&running, &ana, about_itself(), layer).await.unwrap();
    assert_eq!(
        answer.decisions.iter().map(denied).collect::<Vec<_>>(),
        [None, Some(pb::DenyReason::NoGrant)]
    );
    assert_eq!(answer.actor_id, id);
    // R40: an absent layer and an invisible one are one answer.
    let absent = ask(&running, &ana, about_itself(), NOBODY).await.unwrap();
    let invisible = ask(&running, &Caller::ANONYMOUS, about_itself(), layer)
        .await
        .unwrap();
    assert_eq!(absent.decisions, invisible.decisions);
    assert_eq!(
        denied(&absent.decisions[0]),
        Some(pb::DenyReason::NotVisible)
    );
}

#[tokio::test]
async fn nobody_asks_about_another_but_services_with_the_scope_and_administrators() {
    // No way to more rights leads through a question.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let session = |caller: &Caller| {
        let request = caller.says(pb::GetCallerRequest {});
        let mut sessions = running.sessions();
        async move {
            sessions
                .get_caller(request)
                .await
                .unwrap()
                .into_inner()
                .session
                .unwrap()
                .session_id
        }
    };
    let (ana_session, administrator_session) = (session(&ana).await, session(&administrator).await);
    let about_session = |id| subject(pb::subject::Subject::SessionId(id));
    let about_user = |id| subject(pb::subject::Subject::UserId(id));

    ask(&running, &ana, about_session(ana_session), layer)
        .await
        .unwrap();
    for other in [
        about_session(administrator_session),
        about_user(1),
        about_user(id),
    ] {
        let result = ask(&running, &ana, other, layer).await;
        refused(result, Code::PermissionDenied, "NOT_PERMITTED");
    }
    let idle = running.service(&running.idle_key).await;
    let result = ask(&running, &idle, about_session(ana_session), layer).await;
    refused(result, Code::PermissionDenied, "SCOPE_MISSING");

    ask(&running, &administrator, about_user(id), layer)
        .await
        .unwrap();
    let service = running.service(&running.service_key).await;
    let answer = ask(&running, &service, about_session(ana_session), layer)
        .await
        .unwrap();
    assert_eq!(answer.actor_id, id);
    // R117: authorization itself says that a session is over.
    running
        .sessions()
        .sign_out(ana.says(pb::SignOutRequest {}))
        .await
        .unwrap();
    let answer = ask(&running, &service, about_session(ana_session), layer)
        .await
        .unwrap();
    assert_eq!(
        denied(&answer.decisions[0]),
        Some(pb::DenyReason::SessionClosed)
    );
}

#[tokio::test]
async fn only_answers_that_let_a_service_write_are_valid_for_a_while() {
    // R123: half a second, unless configured otherwise.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let request = administrator.says(pb::UpdateLayerRegistrationRequest {
        layer: Some(pb::LayerRegistration {
            layer_id: layer,
            editing_enabled: true,
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask {
            paths: vec!["editing_enabled".to_owned()],
        }),
    });
    running
        .layers()
        .update_layer_registration(request)
        .await
        .unwrap();
    let grant = layer_grant(id, &[types::Permission::ModifyElements]);
    running
        .layers()
        .update_layer_permissions(administrator.says(delta(layer, vec![grant])))
        .await
        .unwrap();

    let own = ask(&running, &ana, about_itself(), layer).await.unwrap();
    assert_eq!(
        own.valid_for.unwrap(),
        prost_types::Duration {
            seconds: 0,
            nanos: 0
        }
    );
    assert!(
        own.decisions
            .iter()
            .all(|decision| denied(decision).is_none())
    );
    let session = running
        .sessions()
        .get_caller(ana.says(pb::GetCallerRequest {}))
        .await
        .unwrap();
    let session = session.into_inner().session.unwrap().session_id;
    let service = running.service(&running.service_key).await;
    let about = subject(pb::subject::Subject::SessionId(session));
    let permit = ask(&running, &service, about, layer).await.unwrap();
    assert_eq!(
        permit.valid_for.unwrap(),
        prost_types::Duration {
            seconds: 0,
            nanos: 500_000_000
        }
    );
}

#[tokio::test]
async fn flags_are_listed_for_what_the_subject_may_view() {
    // R23, R43.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (project_id, layer) = running.with_layer(&administrator, id).await;
    let list = async |caller: &Caller, layers| {
        let request = caller.says(pb::ListEffectivePermissionsRequest {
            subject: about_itself(),
            layers: Some(layers),
            ..Default::default()
        });
        running
            .checks()
            .list_effective_permissions(request)
            .await
            .map(tonic::Response::into_inner)
    };
    let of_project = pb::list_effective_permissions_request::Layers::ProjectId(project_id);
    let by_id = pb::list_effective_permissions_request::Layers::LayerIds(pb::LayerIds {
        layer_ids: vec![NOBODY, layer, layer],
    });
    for layers in [of_project.clone(), by_id.clone()] {
        let layers = list(&ana, layers).await.unwrap().layers;
        assert_eq!(layers.len(), 1);
        assert_eq!(
            (
                layers[0].layer_id,
                layers[0].name.as_str(),
                layers[0].project_id
            ),
            (layer, "Lanes", project_id)
        );
        let flags = effective_from_proto(layers[0].permissions);
        assert_eq!(flags.all, PermissionSet::of(jmap_domain::Permission::View));
    }
    assert!(
        list(&Caller::ANONYMOUS, by_id)
            .await
            .unwrap()
            .layers
            .is_empty()
    );
    let closed = list(&Caller::ANONYMOUS, of_project).await;
    refused(closed, Code::NotFound, "NOT_FOUND");
}

async fn explain(
    running: &Running,
    caller: &Caller,
    subject: Option<pb::Subject>,
    question: pb::Question,
) -> Result<pb::ExplainResponse, Status> {
    let request = caller.says(pb::ExplainRequest {
        subject,
        question: Some(question),
        freshness: None,
    });
    Ok(running.checks().explain(request).await?.into_inner())
}

#[tokio::test]
async fn explanations_name_the_grants_and_what_is_missing() {
    // R45.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let question = layer_question(layer, pb::LayerAct::ModifyElements);
    let own = explain(&running, &ana, about_itself(), question)
        .await
        .unwrap();
    assert_eq!(
        denied(&own.decision.unwrap()),
        Some(pb::DenyReason::NoGrant)
    );
    assert!(own.missing().any(|link| link == pb::MissingLink::Grant));
    let opens = own
        .grants
        .iter()
        .find(|grant| grant.gives == "open")
        .unwrap();
    assert_eq!(
        (opens.path(), opens.principal_name.as_str()),
        (pb::GrantPath::Direct, "ana")
    );
    let views = own
        .grants
        .iter()
        .find(|grant| grant.gives == "view")
        .unwrap();
    assert_eq!(
        (views.path(), views.principal_name.as_str()),
        (pb::GrantPath::Everyone, "everyone")
    );
    let about = subject(pb::subject::Subject::UserId(id));
    let of_administrator = explain(&running, &administrator, about, question)
        .await
        .unwrap();
    assert_eq!(
        (of_administrator.grants, of_administrator.missing),
        (own.grants, own.missing)
    );
}

#[tokio::test]
async fn nothing_is_explained_that_the_caller_may_not_know() {
    // R46.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let question = layer_question(layer, pb::LayerAct::View);
    let hidden = explain(&running, &Caller::ANONYMOUS, about_itself(), question).await;
    let hidden = refused(hidden, Code::NotFound, "NOT_FOUND");
    let absent_question = layer_question(NOBODY, pb::LayerAct::View);
    let absent = explain(&running, &ana, about_itself(), absent_question).await;
    let absent = refused(absent, Code::NotFound, "NOT_FOUND");
    assert_eq!(
        hidden.message().replace(&layer.to_string(), "?"),
        absent.message().replace("99", "?")
    );
    let about = subject(pb::subject::Subject::UserId(1));
    let other = explain(&running, &ana, about, question).await;
    refused(other, Code::PermissionDenied, "NOT_PERMITTED");
}

async fn check_changed(
    running: &Running,
    caller: &Caller,
    change: impl FnOnce(&mut pb::CheckRequest),
) -> Result<tonic::Response<pb::CheckResponse>, Status> {
    let mut message = pb::CheckRequest {
        subject: about_itself(),
        questions: vec![layer_question(1, pb::LayerAct::View)],
        freshness: None,
    };
    change(&mut message);
    running.checks().check(caller.says(message)).await
}

#[tokio::test]
async fn every_field_of_a_question_is_checked() {
    // R120.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let asked = async |question: pb::Question| {
        check_changed(&running, &administrator, |m| m.questions.push(question)).await
    };
    asked(layer_question(1, pb::LayerAct::View)).await.unwrap();
    wrong(asked(pb::Question::default()).await, "questions[1]");
    let no_layer = layer_question(0, pb::LayerAct::View);
    wrong(asked(no_layer).await, "questions[1].layer.layer_id");
    let no_act = layer_question(1, pb::LayerAct::Unspecified);
    wrong(asked(no_act).await, "questions[1].layer.act");
    let unknown = pb::question::Question::Global(77);
    let unknown = pb::Question {
        question: Some(unknown),
    };
    wrong(asked(unknown).await, "questions[1].global");
    let none = check_changed(&running, &administrator, |m| m.questions.clear()).await;
    wrong(none, "questions");
    let many = vec![layer_question(1, pb::LayerAct::View); 101];
    let many = check_changed(&running, &administrator, |m| m.questions = many).await;
    refused(many, Code::ResourceExhausted, "TOO_LARGE");
}

#[tokio::test]
async fn every_field_of_a_subject_is_checked() {
    // R120.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let about =
        async |subject| check_changed(&running, &administrator, |m| m.subject = subject).await;
    wrong(about(None).await, "subject");
    wrong(about(Some(pb::Subject::default())).await, "subject");
    let session = subject(pb::subject::Subject::SessionId(-1));
    wrong(about(session).await, "subject.session_id");
    let nobody = subject(pb::subject::Subject::UserId(0));
    wrong(about(nobody).await, "subject.user_id");
    let end_user_assertion = "a".to_owned();
    let asserted = pb::Subject {
        end_user_assertion,
        ..about_itself().unwrap()
    };
    not_built(about(Some(asserted)).await, "subject.end_user_assertion");
}

#[tokio::test]
async fn every_field_of_freshness_is_checked() {
    // R120.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let at = async |at| {
        let freshness = Some(types::Freshness { at: Some(at) });
        check_changed(&running, &administrator, |m| m.freshness = freshness).await
    };
    let nonsense = types::freshness::At::AtLeast("?".to_owned());
    wrong(at(nonsense).await, "freshness.at_least");
    let exactly = types::freshness::At::Exactly("x".to_owned());
    wrong(at(exactly).await, "freshness.exactly");
    let past = types::freshness::At::AsOfTime(prost_types::Timestamp {
        seconds: 0,
        nanos: -1,
    });
    wrong(at(past).await, "freshness.as_of_time");
}

#[tokio::test]
async fn an_answer_is_as_fresh_as_asked_or_refused() {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let at_least = |epoch, revision| {
        let token = jmap_domain::PolicyToken {
            epoch: jmap_domain::Epoch(epoch),
            revision: jmap_domain::PolicyRevision(revision),
        };
        let at = types::freshness::At::AtLeast(jmap_wire::format_policy_token(token));
        administrator.says(pb::CheckRequest {
            subject: about_itself(),
            questions: vec![layer_question(1, pb::LayerAct::View)],
            freshness: Some(types::Freshness { at: Some(at) }),
        })
    };
    running.checks().check(at_least(1, 1)).await.unwrap();
    for (epoch, revision) in [(2, 1), (1, 1_000)] {
        let result = running.checks().check(at_least(epoch, revision)).await;
        refused(result, Code::FailedPrecondition, "UNKNOWN_POLICY_TOKEN");
    }
}

/// What is answered on a stream, by the numbers of the questions: the decisions, or the code.
async fn next(
    answers: &mut tonic::Streaming<pb::CheckStreamResponse>,
) -> (u64, Result<Vec<Option<pb::DenyReason>>, Code>) {
    let message = answers.message().await.unwrap().unwrap().message;
    let Some(pb::check_stream_response::Message::Answer(answer)) = message else {
        panic!("not an answer: {message:?}");
    };
    let outcome = match answer.outcome.unwrap() {
        pb::numbered_answer::Outcome::Response(response) => {
            Ok(response.decisions.iter().map(denied).collect())
        }
        pb::numbered_answer::Outcome::ErrorCode(code) => Err(Code::from(code)),
    };
    (answer.sequence, outcome)
}

fn numbered(sequence: u64, subject: Option<pb::Subject>, layer: i64) -> pb::CheckStreamRequest {
    let request = pb::CheckRequest {
        subject,
        questions: vec![layer_question(layer, pb::LayerAct::View)],
        freshness: None,
    };
    let check = pb::NumberedCheck {
        sequence,
        request: Some(request),
    };
    pb::CheckStreamRequest {
        message: Some(pb::check_stream_request::Message::Check(check)),
    }
}

#[tokio::test]
async fn questions_on_a_stream_are_decided_one_by_one_and_answered_by_their_numbers() {
    // R10, R43: as calls of their own would be, each at its moment.
    let running = start().await;
    let (administrator, ana, id) = running.with_user("ana").await;
    let (_, layer) = running.with_layer(&administrator, id).await;
    let session = running
        .sessions()
        .get_caller(ana.says(pb::GetCallerRequest {}))
        .await;
    let session = session.unwrap().into_inner().session.unwrap().session_id;
    let about_ana = || subject(pb::subject::Subject::SessionId(session));
    let service = running.service(&running.service_key).await;
    let (say, said) = tokio::sync::mpsc::channel(4);
    let said = tokio_stream::wrappers::ReceiverStream::new(said);
    let stream = running.checks().check_stream(service.says(said)).await;
    let mut answers = stream.unwrap().into_inner();
    let returned = pb::PermitReturned { sequence: 7 };
    let returned = pb::CheckStreamRequest {
        message: Some(pb::check_stream_request::Message::Returned(returned)),
    };
    for message in [
        numbered(7, about_ana(), layer),
        returned,
        numbered(3, about_ana(), NOBODY),
        numbered(4, about_ana(), 0),
    ] {
        say.send(message).await.unwrap();
    }
    assert_eq!(next(&mut answers).await, (7, Ok(vec![None])));
    let absent = vec![Some(pb::DenyReason::NotVisible)];
    assert_eq!(next(&mut answers).await, (3, Ok(absent)));
    assert_eq!(next(&mut answers).await, (4, Err(Code::InvalidArgument)));
    running
        .sessions()
        .sign_out(service.says(pb::SignOutRequest {}))
        .await
        .unwrap();
    // R117.
    say.send(numbered(8, about_ana(), layer)).await.unwrap();
    assert_eq!(next(&mut answers).await, (8, Err(Code::Unauthenticated)));
    drop(say);
    assert!(answers.message().await.unwrap().is_none());
}

#[tokio::test]
async fn a_stream_is_for_services_that_may_ask_and_ends_with_what_is_no_message() {
    let running = start().await;
    let idle = running.service(&running.idle_key).await;
    let mut checks = running.checks();
    let refusal = checks.check_stream(idle.says(tokio_stream::empty()));
    refused(refusal.await, Code::PermissionDenied, "SCOPE_MISSING");
    let (_, ana, _) = running.with_user("ana").await;
    let refusal = checks.check_stream(ana.says(tokio_stream::empty()));
    refused(refusal.await, Code::PermissionDenied, "NOT_PERMITTED");
    let refusal = checks.check_stream(tonic::Request::new(tokio_stream::empty()));
    assert_eq!(refusal.await.unwrap_err().code(), Code::Unauthenticated);
    let service = running.service(&running.service_key).await;
    let nothing = pb::CheckStreamRequest { message: None };
    let stream = checks.check_stream(service.says(tokio_stream::once(nothing)));
    let mut answers = stream.await.unwrap().into_inner();
    assert_eq!(
        answers.message().await.unwrap_err().code(),
        Code::InvalidArgument
    );
}
