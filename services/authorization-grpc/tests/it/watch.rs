//! Watching: every change once, in order, for those who may, and until they may no more.

use std::time::Duration;

use futures::future::join_all;
use jmap_domain::{Epoch, PolicyRevision, PolicyToken};
use jmap_proto::{authorization as pb, types};
use jmap_wire::{format_policy_token, parse_policy_token};
use tokio::time::timeout;
use tonic::{Code, Response, Status, Streaming};

use crate::fixture::{Caller, Running, new_user, refused, start, user, wrong};

/// R119.
const SOON: Duration = Duration::from_secs(5);

type Watched = Result<Response<Streaming<pb::WatchResponse>>, Status>;

async fn try_watch(running: &Running, caller: &Caller, after: &str) -> Watched {
    let request = caller.says(pb::WatchRequest {
        after_policy_token: after.to_owned(),
        heartbeat: None,
    });
    running.watches().watch(request).await
}

/// A stream, after the message that tells where it begins.
async fn watch(
    running: &Running,
    caller: &Caller,
    after: &str,
) -> (Streaming<pb::WatchResponse>, String) {
    let mut stream = try_watch(running, caller, after)
        .await
        .unwrap()
        .into_inner();
    let first = next(&mut stream).await.unwrap();
    let Some(pb::watch_response::Event::Heartbeat(beginning)) = first.event else {
        panic!("no beginning: {first:?}")
    };
    (stream, beginning.policy_token)
}

async fn next(stream: &mut Streaming<pb::WatchResponse>) -> Result<pb::WatchResponse, Status> {
    let message = timeout(SOON, stream.message()).await;
    Ok(message.expect("nothing came")?.expect("the stream ended"))
}

async fn next_set(stream: &mut Streaming<pb::WatchResponse>) -> pb::PolicyChangeSet {
    match next(stream).await.unwrap().event {
        Some(pb::watch_response::Event::ChangeSet(set)) => set,
        other => panic!("no set: {other:?}"),
    }
}

async fn create_group(running: &Running, caller: &Caller, name: &str) -> String {
    let request = caller.says(pb::CreateGroupRequest {
        group: Some(pb::Group {
            name: name.to_owned(),
            ..Default::default()
        }),
        request_id: String::new(),
    });
    let created = running.directory().create_group(request).await;
    created.unwrap().into_inner().policy_token
}

fn group_of(set: &pb::PolicyChangeSet) -> String {
    match &set.changes[0].change {
        Some(pb::policy_change::Change::Group(group)) => group.name.clone(),
        other => panic!("no group: {other:?}"),
    }
}

#[tokio::test]
async fn concurrent_changes_are_seen_once_in_order_and_a_watcher_goes_on_where_it_was() {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let (mut first, beginning) = watch(&running, &administrator, "").await;
    let names: Vec<String> = (0..10).map(|n| format!("group {n}")).collect();
    let made = names
        .iter()
        .map(|name| create_group(&running, &administrator, name));
    let mut made = join_all(made).await;
    made.sort_by_key(|token| parse_policy_token(token).unwrap().revision);

    let mut seen = Vec::new();
    for token in &made[..4] {
        let set = next_set(&mut first).await;
        assert_eq!(&set.policy_token, token);
        seen.push(group_of(&set));
    }
    drop(first);
    let (mut second, resumed) = watch(&running, &administrator, &made[3]).await;
    assert_eq!(resumed, made[3]);
    for token in &made[4..] {
        let set = next_set(&mut second).await;
        assert_eq!(&set.policy_token, token);
        seen.push(group_of(&set));
    }
    seen.sort();
    assert_eq!(seen, names);
    // One who comes later is told everything, too, and at its own pace.
    let (mut late, _) = watch(&running, &administrator, &beginning).await;
    let mut revision = parse_policy_token(&beginning).unwrap().revision.0;
    for _ in &made {
        let set = next_set(&mut late).await;
        revision += 1;
        assert_eq!(u64::try_from(set.revision).unwrap(), revision);
    }
}

