//! Lists of layers with what the caller may do on each.

use jmap_domain::{ConnectionId, IdError, LayerId, ProjectId, UserId};
use jmap_proto::authorization::{
    LayerIds, LayerPermissions, ListEffectivePermissionsRequest, ListEffectivePermissionsResponse,
    check_service_client::CheckServiceClient, list_effective_permissions_request::Layers,
};
use jmap_wire::{effective_from_proto, subject_to_proto};
use layer_data_core::ports::{
    AuthorizerError, Call, EditingSwitch, LayerFilter, LayerPage, LayerPlacement, PageRequest,
    RegisteredLayer,
};
use tonic::{Code, Status};
use tracing::error;

use crate::{
    Authorization,
    authorization::Envelope,
    authorizer::{authorizer_error, subject},
};

impl Authorization {
    pub(crate) async fn list_layers(
        &self,
        call: &Call,
        filter: &LayerFilter,
        page: &PageRequest,
    ) -> Result<LayerPage, AuthorizerError> {
        let message = ListEffectivePermissionsRequest {
            subject: Some(subject_to_proto(subject(call.caller)?)),
            page_size: i32::try_from(page.size).unwrap_or(i32::MAX),
            page_token: page.token.clone(),
            freshness: None,
            layers: Some(layers_to_proto(filter)),
        };
        let send = |request| {
            let mut client = CheckServiceClient::new(self.channel());
            async move { client.list_effective_permissions(request).await }
        };
        let response = self
            .exchange(&Envelope::about(call), message, send)
            .await
            .map_err(|status| list_error(call, &status))?;
        parse(response).map_err(|error| {
            error!(%error, "authorization listed a layer with an impossible id");
            AuthorizerError::Unavailable
        })
    }
}

fn list_error(call: &Call, status: &Status) -> AuthorizerError {
    if status.code() == Code::NotFound {
        AuthorizerError::NoSuchProject
    } else if status.code() == Code::InvalidArgument {
        AuthorizerError::BadPageToken
    } else {
        authorizer_error(call, status)
    }
}

fn layers_to_proto(filter: &LayerFilter) -> Layers {
    match filter {
        LayerFilter::Project(project) => Layers::ProjectId(project.get()),
        LayerFilter::Layers(layers) => Layers::LayerIds(LayerIds {
            layer_ids: layers.iter().map(|layer| layer.get()).collect(),
        }),
    }
}

fn parse(response: ListEffectivePermissionsResponse) -> Result<LayerPage, IdError> {
    let ListEffectivePermissionsResponse {
        layers,
        next_page_token,
        policy_token,
    } = response;
    Ok(LayerPage {
        layers: layers
            .into_iter()
            .map(registered)
            .collect::<Result<_, _>>()?,
        next_token: next_page_token,
        policy_token,
    })
}

fn registered(layer: LayerPermissions) -> Result<RegisteredLayer, IdError> {
    let LayerPermissions {
        layer_id,
        name,
        project_id,
        owner_user_id,
        connection_id,
        editing_enabled,
        permissions,
    } = layer;
    let placement = if project_id == 0 {
        LayerPlacement::Personal(UserId::new(owner_user_id)?)
    } else {
        LayerPlacement::Project(ProjectId::new(project_id)?)
    };
    let connection = match connection_id {
        0 => None,
        id => Some(ConnectionId::new(id)?),
    };
    Ok(RegisteredLayer {
        layer: LayerId::new(layer_id)?,
        name,
        placement,
        connection,
        editing: if editing_enabled {
            EditingSwitch::Enabled
        } else {
            EditingSwitch::Disabled
        },
        permissions: effective_from_proto(permissions),
    })
}
