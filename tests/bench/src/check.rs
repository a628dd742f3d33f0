//! A check over loopback, beside an empty unary call with messages of the same size.

use std::pin::Pin;

use anyhow::Context;
use futures::Stream;
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, CheckStreamRequest, CheckStreamResponse, ExplainRequest,
    ExplainResponse, LayerAct, LayerQuestion, ListEffectivePermissionsRequest,
    ListEffectivePermissionsResponse, Question, SelfSubject, Subject,
    check_service_client::CheckServiceClient,
    check_service_server::{CheckService, CheckServiceServer},
    question::Question as Kind,
    subject::Subject as Who,
};
use testkit::Line;
use tokio::net::TcpListener;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Server, server::TcpIncoming},
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
    let floor = empty_service(canned).await?;
    let mut figures = Vec::new();
    for callers in CALLERS {
        figures.push(beside(callers, rounds, &floor, &viewer.checks(), &request).await?);
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
    floor: &CheckServiceClient<Channel>,
    pair: &CheckServiceClient<Line>,
    request: &CheckRequest,
) -> anyhow::Result<Figure> {
    let (mut floors, mut rates, mut p99) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.count {
        floors.push(rate_of_floor(callers, rounds, floor, request).await?.rate);
        let measured = rate_of_pair(callers, rounds, pair, request).await?;
        rates.push(measured.rate);
        p99.push(millis(&measured.latency, 0.99));
    }
    Ok(Figure {
        name: format!("checks, {callers} at a time"),
        unit: "calls/s",
        floor: median(floors),
        measured: median(rates),
        target: Target::AtLeast(TARGET),
        p99_millis: median(p99),
    })
}

async fn rate_of_floor(
    callers: usize,
    rounds: Rounds,
    client: &CheckServiceClient<Channel>,
    request: &CheckRequest,
) -> anyhow::Result<Load> {
    let (client, request) = (client.clone(), request.clone());
    let call = move || {
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.check(request).await.map(drop) }
    };
    load(callers, rounds.length, call).await
}

async fn rate_of_pair(
    callers: usize,
    rounds: Rounds,
    client: &CheckServiceClient<Line>,
    request: &CheckRequest,
) -> anyhow::Result<Load> {
    let (client, request) = (client.clone(), request.clone());
    let call = move || {
        let (mut client, request) = (client.clone(), request.clone());
        async move { client.check(request).await.map(drop) }
    };
    load(callers, rounds.length, call).await
}

/// The floor: a service without a stack, rules or tokens that gives the pair's own answer to everybody.
async fn empty_service(answer: CheckResponse) -> anyhow::Result<CheckServiceClient<Channel>> {
    let listener = TcpListener::bind("127.0.0.1:0")
        .await
        .context("bind the floor")?;
    let address = format!("http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(CheckServiceServer::new(Empty(answer)));
    tokio::spawn(server.serve_with_incoming(incoming));
    let channel = tonic::transport::Endpoint::from_shared(address)?
        .tcp_nodelay(true)
        .connect()
        .await;
    Ok(CheckServiceClient::new(
        channel.context("connect to the floor")?,
    ))
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
