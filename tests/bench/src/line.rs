//! Checks on one stream, many in flight, beside an empty stream service with messages of the same size.

use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use jmap_proto::authorization::{
    CheckRequest, CheckStreamRequest, NumberedAnswer, NumberedCheck, PasswordCredential,
    SignInRequest, check_stream_request::Message as Said, check_stream_response::Message as Told,
    numbered_answer::Outcome, sign_in_request::Credential, subject::Subject as Who,
};
use testkit::{Caller, PASSWORD, Pair};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::{
    check::question,
    empty::Empty,
    figure::{Figure, Target, median},
    load::{Load, millis},
    options::Rounds,
    town::Town,
};

const IN_FLIGHT: usize = 64;

/// The share of the empty stream's rate that checks must reach.
const TARGET: f64 = 0.8;

/// Measures checks on a stream.
///
/// # Errors
/// When the pair or the floor does not answer, or the pair says no.
pub(crate) async fn run(pair: &Pair, town: &Town, rounds: Rounds) -> anyhow::Result<Figure> {
    let service = service(pair).await?;
    let request = question(town.layer, Who::SessionId(session(pair).await?));
    let canned = service.checks().check(request.clone()).await;
    let canned = canned.context("check")?.into_inner();
    let floor = Empty::answering(canned).serve()?.with_token(None);
    let (mut floors, mut rates, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        floors.push(stream(&floor, &request, rounds.length).await?.rate);
        let measured = stream(&service, &request, rounds.length).await?;
        rates.push(measured.rate);
        p99.push(millis(&measured.latency, 0.99));
    }
    Ok(Figure {
        name: format!("checks on a stream, {IN_FLIGHT} in flight"),
        unit: "answers/s",
        floor: Some(median(floors)),
        measured: median(rates),
        target: Target::AtLeast(TARGET),
        p99_millis: Some(median(p99)),
        note: "p99 under 0.5 ms".to_owned(),
    })
}

/// layer-data's own account.
async fn service(pair: &Pair) -> anyhow::Result<Caller> {
    let request = SignInRequest {
        credential: Some(Credential::ServiceKey(pair.service_key())),
        server: None,
    };
    let signed_in = pair.anonymous().sessions().sign_in(request).await;
    let tokens = signed_in
        .context("sign the service in")?
        .into_inner()
        .tokens;
    let token = tokens.context("tokens")?.access_token;
    Ok(pair.with_token(Some(&token)))
}

/// A session of the viewer, about which the service asks.
async fn session(pair: &Pair) -> anyhow::Result<i64> {
    let request = SignInRequest {
        credential: Some(Credential::Password(PasswordCredential {
            user_name: "viewer".to_owned(),
            password: PASSWORD.to_owned(),
        })),
        server: None,
    };
    let signed_in = pair.anonymous().sessions().sign_in(request).await;
    let session = signed_in
        .context("sign the viewer in")?
        .into_inner()
        .session;
    Ok(session.context("a session")?.session_id)
}

/// One stream with so many questions in flight; each answer is followed by the next question under its number.
async fn stream(caller: &Caller, request: &CheckRequest, length: Duration) -> anyhow::Result<Load> {
    let (questions, receiver) = mpsc::channel(IN_FLIGHT);
    let mut client = caller.checks();
    let answers = client.check_stream(ReceiverStream::new(receiver));
    let mut answers = answers.await.context("open the stream")?.into_inner();
    let mut asked = Vec::with_capacity(IN_FLIGHT);
    for sequence in 0..IN_FLIGHT {
        asked.push(Instant::now());
        questions.send(numbered(sequence, request)).await?;
    }
    let mut latency = Histogram::new(3)?;
    let begin = Instant::now();
    while begin.elapsed() < length {
        let answer = answers.message().await?.context("an answer")?;
        let sequence = answered(answer.message)?;
        let place = asked.get_mut(sequence).context("a known number")?;
        latency.record(u64::try_from(place.elapsed().as_micros())?)?;
        *place = Instant::now();
        questions.send(numbered(sequence, request)).await?;
    }
    Ok(Load::over(begin.elapsed(), latency))
}

fn numbered(sequence: usize, request: &CheckRequest) -> CheckStreamRequest {
    CheckStreamRequest {
        message: Some(Said::Check(NumberedCheck {
            sequence: sequence as u64,
            request: Some(request.clone()),
        })),
    }
}

/// The number of an answer that says yes: a benchmark of refusals would flatter.
fn answered(message: Option<Told>) -> anyhow::Result<usize> {
    let Some(Told::Answer(NumberedAnswer { sequence, outcome })) = message else {
        bail!("the stream said something else than an answer");
    };
    let Some(Outcome::Response(response)) = outcome else {
        bail!("a question was not answered");
    };
    ensure!(
        response.decisions.len() == 1 && response.valid_for.is_some(),
        "an incomplete answer"
    );
    Ok(usize::try_from(sequence)?)
}
