//! Following one's personal layers (R40, R67, R73, R77, R117, R119).

use std::time::Duration;

use jmap_proto::{authorization as pb, types};
use pb::PersonalLayerEventKind as Kind;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};

use super::{World, world};
use crate::fixture::{Caller, refused, wrong};

/// R119.
const SOON: Duration = Duration::from_secs(5);

/// So many calls run at once here.
const CALLS: usize = 16;

type Events = Streaming<pb::WatchPersonalLayersResponse>;

async fn try_watch(world: &World, who: &Caller, after: &str) -> Result<Events, Status> {
    let request = who.says(pb::WatchPersonalLayersRequest {
        after_policy_token: after.to_owned(),
        heartbeat: None,
    });
    let stream = world
        .running
        .personal()
        .watch_personal_layers(request)
        .await?;
    Ok(stream.into_inner())
}

/// A stream, after the message that tells where it begins.
async fn watch(world: &World, who: &Caller, after: &str) -> (Events, String) {
    let mut stream = try_watch(world, who, after).await.unwrap();
    let first = next(&mut stream).await.unwrap();
    assert!(first.events.is_empty());
    (stream, first.policy_token)
}

async fn next(stream: &mut Events) -> Result<pb::WatchPersonalLayersResponse, Status> {
    let message = timeout(SOON, stream.message()).await;
    Ok(message.expect("nothing came")?.expect("the stream ended"))
}

async fn told(stream: &mut Events) -> (pb::PersonalLayerEvent, String) {
    let message = next(stream).await.unwrap();
    let [event] = message.events.as_slice() else {
        panic!("{message:?}")
    };
    (event.clone(), message.policy_token)
}

#[tokio::test]
async fn what_is_shared_and_published_is_told_to_whom_it_concerns_and_again_after_a_token() {
    let world = world().await;
    let (mut bens, _) = watch(&world, &world.ben.0, "").await;
    let (mut anas, _) = watch(&world, &world.ana.0, "").await;
    world.share().await;
    let (shared, token) = told(&mut bens).await;
    let expected = pb::PersonalLayerEvent {
        kind: Kind::Shared.into(),
        layer_id: world.layer,
        name: "walks".to_owned(),
        owner_user_id: world.ana.1,
        owner_name: "ana".to_owned(),
        permissions: shared.permissions,
        project_id: 0,
    };
    assert_eq!(shared, expected);
    let all = shared.permissions.unwrap().all;
    assert_eq!(all, 1 << types::Permission::View as u32);
    let published = world.administrator.says(world.publication());
    let mut personal = world.running.personal();
    personal.publish_personal_layer(published).await.unwrap();
    for stream in [&mut bens, &mut anas] {
        let (event, _) = told(stream).await;
        assert_eq!(event.kind(), Kind::Published);
        assert_eq!(
            (event.project_id, event.permissions),
            (0, None),
            "not his to know"
        );
    }
    let (mut again, begun) = watch(&world, &world.ben.0, &token).await;
    assert_eq!(begun, token);
    assert_eq!(told(&mut again).await.0.kind(), Kind::Published);
}

#[tokio::test]
async fn the_stream_ends_with_its_session() {
    let world = world().await;
    let again = world.running.sign_in("ben").await;
    let (mut stream, _) = watch(&world, &again, "").await;
    let out = again.says(pb::SignOutRequest {});
    world.running.sessions().sign_out(out).await.unwrap();
    refused(
        next(&mut stream).await,
        Code::Unauthenticated,
        "SESSION_CLOSED",
    );
}

#[tokio::test]
async fn only_people_follow_and_bad_places_are_refused() {
    let world = world().await;
    let by = async |who: &Caller| try_watch(&world, who, "").await.map(drop);
    let nobody = by(&Caller::ANONYMOUS).await;
    refused(nobody, Code::Unauthenticated, "SIGN_IN_REQUIRED");
    let service = world.running.service(&world.running.service_key).await;
    refused(by(&service).await, Code::PermissionDenied, "NOT_PERMITTED");
    let after = async |token: &str| try_watch(&world, &world.ana.0, token).await.map(drop);
    wrong(after("?").await, "after_policy_token");
    let (_, now) = watch(&world, &world.ana.0, "").await;
    let mut future = jmap_wire::parse_policy_token(&now).unwrap();
    future.revision.0 += 1;
    let future = after(&jmap_wire::format_policy_token(future)).await;
    refused(future, Code::FailedPrecondition, "UNKNOWN_POLICY_TOKEN");
}

#[tokio::test]
async fn nobody_takes_the_places_of_all() {
    let world = world().await;
    let mut held = Vec::new();
    let refusal = loop {
        match try_watch(&world, &world.ana.0, "").await {
            Ok(stream) => held.push(stream),
            Err(refusal) => break refusal,
        }
        assert!(held.len() < CALLS);
    };
    refused(Err::<(), _>(refusal), Code::ResourceExhausted, "OVERLOADED");
    watch(&world, &world.ben.0, "").await;
}
