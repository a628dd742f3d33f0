//! The layer service: layers are created, shown, listed and deleted.

use jmap_proto::layerdata::{
    BatchGetLayerFiguresRequest, BatchGetLayerFiguresResponse, ChangeLayerDefinitionRequest,
    ChangeLayerDefinitionResponse, CreateLayerRequest, CreateLayerResponse, DeleteLayerRequest,
    DeleteLayerResponse, GetLayerRequest, GetLayerResponse, Layer, LayerAvailability,
    ListDroppedAttributesRequest, ListDroppedAttributesResponse, ListLayersRequest,
    ListLayersResponse, layer_service_server::LayerService,
};
use jmap_wire::{Failure, id, page_size};
use layer_data_core::{
    layers::CreatedLayer,
    ports::{Authorizer, Call, LayerStore, PageRequest, Placement, Registry},
};
use tonic::{Request, Response, Status};

use crate::{Api, answer, api::open, parse, status, status::status as to_status};

/// Most layers of one answer, and as many as it has when the caller does not say.
const MAX_LAYERS: usize = 1_000;

#[tonic::async_trait]
impl<S: LayerStore, A: Authorizer, R: Registry> LayerService for Api<S, A, R> {
    async fn create_layer(
        &self,
        request: Request<CreateLayerRequest>,
    ) -> Result<Response<CreateLayerResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.create_layer_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn get_layer(
        &self,
        request: Request<GetLayerRequest>,
    ) -> Result<Response<GetLayerResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.get_layer_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn list_layers(
        &self,
        request: Request<ListLayersRequest>,
    ) -> Result<Response<ListLayersResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.list_layers_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn batch_get_layer_figures(
        &self,
        request: Request<BatchGetLayerFiguresRequest>,
    ) -> Result<Response<BatchGetLayerFiguresResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.figures_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn change_layer_definition(
        &self,
        request: Request<ChangeLayerDefinitionRequest>,
    ) -> Result<Response<ChangeLayerDefinitionResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.change_definition_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn list_dropped_attributes(
        &self,
        request: Request<ListDroppedAttributesRequest>,
    ) -> Result<Response<ListDroppedAttributesResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.list_dropped_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }

    async fn delete_layer(
        &self,
        request: Request<DeleteLayerRequest>,
    ) -> Result<Response<DeleteLayerResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.delete_layer_for(&call, request).await;
        answer.map(Response::new).map_err(to_status)
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    async fn create_layer_for(
        &self,
        call: &Call,
        request: CreateLayerRequest,
    ) -> Result<CreateLayerResponse, Failure> {
        let (draft, reservation) = parse::reservation(request)?;
        let placement = reservation.placement;
        let created = self.data.create_layer(call, draft, reservation).await;
        let created = created.map_err(status::layer)?;
        Ok(CreateLayerResponse {
            layer: Some(self.show_created(call, &created, placement).await?),
            policy_token: created.policy_token.unwrap_or_default(),
        })
    }

    /// The new layer as its maker sees it. A layer that was made now is there: where authorization does not tell what the
    /// maker may do with it, the answer goes without. A retry shows what may be seen now.
    async fn show_created(
        &self,
        call: &Call,
        created: &CreatedLayer,
        placement: Placement,
    ) -> Result<Layer, Failure> {
        let was_made_before = created.policy_token.is_none();
        match self.data.get_layer(call, created.stored.layer).await {
            Ok(view) => return Ok(answer::layer(&view)),
            Err(error) if was_made_before => return Err(status::layer(error)),
            Err(_) => {}
        }
        let project_id = match placement {
            Placement::Project(project) => project.get(),
            Placement::Personal => 0,
        };
        Ok(Layer {
            layer_id: created.stored.layer.get(),
            name: created.name.clone(),
            project_id,
            definition: Some(answer::definition(&created.stored)),
            availability: LayerAvailability::Available.into(),
            ..Layer::default()
        })
    }

    async fn get_layer_for(
        &self,
        call: &Call,
        request: GetLayerRequest,
    ) -> Result<GetLayerResponse, Failure> {
        let GetLayerRequest { layer_id } = request;
        let view = self.data.get_layer(call, id("layer_id", layer_id)?).await;
        let view = view.map_err(status::layer)?;
        Ok(GetLayerResponse {
            layer: Some(answer::layer(&view)),
        })
    }

    async fn list_layers_for(
        &self,
        call: &Call,
        request: ListLayersRequest,
    ) -> Result<ListLayersResponse, Failure> {
        let ListLayersRequest {
            project_id,
            page_size: size,
            page_token,
        } = request;
        let size = page_size(size, MAX_LAYERS, MAX_LAYERS)?;
        let page = PageRequest {
            size: u32::try_from(size).unwrap_or(u32::MAX),
            token: page_token,
        };
        let project = id("project_id", project_id)?;
        let list = self.data.list_layers(call, project, &page).await;
        let list =
            list.map_err(|error| status::layer(error).fact("project_id", project.to_string()))?;
        Ok(ListLayersResponse {
            layers: list.layers.iter().map(answer::layer).collect(),
            next_page_token: list.next_token,
            policy_token: list.policy_token,
        })
    }

    async fn delete_layer_for(
        &self,
        call: &Call,
        request: DeleteLayerRequest,
    ) -> Result<DeleteLayerResponse, Failure> {
        let DeleteLayerRequest {
            layer_id,
            confirm_name,
        } = request;
        let layer = id("layer_id", layer_id)?;
        let policy_token = self.data.delete_layer(call, layer, &confirm_name).await;
        let policy_token = policy_token.map_err(status::layer)?;
        Ok(DeleteLayerResponse { policy_token })
    }
}
