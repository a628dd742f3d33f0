//! Questions about the past by calls: as of a token or a time, page by page, and never for who acts on answers.

use jmap_proto::{authorization as pb, types};
use tonic::{Code, Response, Status, Streaming};
use tonic_types::StatusExt;

use crate::fixture::{
    Caller, Running, about_itself, delta, layer_grant, layer_question, new_project, refused,
    seconds_now, start, subject, user, wrong,
};

const MODIFY: pb::LayerAct = pb::LayerAct::ModifyElements;

/// A layer that ana could modify at a token, and cannot now.
struct Tuesday {
    running: Running,
    administrator: Caller,
    ana: Caller,
    ana_id: i64,
    layer_id: i64,
    token: String,
}

impl Tuesday {
    async fn new() -> Self {
        let running = start().await;
        let (administrator, ana, ana_id) = running.with_user("ana").await;
        let (_, layer_id) = running.with_layer(&administrator, ana_id).await;
        enable_editing(&running, &administrator, layer_id).await;
        let row = || layer_grant(ana_id, &[types::Permission::ModifyElements]);
        let given = administrator.says(delta(layer_id, vec![row()]));
        let given = running.layers().update_layer_permissions(given).await;
        let token = given.unwrap().into_inner().policy_token;
        let mut revoke = delta(layer_id, vec![]);
        let remove = pb::LayerGrantsDelta {
            add: vec![],
            remove: vec![row()],
        };
        revoke.changes[0].change = Some(pb::layer_permissions_change::Change::Delta(remove));
        let revoke = administrator.says(revoke);
        running
            .layers()
            .update_layer_permissions(revoke)
            .await
            .unwrap();
        Self {
            running,
            administrator,
            ana,
            ana_id,
            layer_id,
            token,
        }
    }

    fn then(&self) -> Option<types::Freshness> {
        exactly(&self.token)
    }

    fn about_ana(&self) -> Option<pb::Subject> {
        subject(pb::subject::Subject::UserId(self.ana_id))
    }

    fn check(&self, about: Option<pb::Subject>) -> pb::CheckRequest {
        pb::CheckRequest {
            subject: about,
            questions: vec![layer_question(self.layer_id, MODIFY)],
            freshness: self.then(),
        }
    }

    fn who(&self) -> pb::LookupSubjectsRequest {
        pb::LookupSubjectsRequest {
            question: Some(layer_question(self.layer_id, pb::LayerAct::View)),
            page_size: 1,
            freshness: self.then(),
            ..Default::default()
        }
    }
}

async fn enable_editing(running: &Running, administrator: &Caller, layer_id: i64) {
    let enable = administrator.says(pb::UpdateLayerRegistrationRequest {
        layer: Some(pb::LayerRegistration {
            layer_id,
            editing_enabled: true,
            ..Default::default()
        }),
        update_mask: crate::fixture::mask(&["editing_enabled"]),
    });
    running
        .layers()
        .update_layer_registration(enable)
        .await
        .unwrap();
}

fn exactly(token: &str) -> Option<types::Freshness> {
    Some(types::Freshness {
        at: Some(types::freshness::At::Exactly(token.to_owned())),
    })
}

fn as_of(seconds: u64) -> Option<types::Freshness> {
    let time = prost_types::Timestamp {
        seconds: i64::try_from(seconds).unwrap(),
        nanos: 0,
    };
    Some(types::Freshness {
        at: Some(types::freshness::At::AsOfTime(time)),
    })
}

fn is_allowed(decision: Option<&pb::Decision>) -> bool {
    let decision = decision.and_then(|decision| decision.decision.as_ref());
    matches!(decision, Some(pb::decision::Decision::All(_)))
}

async fn all<T>(stream: Result<Response<Streaming<T>>, Status>) -> Vec<T> {
    let mut stream = stream.unwrap().into_inner();
    let mut parts = Vec::new();
    while let Some(part) = stream.message().await.unwrap() {
        parts.push(part);
    }
    parts
}

