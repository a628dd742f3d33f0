//! The policy's history through the real executables: watching across a crash, a life of history, a restore.

use std::{fs, path::Path, time::Duration};

use futures::future::join_all;
use jmap_domain::PolicyRevision;
use jmap_proto::{
    authorization::{
        CheckRequest, CreateGroupRequest, Group, Question, SelfSubject, Subject, WatchRequest,
        WatchResponse, policy_change::Change, question, subject, watch_response::Event,
    },
    types::{Freshness, GlobalPermission, freshness::At},
};
use jmap_wire::parse_policy_token;
use testkit::{
    Caller, Executables, Home, ServedFloor, program,
    ready::eventually,
    wire,
    world::{Outcome, World},
};
use tokio::time::timeout;
use tonic::{Status, Streaming};

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

const TOWN: &str = "
world: one who edits
users: [ana]
projects: [{ project: city, open: [ana] }]
layers: [{ layer: trees, editing: true }]
grants: [{ layer: trees, to: ana, give: [add, modify] }]
";

/// Makes a group and answers the token of the change.
async fn make(administrator: &Caller, name: &str) -> Result<String, Status> {
    let request = CreateGroupRequest {
        group: Some(Group {
            name: name.to_owned(),
            ..Group::default()
        }),
        request_id: String::new(),
    };
    let made = administrator.directory().create_group(request).await?;
    Ok(made.into_inner().policy_token)
}

async fn watch(who: &Caller, after: &str) -> Result<Streaming<WatchResponse>, Status> {
    let request = WatchRequest {
        after_policy_token: after.to_owned(),
        heartbeat: None,
    };
    Ok(who.watches().watch(request).await?.into_inner())
}

async fn next(stream: &mut Streaming<WatchResponse>) -> Result<Option<Event>, Status> {
    let message = timeout(PATIENCE, stream.message())
        .await
        .expect("nothing came")?;
    Ok(message.and_then(|message| message.event))
}

/// Whether the caller is a super administrator, at some state of the policy.
async fn ask(who: &Caller, at: At) -> Result<String, Status> {
    let everything = GlobalPermission::SuperAdministrator.into();
    let request = CheckRequest {
        subject: Some(Subject {
            subject: Some(subject::Subject::Self_(SelfSubject {})),
            end_user_assertion: String::new(),
        }),
        questions: vec![Question {
            question: Some(question::Question::Global(everything)),
        }],
        freshness: Some(Freshness { at: Some(at) }),
    };
    Ok(who.checks().check(request).await?.into_inner().policy_token)
}

fn revision(token: &str) -> PolicyRevision {
    parse_policy_token(token).unwrap().revision
}

/// What a watcher has seen: the last token, and the groups that were made.
#[derive(Default)]
struct Seen {
    token: String,
    groups: Vec<String>,
}