#[tokio::test]
async fn a_change_comes_with_its_author_and_without_secrets() {
    // R122.
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let service = running.service(&running.service_key).await;
    let (mut stream, _) = watch(&running, &service, "").await;
    let request = administrator.says(new_user("ana"));
    running.directory().create_user(request).await.unwrap();
    let set = next_set(&mut stream).await;
    let Some(pb::policy_author::Author::User(author)) = set.author.unwrap().author else {
        panic!("not a user's")
    };
    assert_eq!((author.user_id, author.via_service_id), (1, 0));
    let changes: Vec<_> = set
        .changes
        .into_iter()
        .filter_map(|one| one.change)
        .collect();
    let [
        pb::policy_change::Change::User(ana),
        pb::policy_change::Change::PasswordSet(password),
    ] = &changes[..]
    else {
        panic!("{changes:?}")
    };
    assert_eq!((ana.name.as_str(), password.user_id), ("ana", ana.user_id));
}

#[tokio::test]
async fn silence_is_broken_by_heartbeats_with_the_token() {
    let running = start().await;
    let administrator = running.sign_in("administrator").await;
    let request = administrator.says(pb::WatchRequest {
        after_policy_token: String::new(),
        heartbeat: Some(prost_types::Duration {
            seconds: 1,
            nanos: 0,
        }),
    });
    let mut stream = running.watches().watch(request).await.unwrap().into_inner();
    let first = next(&mut stream).await.unwrap();
    assert_eq!(next(&mut stream).await.unwrap(), first);
    let token = create_group(&running, &administrator, "news").await;
    assert_eq!(next_set(&mut stream).await.policy_token, token);
    let beat = pb::watch_response::Event::Heartbeat(pb::PolicyHeartbeat {
        policy_token: token,
    });
    assert_eq!(next(&mut stream).await.unwrap().event, Some(beat));
}

#[tokio::test]
async fn a_watch_ends_soon_after_the_session_or_the_right() {
    // R117, R119.
    let running = start().await;
    let (administrator, ana, ana_id) = running.with_user("ana").await;
    let amend = |add: Vec<i32>, remove: Vec<i32>| {
        administrator.says(pb::UpdateGlobalPermissionsRequest {
            principal: user(ana_id),
            add,
            remove,
        })
    };
    let all = types::GlobalPermission::SuperAdministrator.into();
    let mut directory = running.directory();
    let given = amend(vec![all], vec![]);
    directory.update_global_permissions(given).await.unwrap();
    let again = running.sign_in("ana").await;
    let (mut by_session, _) = watch(&running, &again, "").await;
    let (mut by_right, _) = watch(&running, &ana, "").await;

    let out = again.says(pb::SignOutRequest {});
    running.sessions().sign_out(out).await.unwrap();
    let ended = next(&mut by_session).await;
    refused(ended, Code::Unauthenticated, "SESSION_CLOSED");
    let taken = amend(vec![], vec![all]);
    directory.update_global_permissions(taken).await.unwrap();
    refused(
        next(&mut by_right).await,
        Code::PermissionDenied,
        "NOT_PERMITTED",
    );
}

#[tokio::test]
async fn nobody_else_watches_and_bad_places_are_refused() {
    // R15, R120.
    let running = start().await;
    let (administrator, ana, _) = running.with_user("ana").await;
    let by = async |caller: &Caller| try_watch(&running, caller, "").await.map(drop);
    refused(by(&ana).await, Code::PermissionDenied, "NOT_PERMITTED");
    refused(
        by(&Caller::ANONYMOUS).await,
        Code::Unauthenticated,
        "SIGN_IN_REQUIRED",
    );
    let idle = running.service(&running.idle_key).await;
    refused(by(&idle).await, Code::PermissionDenied, "SCOPE_MISSING");

    let (_, now) = watch(&running, &administrator, "").await;
    let now = parse_policy_token(&now).unwrap();
    let after = async |token: &str| try_watch(&running, &administrator, token).await.map(drop);
    wrong(after("?").await, "after_policy_token");
    let tokens = [
        PolicyToken {
            epoch: Epoch(99),
            ..now
        },
        PolicyToken {
            revision: PolicyRevision(now.revision.0 + 1),
            ..now
        },
    ];
    for token in tokens {
        let token = format_policy_token(token);
        refused(
            after(&token).await,
            Code::FailedPrecondition,
            "UNKNOWN_POLICY_TOKEN",
        );
    }
    for (seconds, nanos) in [
        (0, 0),
        (-15, 0),
        (301, 0),
        (i64::MAX, i32::MAX),
        (i64::MIN, 0),
    ] {
        let request = administrator.says(pb::WatchRequest {
            after_policy_token: String::new(),
            heartbeat: Some(prost_types::Duration { seconds, nanos }),
        });
        let refused = running.watches().watch(request).await.map(drop);
        wrong(refused, "heartbeat");
    }
}