#[tokio::test]
async fn decisions_and_reasons_of_then_name_their_state_and_permit_nothing() {
    // R45, R123.
    let tuesday = Tuesday::new().await;
    let mut checks = tuesday.running.checks();
    let ask = tuesday
        .administrator
        .says(tuesday.check(tuesday.about_ana()));
    let answer = checks.check(ask).await.unwrap().into_inner();
    assert!(is_allowed(answer.decisions.first()));
    assert_eq!(answer.policy_token, tuesday.token);
    assert_eq!(answer.valid_for, Some(prost_types::Duration::default()));
    // About oneself as well.
    let ask = tuesday.ana.says(tuesday.check(about_itself()));
    let answer = checks.check(ask).await.unwrap().into_inner();
    assert!(is_allowed(answer.decisions.first()));

    let explain = pb::ExplainRequest {
        subject: tuesday.about_ana(),
        question: Some(layer_question(tuesday.layer_id, MODIFY)),
        freshness: tuesday.then(),
    };
    let ask = tuesday.administrator.says(explain.clone());
    let then = checks.explain(ask).await.unwrap().into_inner();
    assert!(is_allowed(then.decision.as_ref()) && then.policy_token == tuesday.token);
    assert!(
        then.grants
            .iter()
            .any(|grant| grant.principal_name == "ana")
    );
    let now = tuesday.administrator.says(pb::ExplainRequest {
        freshness: None,
        ..explain
    });
    let now = checks.explain(now).await.unwrap().into_inner();
    assert!(!is_allowed(now.decision.as_ref()));
}

#[tokio::test]
async fn lists_of_then_come_page_by_page_at_one_state() {
    let tuesday = Tuesday::new().await;
    let mut lookups = tuesday.running.lookups();
    let ask = tuesday.administrator.says(tuesday.who());
    let parts = all(lookups.lookup_subjects(ask).await).await;
    let names: Vec<_> = parts.iter().flat_map(|part| &part.subjects).collect();
    let names: Vec<_> = names.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["administrator", "ana"]);
    assert!(parts.iter().all(|part| part.policy_token == tuesday.token));
    // A page goes on at the state where it began, and at no other.
    let second = pb::LookupSubjectsRequest {
        page_token: parts[0].next_page_token.clone(),
        ..tuesday.who()
    };
    let ask = tuesday.administrator.says(second.clone());
    assert_eq!(all(lookups.lookup_subjects(ask).await).await, parts[1..]);
    let elsewhere = tuesday.administrator.says(pb::LookupSubjectsRequest {
        freshness: None,
        ..second
    });
    wrong(lookups.lookup_subjects(elsewhere).await, "page_token");

    let report = |freshness| {
        tuesday.administrator.says(pb::ReportPermissionsRequest {
            principal: user(tuesday.ana_id),
            freshness,
            ..Default::default()
        })
    };
    let entries = async |freshness| {
        let parts = all(tuesday
            .running
            .lookups()
            .report_permissions(report(freshness))
            .await)
        .await;
        parts.iter().map(|part| part.entries.len()).sum::<usize>()
    };
    assert_eq!(entries(tuesday.then()).await, entries(None).await + 1);

    let flags = tuesday.ana.says(pb::ListEffectivePermissionsRequest {
        subject: about_itself(),
        layers: Some(pb::list_effective_permissions_request::Layers::LayerIds(
            pb::LayerIds {
                layer_ids: vec![tuesday.layer_id],
            },
        )),
        freshness: tuesday.then(),
        ..Default::default()
    });
    let mut checks = tuesday.running.checks();
    let flags = checks
        .list_effective_permissions(flags)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(flags.policy_token, tuesday.token);
    let modify = 1 << types::Permission::ModifyElements as u32;
    assert_ne!(flags.layers[0].permissions.unwrap().all & modify, 0);
}