impl Seen {
    /// Watches until something ends it, or the group of that name was made. No revision is left out or comes twice.
    async fn follow(&mut self, who: &Caller, last: &str) -> Result<(), Status> {
        let mut stream = watch(who, &self.token).await?;
        while let Some(event) = next(&mut stream).await? {
            match event {
                Event::Heartbeat(beat) => self.token = beat.policy_token,
                Event::ChangeSet(set) => {
                    assert_eq!(revision(&set.policy_token), revision(&self.token).next());
                    self.token = set.policy_token;
                    let groups = set.changes.into_iter().filter_map(|one| match one.change {
                        Some(Change::Group(group)) => Some(group.name),
                        _ => None,
                    });
                    self.groups.extend(groups);
                }
            }
            if self.groups.iter().any(|name| name == last) {
                return Ok(());
            }
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_sees_each_change_once_in_order_also_across_a_crash() {
    let mut executables = Executables::start().await;
    let administrator = executables.house().as_administrator().await;
    let mut seen = Seen::default();
    let mut stream = watch(&administrator, "").await.unwrap();
    let Some(Event::Heartbeat(beginning)) = next(&mut stream).await.unwrap() else {
        panic!("no beginning")
    };
    seen.token = beginning.policy_token;
    let makers = (0..4).map(|maker| {
        let administrator = administrator.clone();
        tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0.. {
                let name = format!("group {maker}-{number}");
                match make(&administrator, &name).await {
                    Ok(_) => acknowledged.push(name),
                    Err(_) => break,
                }
            }
            acknowledged
        })
    });
    let makers: Vec<_> = makers.collect();
    seen.follow(&administrator, "group 0-5").await.unwrap();
    executables.authorization.kill();
    let acknowledged = join_all(makers).await.into_iter().flat_map(Result::unwrap);
    let acknowledged: Vec<String> = acknowledged.collect();
    executables.restart_authorization().await;
    make(&administrator, "last").await.unwrap();
    seen.follow(&administrator, "last").await.unwrap();
    for name in &acknowledged {
        let times = seen.groups.iter().filter(|seen| *seen == name).count();
        assert_eq!(times, 1, "`{name}`");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_that_outlives_its_life_is_pruned_and_said_to_be() {
    let home = Home::fresh().await;
    let flags = ["--history-life", "1s"];
    let executables = Executables::start_authorization_with(home, &flags).await;
    let administrator = executables.house().as_administrator().await;
    let old = make(&administrator, "old").await.unwrap();
    // The last change that is too old stays as the state that history begins with.
    make(&administrator, "newer").await.unwrap();
    let pruned = Outcome::refused("FAILED_PRECONDITION", "HISTORY_PRUNED");
    let asked = || async {
        let asked = ask(&administrator, At::Exactly(old.clone())).await;
        (wire::outcome(&asked) == pruned).then_some(())
    };
    eventually("pruning", asked).await;
    let watched = watch(&administrator, &old).await.map(drop);
    assert_eq!(wire::outcome(&watched), pruned);
    // What holds does not depend on how it came about.
    ask(&administrator, At::AtLeast(old)).await.unwrap();
}

/// Runs the command that ends a restore.
fn restored(place: &str) {
    let mut command = program("jmapctl");
    let output = command.args(["restored", place]).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
}

/// Copies a closed database; PostgreSQL's own tools would do it there.
fn copy(from: &Path, to: &Path) {
    fs::copy(from, to).unwrap();
    for companion in ["-wal", "-shm"] {
        let mut name = from.as_os_str().to_owned();
        name.push(companion);
        assert!(!Path::new(&name).exists(), "the database was not closed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restore_old_tokens_and_sessions_mean_nothing_and_ids_are_new() {
    // R8, R116, R117, R120.
    let mut executables = Executables::start().await;
    let floor = ServedFloor::of(executables.house(), &World::parse(TOWN)).await;
    let layer = floor.layer("trees");
    let house = executables.house();
    let before = house.as_administrator().await;
    floor
        .caller("ana")
        .await
        .add(layer, "POINT(1 2)")
        .await
        .unwrap();
    assert!(executables.authorization.terminate());
    let place = executables.home().places().authorization.clone();
    let backup = executables.home().folder().join("backup");
    let is_file = !place.starts_with("postgres");
    if is_file {
        copy(Path::new(&place), &backup);
    }
    executables.restart_authorization().await;
    // What the backup does not know of.
    let lost = make(&before, "lost").await.unwrap();
    let lost_user = house.create_user("lost").await;
    assert!(executables.authorization.terminate());
    if is_file {
        copy(&backup, Path::new(&place));
    }
    restored(&place);
    executables.restart_authorization().await;

    let closed = make(&before, "closed").await;
    let session_closed = Outcome::refused("UNAUTHENTICATED", "SESSION_CLOSED");
    assert_eq!(wire::outcome(&closed), session_closed);
    house.forget("administrator");
    house.forget("ana");
    let after = house.as_administrator().await;
    let unknown = Outcome::refused("FAILED_PRECONDITION", "UNKNOWN_POLICY_TOKEN");
    for at in [At::AtLeast(lost.clone()), At::Exactly(lost.clone())] {
        assert_eq!(wire::outcome(&ask(&after, at).await), unknown);
    }
    let watched = watch(&after, &lost).await.map(drop);
    assert_eq!(wire::outcome(&watched), unknown);
    let made = make(&after, "found").await.unwrap();
    assert_eq!(ask(&after, At::Exactly(made.clone())).await.unwrap(), made);
    assert!(house.create_user("found").await > lost_user);
    // layer-data signs in again by itself, and what it keeps is there.
    let ana = house.as_user("ana").await;
    let counted = || async { ana.count(layer).await.ok() };
    assert_eq!(eventually("layer-data", counted).await, 1);
}
