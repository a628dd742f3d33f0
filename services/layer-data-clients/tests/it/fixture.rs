//! An authorization service that remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant, SystemTime},
};

use futures::stream::BoxStream;
use jmap_domain::{Caller, SessionCaller, SessionId, SessionKind, UserId};
use jmap_proto::authorization::{
    self as pb, audit_service_server::AuditService, audit_service_server::AuditServiceServer,
    check_service_server::CheckService, check_service_server::CheckServiceServer,
    registry_service_server::RegistryService, registry_service_server::RegistryServiceServer,
    session_service_server::SessionService, session_service_server::SessionServiceServer,
};
use layer_data_clients::Authorization;
use layer_data_core::ports::Call;
use tokio::net::TcpListener;
use tokio_stream::{StreamExt as _, wrappers::TcpListenerStream};
use tonic::{Request, Response, Status, metadata::MetadataMap, transport::Server};

/// What the service was asked, and what it is to answer next.
#[derive(Clone, Default)]
pub(crate) struct House(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    sign_ins: usize,
    token_life: Duration,
    silent: bool,
    streams: Streams,
    heard: Vec<MetadataMap>,
    checks: VecDeque<Result<pb::CheckResponse, Status>>,
    registry: VecDeque<Status>,
    reports: Vec<pb::ReportRefusalsRequest>,
}

/// How the service takes streams of questions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Streams {
    /// It does not know them.
    #[default]
    Refused,
    /// It answers on them.
    Taken,
    /// It ends each at the next question.
    Ended,
}

