//! The line to the authorization service: one channel, one service session, bounded waits.

use std::{future::Future, sync::Arc, time::Duration};

use jmap_proto::types::{
    GetServerInfoRequest, GetServerInfoResponse,
    server_info_service_client::ServerInfoServiceClient,
};
use jmap_service::{
    call::Deadline,
    client::{Outgoing, channel, secret_value, translate},
};
use layer_data_core::ports::Call;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, timeout_at};
use tonic::{Code, Request, Response, Status, transport::Channel};

use crate::{
    line::Line,
    session::{ServiceSession, ServiceToken},
};

/// The longest that a call waits for authorization, whatever time its own caller gives it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);

/// Carries the token of the user on whose behalf a service calls.
const USER_TOKEN: &str = "jmap-user-token";

/// The authorization service, as layer-data calls it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authorization {
    channel: Channel,
    session: Arc<ServiceSession>,
    line: Arc<Line>,
}

/// The address of the authorization service is not a URI.
#[derive(Debug, thiserror::Error)]
#[error("`{address}` is not an address such as `http://127.0.0.1:50051`")]
pub struct BadAddress {
    address: String,
    #[source]
    source: tonic::transport::Error,
}

/// The authorization service as it tells of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The id of the installation that it belongs to.
    pub instance_id: String,
    /// The address at which callers reach it.
    pub address: String,
}

/// A call that is going out.
pub(crate) struct Envelope<'a> {
    outgoing: Outgoing,
    user_token: Option<&'a SecretString>,
}

impl<'a> Envelope<'a> {
    /// For a question about whoever makes the call.
    pub(crate) fn about(call: &Call) -> Self {
        let deadline = Deadline(Instant::from_std(call.deadline));
        let outgoing = Outgoing::within(&call.request_id, deadline, PATIENCE);
        Self {
            outgoing,
            user_token: None,
        }
    }

    /// For an act on behalf of the user who makes the call, which the user's own token proves.
    pub(crate) fn on_behalf_of(call: &'a Call) -> Self {
        Self {
            user_token: call.user_token.as_ref(),
            ..Self::about(call)
        }
    }

    /// For an act of the service itself.
    pub(crate) fn unprompted() -> Self {
        let outgoing = Outgoing::unprompted(PATIENCE);
        Self {
            outgoing,
            user_token: None,
        }
    }

    /// Until when an answer is waited for.
    pub(crate) const fn deadline(&self) -> Deadline {
        self.outgoing.deadline
    }

    fn request<M>(&self, message: M, credential: &SecretString) -> Result<Request<M>, Status> {
        let mut request = self.outgoing.request(message, Some(credential))?;
        if let Some(token) = self.user_token {
            let token = secret_value(token.expose_secret())?;
            request.metadata_mut().insert(USER_TOKEN, token);
        }
        Ok(request)
    }
}

impl Authorization {
    /// The service at an address, called with this service's key. Connects when first used.
    ///
    /// # Errors
    /// [`BadAddress`] when the address is not a URI.
    pub fn new(address: &str, service_key: SecretString) -> Result<Self, BadAddress> {
        let channel = channel(address).map_err(|source| BadAddress {
            address: address.to_owned(),
            source,
        })?;
        Ok(Self::over(channel, service_key))
    }

    /// The service at the other end of a channel, called with this service's key.
    #[must_use]
    pub fn over(channel: Channel, service_key: SecretString) -> Self {
        let session = Arc::new(ServiceSession::new(channel.clone(), service_key));
        Self {
            channel,
            session,
            line: Arc::default(),
        }
    }

    /// What the service tells about itself, to anybody.
    ///
    /// # Errors
    /// The status of the call.
    pub async fn partner(&self) -> Result<Partner, Status> {
        let request = Outgoing::unprompted(PATIENCE).request(GetServerInfoRequest {}, None)?;
        let mut client = ServerInfoServiceClient::new(self.channel());
        let answer = client.get_server_info(request).await.map_err(translate)?;
        let GetServerInfoResponse {
            instance_id,
            authorization_address,
            layer_data_address: _,
            contract_level: _,
            version: _,
            features: _,
        } = answer.into_inner();
        Ok(Partner {
            instance_id,
            address: authorization_address,
        })
    }

    pub(crate) fn line(&self) -> &Line {
        &self.line
    }

    /// The service's token.
    pub(crate) async fn token(&self) -> Result<Arc<ServiceToken>, Status> {
        self.session.token().await
    }

    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Makes a call with the service's token, and once more with a fresh one when that token is not accepted: the
    /// service's session may have been closed, or authorization have started anew.
    pub(crate) async fn exchange<M, A, F>(
        &self,
        envelope: &Envelope<'_>,
        message: M,
        send: impl Fn(Request<M>) -> F,
    ) -> Result<A, Status>
    where
        M: Clone,
        F: Future<Output = Result<Response<A>, Status>>,
    {
        let late = || Status::deadline_exceeded("authorization did not answer in time");
        let exchange = async {
            let token = self.session.token().await?;
            let request = envelope.request(message.clone(), token.secret())?;
            match send(request).await {
                Err(status) if status.code() == Code::Unauthenticated => {
                    match self.session.renewed(&token).await? {
                        Some(token) => send(envelope.request(message, token.secret())?).await,
                        None => Err(status),
                    }
                }
                answer => answer,
            }
        };
        match timeout_at(envelope.outgoing.deadline.0, exchange).await {
            Ok(answer) => answer.map(Response::into_inner).map_err(translate),
            Err(_elapsed) => Err(late()),
        }
    }
}
