//! A caller: one account with its token, at both services.

mod deeds;

use jmap_proto::{
    authorization::{
        audit_service_client::AuditServiceClient, check_service_client::CheckServiceClient,
        directory_service_client::DirectoryServiceClient,
        layer_administration_service_client::LayerAdministrationServiceClient,
        lookup_service_client::LookupServiceClient,
        personal_layer_service_client::PersonalLayerServiceClient,
        policy_watch_service_client::PolicyWatchServiceClient,
        project_service_client::ProjectServiceClient,
        registry_service_client::RegistryServiceClient,
        session_service_client::SessionServiceClient,
    },
    layerdata::{
        element_service_client::ElementServiceClient, history_service_client::HistoryServiceClient,
        layer_service_client::LayerServiceClient, transfer_service_client::TransferServiceClient,
    },
    types::server_info_service_client::ServerInfoServiceClient,
};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::Channel,
};

pub use deeds::everywhere;

/// A connection that shows a token with every call.
pub type Line = InterceptedService<Channel, Bearer>;

/// A token, shown with every call; or none, which is anonymous.
#[derive(Clone, Debug)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// One account at both services, by the clients of the contract.
#[derive(Clone, Debug)]
pub struct Caller {
    authorization: Line,
    layer_data: Line,
}

impl Caller {
    /// A caller with a token, or without any.
    ///
    /// # Panics
    /// When the token has characters that metadata cannot carry.
    pub(crate) fn new(authorization: Channel, layer_data: Channel, token: Option<&str>) -> Self {
        let value = |token: &str| format!("Bearer {token}").parse().expect("metadata");
        let bearer = Bearer(token.map(value));
        Self {
            authorization: InterceptedService::new(authorization, bearer.clone()),
            layer_data: InterceptedService::new(layer_data, bearer),
        }
    }

    /// Signs in and out.
    #[must_use]
    pub fn sessions(&self) -> SessionServiceClient<Line> {
        SessionServiceClient::new(self.authorization.clone())
    }

    /// Asks.
    #[must_use]
    pub fn checks(&self) -> CheckServiceClient<Line> {
        CheckServiceClient::new(self.authorization.clone())
    }

    /// Looks up.
    #[must_use]
    pub fn lookups(&self) -> LookupServiceClient<Line> {
        LookupServiceClient::new(self.authorization.clone())
    }

    /// Follows the policy.
    #[must_use]
    pub fn watches(&self) -> PolicyWatchServiceClient<Line> {
        PolicyWatchServiceClient::new(self.authorization.clone())
    }

    /// Keeps users and groups.
    #[must_use]
    pub fn directory(&self) -> DirectoryServiceClient<Line> {
        DirectoryServiceClient::new(self.authorization.clone())
    }

    /// Keeps projects.
    #[must_use]
    pub fn projects(&self) -> ProjectServiceClient<Line> {
        ProjectServiceClient::new(self.authorization.clone())
    }

    /// Keeps what the registry owns of layers.
    #[must_use]
    pub fn administration(&self) -> LayerAdministrationServiceClient<Line> {
        LayerAdministrationServiceClient::new(self.authorization.clone())
    }

    /// Personal layers.
    #[must_use]
    pub fn personal(&self) -> PersonalLayerServiceClient<Line> {
        PersonalLayerServiceClient::new(self.authorization.clone())
    }

    /// What only services may call.
    #[must_use]
    pub fn registry(&self) -> RegistryServiceClient<Line> {
        RegistryServiceClient::new(self.authorization.clone())
    }

    /// Keeps layers.
    #[must_use]
    pub fn layers(&self) -> LayerServiceClient<Line> {
        LayerServiceClient::new(self.layer_data.clone())
    }

    /// Reads and edits elements.
    #[must_use]
    pub fn elements(&self) -> ElementServiceClient<Line> {
        ElementServiceClient::new(self.layer_data.clone())
    }

    /// Tells what happened to elements.
    #[must_use]
    pub fn history(&self) -> HistoryServiceClient<Line> {
        HistoryServiceClient::new(self.layer_data.clone())
    }

    /// Takes files in and gives files out.
    #[must_use]
    pub fn transfer(&self) -> TransferServiceClient<Line> {
        TransferServiceClient::new(self.layer_data.clone())
    }

    /// Tells of authorization.
    #[must_use]
    pub fn authorization_info(&self) -> ServerInfoServiceClient<Line> {
        ServerInfoServiceClient::new(self.authorization.clone())
    }

    /// The audit record.
    #[must_use]
    pub fn audit(&self) -> AuditServiceClient<Line> {
        AuditServiceClient::new(self.authorization.clone())
    }

    /// Tells of layer-data.
    #[must_use]
    pub fn layer_data_info(&self) -> ServerInfoServiceClient<Line> {
        ServerInfoServiceClient::new(self.layer_data.clone())
    }
}