impl House {
    /// A service on port 0, and the client of it.
    pub(crate) async fn start() -> (Self, Authorization) {
        let house = Self::default();
        house.0.lock().unwrap().token_life = Duration::from_mins(10);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let server = Server::builder()
            .add_service(CheckServiceServer::new(house.clone()))
            .add_service(SessionServiceServer::new(house.clone()))
            .add_service(RegistryServiceServer::new(house.clone()))
            .add_service(AuditServiceServer::new(house.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        (house, Authorization::new(&address, "key".into()).unwrap())
    }

    pub(crate) fn tokens_live(&self, life: Duration) {
        self.0.lock().unwrap().token_life = life;
    }

    /// Takes streams of questions from now on.
    pub(crate) fn takes_streams(&self) {
        self.0.lock().unwrap().streams = Streams::Taken;
    }

    /// Ends every stream at the next question.
    pub(crate) fn ends_streams(&self) {
        self.0.lock().unwrap().streams = Streams::Ended;
    }

    /// What is said on a stream.
    fn on_a_stream(&self, said: pb::CheckStreamRequest) -> Option<pb::CheckStreamResponse> {
        use pb::{
            check_stream_request::Message as Said, check_stream_response::Message as Told,
            numbered_answer::Outcome,
        };
        let Some(Said::Check(check)) = said.message else {
            panic!("not a question: {said:?}");
        };
        let mut state = self.0.lock().unwrap();
        if state.streams == Streams::Ended {
            return None;
        }
        let outcome = match state.checks.pop_front() {
            Some(Err(status)) => Outcome::ErrorCode(status.code().into()),
            Some(Ok(answer)) => Outcome::Response(answer),
            None => Outcome::Response(pb::CheckResponse::default()),
        };
        Some(pb::CheckStreamResponse {
            message: Some(Told::Answer(pb::NumberedAnswer {
                sequence: check.sequence,
                outcome: Some(outcome),
            })),
        })
    }

    /// Never answers a question again.
    pub(crate) fn fall_silent(&self) {
        self.0.lock().unwrap().silent = true;
    }

    pub(crate) fn next_check(&self, answer: Result<pb::CheckResponse, Status>) {
        self.0.lock().unwrap().checks.push_back(answer);
    }

    pub(crate) fn next_refusal(&self, refusal: Status) {
        self.0.lock().unwrap().registry.push_back(refusal);
    }

    /// What was reported and taken.
    pub(crate) fn reports(&self) -> Vec<pb::ReportRefusalsRequest> {
        self.0.lock().unwrap().reports.clone()
    }

    pub(crate) fn sign_ins(&self) -> usize {
        self.0.lock().unwrap().sign_ins
    }

    /// The value of a metadata key in each call that was heard.
    pub(crate) fn heard(&self, key: &str) -> Vec<String> {
        let state = self.0.lock().unwrap();
        let values = state.heard.iter().filter_map(|metadata| metadata.get(key));
        values
            .map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    fn hear<T>(&self, request: &Request<T>) {
        self.0
            .lock()
            .unwrap()
            .heard
            .push(request.metadata().clone());
    }

    fn registry_answer<T, A: Default>(&self, request: &Request<T>) -> Result<Response<A>, Status> {
        self.hear(request);
        match self.0.lock().unwrap().registry.pop_front() {
            Some(refusal) => Err(refusal),
            None => Ok(Response::new(A::default())),
        }
    }
}

/// A call of user 10 that may take so long.
pub(crate) fn call(time: Duration) -> Call {
    let session = SessionCaller {
        session: SessionId::new(3).unwrap(),
        user: UserId::new(10).unwrap(),
        kind: SessionKind::Ordinary,
    };
    Call {
        caller: Caller::Session(session),
        deadline: Instant::now() + time,
        user_token: Some("user-token".into()),
        request_id: "import-7".into(),
    }
}

#[tonic::async_trait]
impl CheckService for House {
    type CheckStreamStream = BoxStream<'static, Result<pb::CheckStreamResponse, Status>>;

    async fn check(
        &self,
        request: Request<pb::CheckRequest>,
    ) -> Result<Response<pb::CheckResponse>, Status> {
        self.hear(&request);
        if self.0.lock().unwrap().silent {
            std::future::pending::<()>().await;
        }
        let next = self.0.lock().unwrap().checks.pop_front();
        next.unwrap_or_else(|| Ok(pb::CheckResponse::default()))
            .map(Response::new)
    }

    async fn check_stream(
        &self,
        request: Request<tonic::Streaming<pb::CheckStreamRequest>>,
    ) -> Result<Response<Self::CheckStreamStream>, Status> {
        if self.0.lock().unwrap().streams == Streams::Refused {
            return Err(Status::unimplemented(""));
        }
        let house = self.clone();
        let answers = request
            .into_inner()
            .map_while(move |said| house.on_a_stream(said.ok()?).map(Ok));
        Ok(Response::new(Box::pin(answers)))
    }

    async fn list_effective_permissions(
        &self,
        request: Request<pb::ListEffectivePermissionsRequest>,
    ) -> Result<Response<pb::ListEffectivePermissionsResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn explain(
        &self,
        _: Request<pb::ExplainRequest>,
    ) -> Result<Response<pb::ExplainResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl SessionService for House {
    async fn sign_in(
        &self,
        request: Request<pb::SignInRequest>,
    ) -> Result<Response<pb::SignInResponse>, Status> {
        let key = pb::sign_in_request::Credential::ServiceKey("key".to_owned());
        assert_eq!(request.into_inner().credential, Some(key));
        let mut state = self.0.lock().unwrap();
        state.sign_ins += 1;
        let expires = SystemTime::now() + state.token_life;
        Ok(Response::new(pb::SignInResponse {
            session: None,
            tokens: Some(pb::Tokens {
                access_token: format!("t{}", state.sign_ins),
                access_token_expire_time: Some(expires.into()),
                refresh_token: String::new(),
            }),
        }))
    }

    async fn list_keys(
        &self,
        _: Request<pb::ListKeysRequest>,
    ) -> Result<Response<pb::ListKeysResponse>, Status> {
        let key = |id: &str, bytes: usize| pb::PublicKey {
            key_id: id.to_owned(),
            ed25519: vec![7; bytes].into(),
        };
        let length = if self.0.lock().unwrap().silent {
            31
        } else {
            32
        };
        Ok(Response::new(pb::ListKeysResponse {
            keys: vec![key("k1", length)],
            issuer: "installation-1".to_owned(),
        }))
    }

    async fn refresh_session(
        &self,
        _: Request<pb::RefreshSessionRequest>,
    ) -> Result<Response<pb::RefreshSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn sign_out(
        &self,
        _: Request<pb::SignOutRequest>,
    ) -> Result<Response<pb::SignOutResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_caller(
        &self,
        _: Request<pb::GetCallerRequest>,
    ) -> Result<Response<pb::GetCallerResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_sessions(
        &self,
        _: Request<pb::ListSessionsRequest>,
    ) -> Result<Response<pb::ListSessionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn close_session(
        &self,
        _: Request<pb::CloseSessionRequest>,
    ) -> Result<Response<pb::CloseSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

#[tonic::async_trait]
impl RegistryService for House {
    async fn reserve_layer(
        &self,
        request: Request<pb::ReserveLayerRequest>,
    ) -> Result<Response<pb::ReserveLayerResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn activate_layer(
        &self,
        request: Request<pb::ActivateLayerRequest>,
    ) -> Result<Response<pb::ActivateLayerResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn abandon_layer(
        &self,
        request: Request<pb::AbandonLayerRequest>,
    ) -> Result<Response<pb::AbandonLayerResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn unregister_layer(
        &self,
        request: Request<pb::UnregisterLayerRequest>,
    ) -> Result<Response<pb::UnregisterLayerResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn list_removals(
        &self,
        request: Request<pb::ListRemovalsRequest>,
    ) -> Result<Response<pb::ListRemovalsResponse>, Status> {
        self.registry_answer(&request)
    }

    async fn confirm_removals(
        &self,
        request: Request<pb::ConfirmRemovalsRequest>,
    ) -> Result<Response<pb::ConfirmRemovalsResponse>, Status> {
        self.registry_answer(&request)
    }
}

#[tonic::async_trait]
impl AuditService for House {
    type StreamAuditRecordsStream =
        BoxStream<'static, Result<pb::StreamAuditRecordsResponse, Status>>;

    async fn list_audit_records(
        &self,
        _: Request<pb::ListAuditRecordsRequest>,
    ) -> Result<Response<pb::ListAuditRecordsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn stream_audit_records(
        &self,
        _: Request<pb::StreamAuditRecordsRequest>,
    ) -> Result<Response<Self::StreamAuditRecordsStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn report_refusals(
        &self,
        request: Request<pb::ReportRefusalsRequest>,
    ) -> Result<Response<pb::ReportRefusalsResponse>, Status> {
        let answer = self.registry_answer(&request)?;
        self.0.lock().unwrap().reports.push(request.into_inner());
        Ok(answer)
    }
}
