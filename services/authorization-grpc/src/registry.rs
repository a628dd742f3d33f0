//! `RegistryService`: the registry of layers, for the data service and the user behind its call.

use std::sync::Arc;

use authorization_core::{
    Refusal, Resource,
    model::{LayerState, RequestId, Tombstone},
    ports::{Platform, PolicyStore},
    registry::{OnBehalf, ReserveLayer, Site},
};
use jmap_domain::{Caller, LayerId, PolicyRevision, ProjectId, Scope, UserId};
use jmap_proto::{
    authorization::{self as pb, registry_service_server::RegistryService},
    types,
};
use jmap_wire::{
    FieldPath, FieldViolation, Violation, enumeration, format_policy_token, id, page_size,
    request_id, required, timestamp,
};
use tonic::{Request, Response, Status};

use crate::{
    context::{Context, answer, receive, require_scope},
    page::SHORT,
    parse,
    status::Rejection,
};

/// Most removals confirmed in one call.
const MAX_CONFIRMED: usize = 1000;

#[derive(Debug)]
pub(crate) struct RegistryApi<S, P>(pub(crate) Arc<Context<S, P>>);

#[tonic::async_trait]
impl<S: PolicyStore, P: Platform> RegistryService for RegistryApi<S, P> {
    async fn reserve_layer(
        &self,
        request: Request<pb::ReserveLayerRequest>,
    ) -> Result<Response<pb::ReserveLayerResponse>, Status> {
        answer(async {
            let (callers, message) = self.receive(request).await?;
            let reservation = parse_reservation(message)?;
            let made = self
                .0
                .authority
                .reserve_layer(callers.borrow(), reservation)
                .await?;
            let layer = &made.value;
            let expires_at = match layer.state {
                LayerState::Pending { expires_at } => Some(expires_at),
                LayerState::Active => None,
            };
            Ok(pb::ReserveLayerResponse {
                layer_id: layer.id.get(),
                expire_time: expires_at.map(|at| timestamp(at.as_millis())),
                active: expires_at.is_none(),
                name: layer.name.to_string(),
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn activate_layer(
        &self,
        request: Request<pb::ActivateLayerRequest>,
    ) -> Result<Response<pb::ActivateLayerResponse>, Status> {
        answer(async {
            let (callers, pb::ActivateLayerRequest { layer_id }) = self.receive(request).await?;
            let layer = id("layer_id", layer_id)?;
            let made = self
                .0
                .authority
                .activate_layer(callers.borrow(), layer)
                .await?;
            Ok(pb::ActivateLayerResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn abandon_layer(
        &self,
        request: Request<pb::AbandonLayerRequest>,
    ) -> Result<Response<pb::AbandonLayerResponse>, Status> {
        answer(async {
            let (callers, pb::AbandonLayerRequest { layer_id }) = self.receive(request).await?;
            let layer = id("layer_id", layer_id)?;
            let made = self
                .0
                .authority
                .abandon_layer(callers.borrow(), layer)
                .await?;
            Ok(pb::AbandonLayerResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn unregister_layer(
        &self,
        request: Request<pb::UnregisterLayerRequest>,
    ) -> Result<Response<pb::UnregisterLayerResponse>, Status> {
        answer(async {
            let (callers, message) = self.receive(request).await?;
            let pb::UnregisterLayerRequest {
                layer_id,
                confirm_name,
            } = message;
            let layer = id("layer_id", layer_id)?;
            let name = parse::name("confirm_name", &confirm_name)?;
            let made = self
                .0
                .authority
                .unregister_layer(callers.borrow(), layer, Some(&name))
                .await?;
            Ok(pb::UnregisterLayerResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }

    async fn list_removals(
        &self,
        request: Request<pb::ListRemovalsRequest>,
    ) -> Result<Response<pb::ListRemovalsResponse>, Status> {
        answer(async {
            let (service, pb::ListRemovalsRequest { page_size: asked }) = receive(request)?;
            require_registrar(&service)?;
            let size = page_size(asked, SHORT.default, SHORT.maximum)?;
            let first = PolicyRevision::default();
            let tombstones = self
                .0
                .authority
                .list_removals(&service, first, usize::MAX)?;
            let open = tombstones.iter().filter(|tombstone| !tombstone.confirmed);
            Ok(pb::ListRemovalsResponse {
                removals: open.take(size).map(removal).collect(),
            })
        })
        .await
    }

    async fn confirm_removals(
        &self,
        request: Request<pb::ConfirmRemovalsRequest>,
    ) -> Result<Response<pb::ConfirmRemovalsResponse>, Status> {
        answer(async {
            let (service, pb::ConfirmRemovalsRequest { layer_ids }) = receive(request)?;
            require_registrar(&service)?;
            let layers: Vec<LayerId> = parse::ids(&"layer_ids".into(), &layer_ids, MAX_CONFIRMED)?;
            let made = self.0.authority.confirm_removals(&service, &layers).await?;
            Ok(pb::ConfirmRemovalsResponse {
                policy_token: format_policy_token(made.token()),
            })
        })
        .await
    }
}

/// A service, and the user whose call it passes on.
struct Callers {
    service: Caller,
    user: Caller,
}

impl Callers {
    const fn borrow(&self) -> OnBehalf<'_> {
        OnBehalf {
            service: &self.service,
            user: &self.user,
        }
    }
}

impl<S: PolicyStore, P: Platform> RegistryApi<S, P> {
    /// A call on behalf of a user. The service's own right comes first: others learn nothing of the user's token.
    async fn receive<T: Send>(&self, request: Request<T>) -> Result<(Callers, T), Rejection> {
        let metadata = request.metadata().clone();
        let (service, message) = receive(request)?;
        require_registrar(&service)?;
        let user = self.0.user(&metadata).await?;
        Ok((Callers { service, user }, message))
    }
}

/// The core refuses others as well; here they learn what they lack.
fn require_registrar(caller: &Caller) -> Result<(), Rejection> {
    match caller {
        Caller::Anonymous => Err(Refusal::NotSignedIn.into()),
        Caller::Session(_) => Err(Refusal::Forbidden(Resource::Installation).into()),
        Caller::Service(_) => require_scope(caller, Scope::Register),
    }
}

fn parse_reservation(message: pb::ReserveLayerRequest) -> Result<ReserveLayer, FieldViolation> {
    let pb::ReserveLayerRequest {
        placement,
        name,
        editing_enabled,
        initial_view,
        initial_grants,
        request_id: request,
        connection_id,
    } = message;
    if connection_id != 0 {
        return Err(FieldPath::of("connection_id").violates(Violation::NotBuilt));
    }
    let start = Start {
        editing_enabled,
        initial_view,
        initial_grants,
    };
    let site = match required("placement", placement)? {
        pb::reserve_layer_request::Placement::ProjectId(project) => {
            start.in_project(id("project_id", project)?)?
        }
        pb::reserve_layer_request::Placement::Personal(types::PersonalPlacement {}) => {
            start.personal()?
        }
    };
    let request = required("request_id", request_id("request_id", &request)?)?;
    let name = parse::name("name", &name)?;
    Ok(ReserveLayer {
        name,
        site,
        reference: None,
        request: RequestId(request),
    })
}

/// How a layer shall start, as it was sent.
struct Start {
    editing_enabled: Option<bool>,
    initial_view: i32,
    initial_grants: Vec<types::LayerGrant>,
}

impl Start {
    fn in_project(self, project: ProjectId) -> Result<Site, FieldViolation> {
        let Self {
            editing_enabled,
            initial_view,
            initial_grants,
        } = self;
        let editing = parse::editing(editing_enabled == Some(true));
        let view = parse::initial_view(initial_view)?;
        let grants = parse::grants(&"initial_grants".into(), initial_grants)?;
        Ok(Site::Project {
            project,
            editing,
            view,
            grants,
        })
    }

    /// A personal layer is its owner's alone at first, and always editable (R67, R83).
    fn personal(self) -> Result<Site, FieldViolation> {
        let Self {
            editing_enabled,
            initial_view,
            initial_grants,
        } = self;
        if editing_enabled == Some(false) {
            let why = "editing is always enabled on a personal layer";
            return Err(FieldPath::of("editing_enabled").invalid(why));
        }
        enumeration("initial_view", initial_view, |view| match view {
            types::InitialView::Unspecified | types::InitialView::Nobody => Some(()),
            types::InitialView::Everyone => None,
        })?;
        if !initial_grants.is_empty() {
            return Err(FieldPath::of("initial_grants").violates(Violation::NotBuilt));
        }
        Ok(Site::Personal)
    }
}

fn removal(tombstone: &Tombstone) -> pb::Removal {
    let Tombstone {
        layer,
        at,
        by,
        revision: _,
        confirmed: _,
    } = tombstone;
    pb::Removal {
        layer_id: layer.get(),
        delete_time: Some(timestamp(at.as_millis())),
        deleted_by_user_id: by.map_or(0, UserId::get),
    }
}
