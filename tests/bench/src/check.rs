//! A check over loopback, beside an empty unary call with messages of the same size.

use anyhow::Context;
use jmap_proto::authorization::{
    CheckRequest, LayerAct, LayerQuestion, Question, SelfSubject, Subject,
    question::Question as Kind, subject::Subject as Who,
};
use testkit::Caller;

use crate::{
    empty::Empty,
    figure::{Figure, Target, median},
    load::{Load, load, millis},
    options::Rounds,
    town::Town,
};

const CALLERS: [usize; 3] = [1, 16, 64];

/// The share of the empty call's rate that a check must reach.
const TARGET: f64 = 0.7;

/// Measures checks at each concurrency.
///
/// # Errors
/// When the pair or the floor does not answer.
pub(crate) async fn run(town: &Town, rounds: Rounds) -> anyhow::Result<Vec<Figure>> {
    let request = question(town.layer, Who::Self_(SelfSubject {}));
    let viewer = &town.viewer;
    let canned = viewer
        .checks()
        .check(request.clone())
        .await
        .context("check")?
        .into_inner();
    let floor = Empty::answering(canned).serve()?;
    let floor = floor.with_token(Some(&town.token));
    let mut figures = Vec::new();
    for callers in CALLERS {
        figures.push(beside(callers, rounds, [&floor, viewer], &request).await?);
    }
    Ok(figures)
}

/// Whether somebody may view a layer.
pub(crate) fn question(layer_id: i64, subject: Who) -> CheckRequest {
    let layer = LayerQuestion {
        layer_id,
        act: LayerAct::View.into(),
    };
    CheckRequest {
        subject: Some(Subject {
            subject: Some(subject),
            end_user_assertion: String::new(),
        }),
        questions: vec![Question {
            question: Some(Kind::Layer(layer)),
        }],
        freshness: None,
    }
}

/// Floor and pair take turns, so that a drift of the machine meets both.
async fn beside(
    callers: usize,
    rounds: Rounds,
    [floor, pair]: [&Caller; 2],
    request: &CheckRequest,
) -> anyhow::Result<Figure> {
    let (mut floors, mut rates, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        floors.push(check(callers, rounds, floor, request).await?.rate);
        let measured = check(callers, rounds, pair, request).await?;
        rates.push(measured.rate);
        p99.push(millis(&measured.latency, 0.99));
    }
    Ok(Figure {
        name: format!("checks, {callers} at a time"),
        unit: "calls/s",
        floor: Some(median(floors)),
        measured: median(rates),
        target: Target::AtLeast(TARGET),
        p99_millis: Some(median(p99)),
        note: String::new(),
    })
}

async fn check(
    callers: usize,
    rounds: Rounds,
    caller: &Caller,
    request: &CheckRequest,
) -> anyhow::Result<Load> {
    let (client, request) = (caller.checks(), request.clone());
    let call = move || {
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.check(request).await.map(drop) }
    };
    load(callers, rounds.length, call).await
}
