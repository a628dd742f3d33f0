//! Tells other programs what they are talking to: the one answer that every port of an instance gives alike.

use jmap_proto::types::{
    GetServerInfoRequest, GetServerInfoResponse,
    server_info_service_server::{ServerInfoService, ServerInfoServiceServer},
};
use tonic::{Request, Response, Status};

/// The level of the contract that this code speaks.
pub const CONTRACT_LEVEL: i32 = 1;

/// What an instance tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerInfo {
    /// The instance's id, the same at all its services, for ever.
    pub instance_id: String,
    /// The address at which callers reach authorization, as `http://host:port`.
    pub authorization_address: String,
    /// The address at which callers reach layer-data.
    pub layer_data_address: String,
}

impl ServerInfo {
    /// The full name of the service, for health and reflection.
    pub const NAME: &str = "jmap.type.v1.ServerInfoService";

    /// The service that answers with this.
    #[must_use]
    pub fn service(self) -> ServerInfoServiceServer<Self> {
        ServerInfoServiceServer::new(self)
    }
}

#[tonic::async_trait]
impl ServerInfoService for ServerInfo {
    async fn get_server_info(
        &self,
        request: Request<GetServerInfoRequest>,
    ) -> Result<Response<GetServerInfoResponse>, Status> {
        let GetServerInfoRequest {} = request.into_inner();
        let Self {
            instance_id,
            authorization_address,
            layer_data_address,
        } = self.clone();
        Ok(Response::new(GetServerInfoResponse {
            instance_id,
            authorization_address,
            layer_data_address,
            contract_level: CONTRACT_LEVEL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: Vec::new(),
        }))
    }
}
