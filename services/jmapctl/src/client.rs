//! Calls to the pair: channels, what every call carries, and the refresh of an expired access token.

use std::time::Duration;

use jmap_proto::{
    authorization::{
        RefreshSessionRequest, audit_service_client::AuditServiceClient,
        check_service_client::CheckServiceClient, directory_service_client::DirectoryServiceClient,
        layer_administration_service_client::LayerAdministrationServiceClient,
        lookup_service_client::LookupServiceClient,
        personal_layer_service_client::PersonalLayerServiceClient,
        policy_watch_service_client::PolicyWatchServiceClient,
        project_service_client::ProjectServiceClient, session_service_client::SessionServiceClient,
    },
    layerdata::{
        element_service_client::ElementServiceClient, history_service_client::HistoryServiceClient,
        layer_service_client::LayerServiceClient, transfer_service_client::TransferServiceClient,
    },
    types::{
        GetServerInfoRequest, GetServerInfoResponse,
        server_info_service_client::ServerInfoServiceClient,
    },
};
use jmap_service::client::{Outgoing, channel};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Mutex, OnceCell};
use tonic::{Code, Request, transport::Channel};

use crate::{
    error::{Failure, Kind},
    session::{Session, SessionFile},
};

/// Most time for a call with one answer.
const CALL_TIME: Duration = Duration::from_secs(30);
/// Most time for a call with a stream of answers.
const STREAM_TIME: Duration = Duration::from_hours(1);
/// An access token with less time left than this, in seconds, is refreshed before it is used.
const REFRESH_MARGIN: i64 = 20;
/// Pages of large geometries are larger than tonic's own limit of 4 MiB.
const MAX_ANSWER: usize = 256 << 20;

/// Makes a call with one answer: `call!(client, client.projects(), get_project, message)`.
macro_rules! call {
    ($client:expr, $stub:expr, $method:ident, $message:expr) => {{
        let request = $client.request($message).await?;
        let answer = $stub.$method(request).await;
        answer.map_err($crate::error::Failure::from)?.into_inner()
    }};
}
pub(crate) use call;

/// Makes a call with a stream of answers, and hands each over: `each!(client, stub, method, message, |answer| ..)`.
macro_rules! each {
    ($client:expr, $stub:expr, $method:ident, $message:expr, |$answer:ident| $work:expr) => {{
        let request = $client.stream_request($message).await?;
        let opened = $stub.$method(request).await;
        let mut stream = opened.map_err($crate::error::Failure::from)?.into_inner();
        while let Some($answer) = stream
            .message()
            .await
            .map_err($crate::error::Failure::from)?
        {
            $work;
        }
    }};
}
pub(crate) use each;

/// The pair, as one signed-in account or as anonymous.
#[derive(Debug)]
pub(crate) struct Client {
    server: String,
    authorization: Channel,
    layer_data: OnceCell<Channel>,
    credential: Mutex<Credential>,
}

/// As whom calls are made.
#[derive(Debug)]
pub(crate) enum Credential {
    /// Nobody (R118).
    Anonymous,
    /// The holder of a token that was given from outside, and is not refreshed.
    Token(SecretString),
    /// The holder of a remembered session.
    Session(Box<Session>, SessionFile),
}

impl Client {
    /// A client of the server at an address such as `http://127.0.0.1:50051`. Nothing is sent yet.
    pub(crate) fn new(server: &str, credential: Credential) -> Result<Self, Failure> {
        Ok(Self {
            server: server.to_owned(),
            authorization: open(server)?,
            layer_data: OnceCell::new(),
            credential: Mutex::new(credential),
        })
    }

    /// The address that was asked for.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// A message of a call with one answer, with the caller's token.
    pub(crate) async fn request<T>(&self, message: T) -> Result<Request<T>, Failure> {
        self.timed_request(message, CALL_TIME).await
    }

    /// A message of a call with a stream of answers, with the caller's token.
    pub(crate) async fn stream_request<T>(&self, message: T) -> Result<Request<T>, Failure> {
        self.timed_request(message, STREAM_TIME).await
    }

    async fn timed_request<T>(&self, message: T, most: Duration) -> Result<Request<T>, Failure> {
        let token = self.token().await?;
        Ok(Outgoing::unprompted(most).request(message, token.as_ref())?)
    }

    /// The token that calls carry now; `None` for anonymous.
    pub(crate) async fn token(&self) -> Result<Option<SecretString>, Failure> {
        let mut credential = self.credential.lock().await;
        match &mut *credential {
            Credential::Anonymous => Ok(None),
            Credential::Token(token) => Ok(Some(token.clone())),
            Credential::Session(session, file) => {
                if session.expires_within(REFRESH_MARGIN) {
                    **session = refresh(&self.authorization, file).await?;
                }
                Ok(Some(session.access_token().clone()))
            }
        }
    }

