//! Calls to authorization's registry of layers.

use std::time::Instant;

use jmap_domain::LayerId;
use jmap_proto::{
    authorization::{
        AbandonLayerRequest, ActivateLayerRequest, ConfirmRemovalsRequest, ListRemovalsRequest,
        Removal as WireRemoval, ReserveLayerRequest, ReserveLayerResponse, UnregisterLayerRequest,
        registry_service_client::RegistryServiceClient, reserve_layer_request,
    },
    types,
};
use jmap_service::refusals;
use jmap_wire::{fact_of, permissions_to_proto, reason_of};
use layer_data_core::ports::{
    Call, EditingSwitch, GrantReach, Grantee, InitialGrant, InitialView, Placement, Registry,
    RegistryError, Removal, Reservation, ReservationState, Reserved,
};
use tonic::{Code, Status, transport::Channel};
use tracing::{error, warn};
use uuid::Uuid;

use crate::{Authorization, authorization::Envelope};

/// Most tombstones taken at once.
const REMOVALS: i32 = 1_000;

impl Registry for Authorization {
    async fn reserve(
        &self,
        call: &Call,
        reservation: &Reservation,
    ) -> Result<Reserved, RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.reserve_layer(request).await }
        };
        let message = reservation_to_proto(reservation);
        let response = self
            .exchange(&Envelope::on_behalf_of(call), message, send)
            .await
            .map_err(|status| registry_error(Some(call), &status))?;
        reserved(response)
    }

    async fn activate(&self, call: &Call, layer: LayerId) -> Result<String, RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.activate_layer(request).await }
        };
        let message = ActivateLayerRequest {
            layer_id: layer.get(),
        };
        let answer = self
            .exchange(&Envelope::on_behalf_of(call), message, send)
            .await;
        answer
            .map(|response| response.policy_token)
            .map_err(|status| registry_error(Some(call), &status))
    }

    async fn abandon(&self, call: &Call, layer: LayerId) -> Result<(), RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.abandon_layer(request).await }
        };
        let message = AbandonLayerRequest {
            layer_id: layer.get(),
        };
        let answer = self
            .exchange(&Envelope::on_behalf_of(call), message, send)
            .await;
        answer
            .map(drop)
            .map_err(|status| registry_error(Some(call), &status))
    }

    async fn unregister(
        &self,
        call: &Call,
        layer: LayerId,
        confirm_name: &str,
    ) -> Result<String, RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.unregister_layer(request).await }
        };
        let message = UnregisterLayerRequest {
            layer_id: layer.get(),
            confirm_name: confirm_name.to_owned(),
        };
        let answer = self
            .exchange(&Envelope::on_behalf_of(call), message, send)
            .await;
        answer
            .map(|response| response.policy_token)
            .map_err(|status| registry_error(Some(call), &status))
    }

    async fn removals(&self) -> Result<Vec<Removal>, RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.list_removals(request).await }
        };
        let message = ListRemovalsRequest {
            page_size: REMOVALS,
        };
        let response = self
            .exchange(&Envelope::unprompted(), message, send)
            .await
            .map_err(|status| registry_error(None, &status))?;
        response.removals.iter().map(removal).collect()
    }

    async fn confirm_removals(&self, layers: &[LayerId]) -> Result<(), RegistryError> {
        let send = |request| {
            let mut client = self.registry();
            async move { client.confirm_removals(request).await }
        };
        let layer_ids = layers.iter().map(|layer| layer.get()).collect();
        let message = ConfirmRemovalsRequest { layer_ids };
        let answer = self.exchange(&Envelope::unprompted(), message, send).await;
        answer
            .map(drop)
            .map_err(|status| registry_error(None, &status))
    }
}

impl Authorization {
    fn registry(&self) -> RegistryServiceClient<Channel> {
        RegistryServiceClient::new(self.channel())
    }
}

