//! Over gRPC: our service and Cerbos, each asked the same questions, sixteen at a time.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use authorization_core::ports::PolicyStore as _;
use authorization_store::SqlStore;
use jmap_domain::{LayerAct, Question};
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, Subject, decision::Decision, subject::Subject as Who,
};
use jmap_wire::question_to_proto;
use tempfile::TempDir;
use testkit::{Caller, Pair, Tuning};
use tonic::Status;

use super::{
    cerbos::{self, Cerbos},
    engine::Shown,
    world::{Asked, World},
};
use crate::{
    flags::home,
    load::{Load, load},
};

const CALLERS: usize = 16;
const LENGTH: Duration = Duration::from_secs(3);
/// Answers compared one by one.
const COMPARED: usize = 2000;

/// Measures both on one world.
///
/// # Errors
/// When one of them does not answer, or answers otherwise than expected.
pub(super) async fn run(world: &World, asked: &[(Asked, bool)]) -> anyhow::Result<Vec<Shown>> {
    Ok(vec![ours(world, asked).await?, theirs(world, asked).await?])
}

async fn ours(world: &World, asked: &[(Asked, bool)]) -> anyhow::Result<Shown> {
    let folder = TempDir::new()?;
    settle(folder.path(), world).await?;
    let begin = Instant::now();
    let pair = Pair::start_in(home(folder.path()), Tuning::default()).await;
    let load_seconds = begin.elapsed().as_secs_f64();
    let administrator = pair.as_administrator().await;
    for (question, expected) in asked.iter().take(COMPARED) {
        let answer = check(administrator.clone(), request(question)).await?;
        let allowed = is_allowed(&answer, question)?;
        ensure!(
            allowed == *expected,
            "the service answers {question:?} with {allowed}"
        );
    }
    let requests = Requests::of(asked.iter().map(|(asked, _)| request(asked)));
    let load = load(CALLERS, LENGTH, move || {
        let (caller, request) = (administrator.clone(), requests.next());
        async move { check(caller, request).await.map(drop) }
    });
    let shown = shown("JMap, over gRPC", world, &load.await?, load_seconds);
    pair.stop().await;
    Ok(shown)
}

/// Puts the world into a fresh installation.
async fn settle(folder: &Path, world: &World) -> anyhow::Result<()> {
    Pair::start_in(home(folder), Tuning::default())
        .await
        .stop()
        .await;
    let store = SqlStore::open(&folder.join("authorization.sqlite")).await?;
    let before = store.load().await?;
    store
        .commit(&world.change_set(before.revision.next())?)
        .await?;
    store.close().await;
    Ok(())
}

async fn theirs(world: &World, asked: &[(Asked, bool)]) -> anyhow::Result<Shown> {
    let begin = Instant::now();
    let server = Cerbos::start().await?;
    let load_seconds = begin.elapsed().as_secs_f64();
    let asking = server.asking();
    for (question, expected) in asked.iter().take(COMPARED) {
        let answer = asking.ask(cerbos::question(world, question)?).await?;
        ensure!(
            answer == *expected,
            "Cerbos answers {question:?} with {answer}"
        );
    }
    let questions: anyhow::Result<Vec<_>> = asked
        .iter()
        .map(|(asked, _)| cerbos::question(world, asked))
        .collect();
    let requests = Requests::of(questions?.into_iter());
    let load = load(CALLERS, LENGTH, move || {
        let (asking, request) = (asking.clone(), requests.next());
        async move {
            let answer = asking.ask(request).await;
            answer
                .map(drop)
                .map_err(|error| Status::unknown(error.to_string()))
        }
    });
    let mut shown = shown("Cerbos, over gRPC", world, &load.await?, load_seconds);
    shown.mebibytes = server.mebibytes()?;
    Ok(shown)
}

fn shown(engine: &'static str, world: &World, load: &Load, load_seconds: f64) -> Shown {
    Shown {
        engine,
        grants: world.grants(),
        load_seconds,
        mebibytes: f64::NAN,
        per_second: load.rate,
        equal: COMPARED,
    }
}

async fn check(caller: Caller, request: CheckRequest) -> Result<CheckResponse, Status> {
    Ok(caller.checks().check(request).await?.into_inner())
}

fn request(asked: &Asked) -> CheckRequest {
    let question = Question::Layer(asked.layer, LayerAct::Elements(asked.permission));
    CheckRequest {
        subject: Some(Subject {
            subject: Some(Who::UserId(asked.user.get())),
            end_user_assertion: String::new(),
        }),
        questions: vec![question_to_proto(question)],
        freshness: None,
    }
}

fn is_allowed(answer: &CheckResponse, asked: &Asked) -> anyhow::Result<bool> {
    let decision = answer.decisions.first().context("a decision")?;
    Ok(match decision.decision {
        Some(Decision::All(_)) => true,
        Some(Decision::Own(_)) => asked.own,
        Some(Decision::Denied(_)) | None => false,
    })
}

/// Requests in turn, for all callers.
#[derive(Clone)]
struct Requests<R> {
    all: Arc<[R]>,
    next: Arc<AtomicUsize>,
}

impl<R: Clone + Default> Requests<R> {
    fn of(all: impl Iterator<Item = R>) -> Self {
        Self {
            all: all.collect(),
            next: Arc::default(),
        }
    }

    fn next(&self) -> R {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len().max(1);
        self.all.get(place).cloned().unwrap_or_default()
    }
}
