//! The element service: reads and edits.

mod deletion;
mod edits;
mod pages;
mod shape;
mod statistics;
mod stream;
mod token;

pub(crate) use edits::MAX_EDITS;
pub(crate) use pages::{DEFAULT_PAGE, MAX_ELEMENTS, limit};
pub(crate) use shape::shaped;
pub(crate) use stream::{BATCH, Ended, WAITING_PARTS};
pub(crate) use token::of_account;

use jmap_proto::layerdata::{
    BatchEditElementsRequest, BatchEditElementsResponse, ComputeStatisticsRequest,
    ComputeStatisticsResponse, CreateElementRequest, CreateElementResponse, DeleteElementRequest,
    DeleteElementResponse, DeleteElementsRequest, DeleteElementsResponse, GetElementsRequest,
    GetElementsResponse, ListElementsRequest, ListElementsResponse, ReadElementsRequest,
    ReadElementsResponse, SummarizeElementsRequest, SummarizeElementsResponse,
    UpdateElementRequest, UpdateElementResponse, UpsertElementRequest, UpsertElementResponse,
    element_service_server::ElementService,
};
use layer_data_core::ports::{Authorizer, LayerStore, Registry};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::{Api, api::open, status::status};

#[tonic::async_trait]
impl<S: LayerStore, A: Authorizer, R: Registry> ElementService for Api<S, A, R> {
    type ReadElementsStream = ReceiverStream<Result<ReadElementsResponse, Status>>;

    async fn get_elements(
        &self,
        request: Request<GetElementsRequest>,
    ) -> Result<Response<GetElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.get_by_ids(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn list_elements(
        &self,
        request: Request<ListElementsRequest>,
    ) -> Result<Response<ListElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.list_page(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn read_elements(
        &self,
        request: Request<ReadElementsRequest>,
    ) -> Result<Response<Self::ReadElementsStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.stream(call, request);
        answer.map(Response::new).map_err(status)
    }

    async fn summarize_elements(
        &self,
        request: Request<SummarizeElementsRequest>,
    ) -> Result<Response<SummarizeElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.summary(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn compute_statistics(
        &self,
        request: Request<ComputeStatisticsRequest>,
    ) -> Result<Response<ComputeStatisticsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.statistics(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn create_element(
        &self,
        request: Request<CreateElementRequest>,
    ) -> Result<Response<CreateElementResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.create(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn update_element(
        &self,
        request: Request<UpdateElementRequest>,
    ) -> Result<Response<UpdateElementResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.update(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn delete_element(
        &self,
        request: Request<DeleteElementRequest>,
    ) -> Result<Response<DeleteElementResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.delete(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn upsert_element(
        &self,
        request: Request<UpsertElementRequest>,
    ) -> Result<Response<UpsertElementResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.upsert(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn delete_elements(
        &self,
        request: Request<DeleteElementsRequest>,
    ) -> Result<Response<DeleteElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.delete_selected(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn batch_edit_elements(
        &self,
        request: Request<BatchEditElementsRequest>,
    ) -> Result<Response<BatchEditElementsResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.batch(&call, request).await;
        answer.map(Response::new).map_err(status)
    }
}