fn reservation_to_proto(reservation: &Reservation) -> ReserveLayerRequest {
    let Reservation {
        placement,
        name,
        editing,
        initial_view,
        grants,
        request_id,
    } = reservation;
    let placement = match placement {
        Placement::Project(project) => reserve_layer_request::Placement::ProjectId(project.get()),
        Placement::Personal => {
            reserve_layer_request::Placement::Personal(types::PersonalPlacement {})
        }
    };
    let initial_view = match initial_view {
        None => types::InitialView::Unspecified,
        Some(InitialView::Everyone) => types::InitialView::Everyone,
        Some(InitialView::Nobody) => types::InitialView::Nobody,
    };
    ReserveLayerRequest {
        placement: Some(placement),
        name: name.clone(),
        editing_enabled: editing.map(|editing| editing == EditingSwitch::Enabled),
        initial_view: initial_view.into(),
        initial_grants: grants.iter().map(grant_to_proto).collect(),
        request_id: Uuid::from_bytes(*request_id).to_string(),
        connection_id: 0,
    }
}

fn grant_to_proto(grant: &InitialGrant) -> types::LayerGrant {
    let InitialGrant {
        grantee,
        permissions,
        reach,
    } = grant;
    let principal = match grantee {
        Grantee::User(user) => types::principal::Principal::UserId(user.get()),
        Grantee::Group(group) => types::principal::Principal::GroupId(group.get()),
    };
    types::LayerGrant {
        principal: Some(types::Principal {
            principal: Some(principal),
        }),
        permissions: permissions_to_proto(*permissions),
        only_own: *reach == GrantReach::Own,
    }
}

fn reserved(response: ReserveLayerResponse) -> Result<Reserved, RegistryError> {
    let ReserveLayerResponse {
        layer_id,
        expire_time: _,
        active,
        name,
        policy_token: _,
    } = response;
    Ok(Reserved {
        layer: layer(layer_id)?,
        name,
        state: if active {
            ReservationState::Active
        } else {
            ReservationState::Pending
        },
    })
}

fn removal(removal: &WireRemoval) -> Result<Removal, RegistryError> {
    let WireRemoval {
        layer_id,
        delete_time: _,
        deleted_by_user_id: _,
    } = removal;
    Ok(Removal {
        layer: layer(*layer_id)?,
    })
}

fn layer(id: i64) -> Result<LayerId, RegistryError> {
    LayerId::new(id).map_err(|error| {
        error!(%error, "the registry named a layer with an impossible id");
        RegistryError::Unavailable
    })
}

/// What a status of the registry means. Its own sentences go on only where they are about what the user gave.
fn registry_error(call: Option<&Call>, status: &Status) -> RegistryError {
    let sentence = || status.message().to_owned();
    let reason = reason_of(status).unwrap_or_default();
    if refusals::is_refusal(status.code(), &reason)
        && let Some(notes) = refusals::current()
    {
        // Authorization knows whose call this service has passed on.
        notes.recorded_elsewhere();
    }
    match status.code() {
        Code::NotFound => RegistryError::NotFound,
        Code::AlreadyExists => RegistryError::NameTaken,
        Code::InvalidArgument | Code::OutOfRange => RegistryError::Invalid(sentence()),
        Code::Unauthenticated => RegistryError::SignInRequired,
        Code::PermissionDenied if reason != "SCOPE_MISSING" => RegistryError::NotPermitted,
        Code::FailedPrecondition => match reason.as_str() {
            "RESERVATION_EXPIRED" => RegistryError::ReservationExpired,
            "CONFIRMATION_MISMATCH" => RegistryError::ConfirmationMismatch,
            "REQUEST_ID_REUSED" => RegistryError::RequestReused,
            _ => RegistryError::Precondition(sentence()),
        },
        Code::ResourceExhausted if reason == "QUOTA_EXCEEDED" => quota(status),
        Code::DeadlineExceeded if call.is_some_and(|call| call.deadline <= Instant::now()) => {
            RegistryError::DeadlineExceeded
        }
        // A scope that is missing is this service's trouble and not the caller's.
        Code::PermissionDenied
        | Code::DeadlineExceeded
        | Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => {
            let (code, message) = (status.code(), status.message());
            warn!(?code, message, "the registry did not answer");
            RegistryError::Unavailable
        }
    }
}

/// How many personal layers there may be and are, as the registry tells in the facts of its refusal.
fn quota(status: &Status) -> RegistryError {
    let fact = |name| fact_of(status, name)?.parse().ok();
    if let (Some(limit), Some(used)) = (fact("limit"), fact("used")) {
        RegistryError::QuotaExceeded { limit, used }
    } else {
        warn!("the registry refused for a quota and told no numbers");
        RegistryError::Unavailable
    }
}
