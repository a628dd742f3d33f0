//! A check over loopback, beside an empty unary call with messages of the same size.

use std::{pin::Pin, thread};

use anyhow::Context;
use futures::Stream;
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, CheckStreamRequest, CheckStreamResponse, ExplainRequest,
    ExplainResponse, LayerAct, LayerQuestion, ListEffectivePermissionsRequest,
    ListEffectivePermissionsResponse, Question, SelfSubject, Subject,
    check_service_server::{CheckService, CheckServiceServer},
    question::Question as Kind,
    subject::Subject as Who,
};
use testkit::{Caller, House};
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

use crate::{
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
    let request = question(town.layer);
    let viewer = &town.viewer;
    let canned = viewer
        .checks()
        .check(request.clone())
        .await
        .context("check")?
        .into_inner();
    let floor = empty_service(canned)?.with_token(Some(&town.token));
    let mut figures = Vec::new();
    for callers in CALLERS {
        figures.push(beside(callers, rounds, [&floor, viewer], &request).await?);
    }
    Ok(figures)
}

fn question(layer_id: i64) -> CheckRequest {
    let layer = LayerQuestion {
        layer_id,
        act: LayerAct::View.into(),
    };
    CheckRequest {
        subject: Some(Subject {
            subject: Some(Who::Self_(SelfSubject {})),
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

/// The floor: tonic's own server, without our stack, rules and tokens, that gives the pair's own answer to
/// everybody. It has a thread and a runtime of its own, as the services of the pair have, and the same caller.
fn empty_service(answer: CheckResponse) -> anyhow::Result<House> {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").context("bind the floor")?;
    socket.set_nonblocking(true).context("prepare the floor")?;
    let address = format!("http://{}", socket.local_addr()?);
    thread::spawn(move || {
        let runtime = Runtime::new().context("start the floor's runtime")?;
        runtime.block_on(async {
            let listener = TcpListener::from_std(socket).context("listen for the floor")?;
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            let server = Server::builder().add_service(CheckServiceServer::new(Empty(answer)));
            server
                .serve_with_incoming(incoming)
                .await
                .context("serve the floor")
        })
    });
    Ok(House::at(&address, &address))
}

struct Empty(CheckResponse);

#[tonic::async_trait]
impl CheckService for Empty {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    type CheckStreamStream =
        Pin<Box<dyn Stream<Item = Result<CheckStreamResponse, Status>> + Send>>;

    async fn check_stream(
        &self,
        _: Request<Streaming<CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        Err(Status::unimplemented(
            "the floor answers unary checks alone",
        ))
    }

    async fn list_effective_permissions(
        &self,
        _: Request<ListEffectivePermissionsRequest>,
    ) -> Result<Response<ListEffectivePermissionsResponse>, Status> {
        Err(Status::unimplemented(
            "the floor answers unary checks alone",
        ))
    }

    async fn explain(
        &self,
        _: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        Err(Status::unimplemented(
            "the floor answers unary checks alone",
        ))
    }
}