    /// What the server says about itself.
    pub(crate) async fn server_info(&self) -> Result<GetServerInfoResponse, Failure> {
        let request = Outgoing::unprompted(CALL_TIME).request(GetServerInfoRequest {}, None)?;
        let mut stub = ServerInfoServiceClient::new(self.authorization.clone());
        Ok(stub.get_server_info(request).await?.into_inner())
    }

    /// Sessions.
    pub(crate) fn sessions(&self) -> SessionServiceClient<Channel> {
        SessionServiceClient::new(self.authorization.clone())
    }

    /// Users, groups and global permissions.
    pub(crate) fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.authorization.clone())
    }

    /// Projects.
    pub(crate) fn projects(&self) -> ProjectServiceClient<Channel> {
        ProjectServiceClient::new(self.authorization.clone())
    }

    /// What the registry knows of layers, and their permission tables.
    pub(crate) fn registrations(&self) -> LayerAdministrationServiceClient<Channel> {
        LayerAdministrationServiceClient::new(self.authorization.clone())
            .max_decoding_message_size(MAX_ANSWER)
    }

    /// Personal layers.
    pub(crate) fn personal(&self) -> PersonalLayerServiceClient<Channel> {
        PersonalLayerServiceClient::new(self.authorization.clone())
            .max_decoding_message_size(MAX_ANSWER)
    }

    /// Questions.
    pub(crate) fn checks(&self) -> CheckServiceClient<Channel> {
        CheckServiceClient::new(self.authorization.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Lookups, reports and what-if.
    pub(crate) fn lookups(&self) -> LookupServiceClient<Channel> {
        LookupServiceClient::new(self.authorization.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Changes of the policy.
    pub(crate) fn watches(&self) -> PolicyWatchServiceClient<Channel> {
        PolicyWatchServiceClient::new(self.authorization.clone())
            .max_decoding_message_size(MAX_ANSWER)
    }

    /// The audit record.
    pub(crate) fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.authorization.clone()).max_decoding_message_size(MAX_ANSWER)
    }

    /// Layers and their definitions.
    pub(crate) async fn layers(&self) -> Result<LayerServiceClient<Channel>, Failure> {
        let stub = LayerServiceClient::new(self.layer_data().await?);
        Ok(stub.max_decoding_message_size(MAX_ANSWER))
    }

    /// Elements.
    pub(crate) async fn elements(&self) -> Result<ElementServiceClient<Channel>, Failure> {
        let stub = ElementServiceClient::new(self.layer_data().await?);
        Ok(stub.max_decoding_message_size(MAX_ANSWER))
    }

    /// What happened to elements.
    pub(crate) async fn history(&self) -> Result<HistoryServiceClient<Channel>, Failure> {
        let stub = HistoryServiceClient::new(self.layer_data().await?);
        Ok(stub.max_decoding_message_size(MAX_ANSWER))
    }

    /// Imports and exports.
    pub(crate) async fn transfers(&self) -> Result<TransferServiceClient<Channel>, Failure> {
        let stub = TransferServiceClient::new(self.layer_data().await?);
        Ok(stub.max_decoding_message_size(MAX_ANSWER))
    }

    /// Whichever service was named, it tells where layer-data is.
    async fn layer_data(&self) -> Result<Channel, Failure> {
        let connect = async || {
            let info = self.server_info().await?;
            open(&info.layer_data_address)
        };
        self.layer_data.get_or_try_init(connect).await.cloned()
    }
}

fn open(address: &str) -> Result<Channel, Failure> {
    channel(address).map_err(|error| {
        Failure::usage(format!("`{address}` is not an address: {error}"))
            .hint("write it as http://host:port")
    })
}

/// Buys fresh tokens, unless another process has just done so.
async fn refresh(authorization: &Channel, file: &SessionFile) -> Result<Session, Failure> {
    let waiting = file.clone();
    let locked = tokio::task::spawn_blocking(move || waiting.lock()).await;
    let _lock = locked.map_err(|error| Failure::new(Kind::Failed, error.to_string()))??;
    let mut session = file.load()?.ok_or_else(signed_out)?;
    if !session.expires_within(REFRESH_MARGIN) {
        return Ok(session);
    }
    let message = RefreshSessionRequest {
        refresh_token: session.refresh_token().expose_secret().to_owned(),
    };
    let request = Outgoing::unprompted(CALL_TIME).request(message, None)?;
    let answer = SessionServiceClient::new(authorization.clone())
        .refresh_session(request)
        .await;
    let tokens = match answer {
        Ok(answer) => answer.into_inner().tokens,
        Err(status) if status.code() == Code::Unauthenticated => {
            file.remove()?;
            return Err(signed_out());
        }
        Err(status) => return Err(status.into()),
    };
    session.renew(tokens.ok_or_else(|| Failure::incomplete("tokens"))?);
    file.save(&session)?;
    Ok(session)
}

fn signed_out() -> Failure {
    Failure::new(Kind::Refused, "your session has ended").hint("run `jmapctl sign-in NAME` first")
}