#[tokio::test]
async fn services_ask_about_the_past_neither_by_a_call_nor_on_a_stream() {
    // R123.
    let tuesday = Tuesday::new().await;
    let service = tuesday.running.service(&tuesday.running.service_key).await;
    let mut checks = tuesday.running.checks();
    let about = subject(pb::subject::Subject::Anonymous(pb::AnonymousSubject {}));
    let asked = checks
        .check(service.says(tuesday.check(about.clone())))
        .await;
    refused(asked, Code::PermissionDenied, "NOT_PERMITTED");
    let numbered = pb::NumberedCheck {
        sequence: 7,
        request: Some(tuesday.check(about)),
    };
    let said = pb::CheckStreamRequest {
        message: Some(pb::check_stream_request::Message::Check(numbered)),
    };
    let stream = service.says(tokio_stream::iter([said]));
    let answers = all(checks.check_stream(stream).await).await;
    let Some(pb::check_stream_response::Message::Answer(answer)) = &answers[0].message else {
        panic!("no answer: {answers:?}")
    };
    let denied = pb::numbered_answer::Outcome::ErrorCode(Code::PermissionDenied.into());
    assert_eq!(answer.outcome, Some(denied));
    let nobody = checks
        .check(Caller::ANONYMOUS.says(tuesday.check(about_itself())))
        .await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
}

#[tokio::test]
async fn a_time_to_come_one_before_history_and_suppositions_about_the_past_are_refused() {
    // R120.
    let tuesday = Tuesday::new().await;
    let mut checks = tuesday.running.checks();
    let mut at = async |freshness| {
        let request = pb::CheckRequest {
            freshness,
            ..tuesday.check(about_itself())
        };
        checks.check(tuesday.administrator.says(request)).await
    };
    wrong(
        at(as_of(seconds_now() + 3600)).await,
        "freshness.as_of_time",
    );
    assert!(at(as_of(seconds_now())).await.is_ok());
    let pruned = refused(
        at(as_of(1)).await,
        Code::FailedPrecondition,
        "HISTORY_PRUNED",
    );
    let info = pruned.get_details_error_info().unwrap();
    assert_eq!(info.metadata["oldest_revision"], "1");
    assert!(
        at(exactly(&info.metadata["oldest_policy_token"]))
            .await
            .is_ok()
    );

    let change = pb::proposed_change::Change::Editing(pb::ProposedEditing {
        layer_id: tuesday.layer_id,
        enabled: false,
    });
    let supposing = vec![pb::ProposedChange {
        change: Some(change),
    }];
    let mut lookups = tuesday.running.lookups();
    let both = tuesday.administrator.says(pb::LookupSubjectsRequest {
        supposing: supposing.clone(),
        ..tuesday.who()
    });
    wrong(lookups.lookup_subjects(both).await, "supposing");
    let what_if = tuesday.administrator.says(pb::WhatIfRequest {
        subject: tuesday.about_ana(),
        questions: vec![layer_question(tuesday.layer_id, MODIFY)],
        supposing,
        freshness: tuesday.then(),
    });
    wrong(lookups.what_if(what_if).await, "freshness");
}

#[tokio::test]
async fn the_token_of_every_change_is_the_state_that_it_made() {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let ask = |project_id, freshness| pb::CheckRequest {
        subject: about_itself(),
        questions: vec![pb::Question {
            question: Some(pb::question::Question::Project(pb::ProjectQuestion {
                project_id,
                act: pb::ProjectAct::Open.into(),
            })),
        }],
        freshness,
    };
    let mut made = Vec::new();
    for name in ["Roads", "Rivers", "Rails"] {
        let create = administrator.says(new_project(name));
        let created = running.projects().create_project(create).await;
        let created = created.unwrap().into_inner();
        made.push((created.project.unwrap().project_id, created.policy_token));
    }
    let mut checks = running.checks();
    for (asked_at, (_, token)) in made.iter().enumerate() {
        for (index, (project, _)) in made.iter().enumerate() {
            let request = administrator.says(ask(*project, exactly(token)));
            let answer = checks.check(request).await.unwrap().into_inner();
            assert_eq!(is_allowed(answer.decisions.first()), index <= asked_at);
            assert_eq!(&answer.policy_token, token);
        }
        let at_least = types::freshness::At::AtLeast(token.clone());
        let fresh = Some(types::Freshness { at: Some(at_least) });
        let answer = checks
            .check(administrator.says(ask(made[0].0, fresh)))
            .await;
        assert!(is_allowed(answer.unwrap().into_inner().decisions.first()));
    }
}
