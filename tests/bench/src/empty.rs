//! The floor of questions: tonic's own server, without our stack, rules and tokens, that gives the pair's own answers to
//! everybody. It has a thread and a runtime of its own, as the services of the pair have, and the same callers.

use std::thread;

use anyhow::Context;
use futures::{StreamExt as _, stream::BoxStream};
use jmap_proto::authorization::{
    CheckRequest, CheckResponse, CheckStreamRequest, CheckStreamResponse, ExplainRequest,
    ExplainResponse, ListEffectivePermissionsRequest, ListEffectivePermissionsResponse,
    NumberedAnswer,
    check_service_server::{CheckService, CheckServiceServer},
    check_stream_request::Message as Said,
    check_stream_response::Message as Told,
    numbered_answer::Outcome,
};
use testkit::House;
use tokio::{net::TcpListener, runtime::Runtime};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, server::TcpIncoming},
};

/// A service that says what it was told to say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Empty {
    check: CheckResponse,
    permissions: ListEffectivePermissionsResponse,
}

impl Empty {
    /// Gives this answer to every check, in a call or on a stream.
    pub(crate) fn answering(check: CheckResponse) -> Self {
        Self {
            check,
            ..Self::default()
        }
    }

    /// Gives this list of effective permissions to everybody.
    pub(crate) fn listing(permissions: ListEffectivePermissionsResponse) -> Self {
        Self {
            permissions,
            ..Self::default()
        }
    }

    /// Serves it until the program ends.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn serve(self) -> anyhow::Result<House> {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").context("bind the floor")?;
        socket.set_nonblocking(true).context("prepare the floor")?;
        let address = format!("http://{}", socket.local_addr()?);
        thread::spawn(move || {
            let runtime = Runtime::new().context("start the floor's runtime")?;
            runtime.block_on(async {
                let listener = TcpListener::from_std(socket).context("listen for the floor")?;
                let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
                let server = Server::builder().add_service(CheckServiceServer::new(self));
                let serving = server.serve_with_incoming(incoming);
                serving.await.context("serve the floor")
            })
        });
        Ok(House::at(&address, &address))
    }
}

#[tonic::async_trait]
impl CheckService for Empty {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.check.clone()))
    }

    type CheckStreamStream = BoxStream<'static, Result<CheckStreamResponse, Status>>;

    async fn check_stream(
        &self,
        request: Request<Streaming<CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        let answer = self.check.clone();
        let answers = request.into_inner().map(move |said| {
            let Some(Said::Check(check)) = said?.message else {
                return Err(Status::invalid_argument("the floor answers checks alone"));
            };
            Ok(CheckStreamResponse {
                message: Some(Told::Answer(NumberedAnswer {
                    sequence: check.sequence,
                    outcome: Some(Outcome::Response(answer.clone())),
                })),
            })
        });
        Ok(Response::new(answers.boxed()))
    }

    async fn list_effective_permissions(
        &self,
        _: Request<ListEffectivePermissionsRequest>,
    ) -> Result<Response<ListEffectivePermissionsResponse>, Status> {
        Ok(Response::new(self.permissions.clone()))
    }

    async fn explain(
        &self,
        _: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        Err(Status::unimplemented("the floor explains nothing"))
    }
}
