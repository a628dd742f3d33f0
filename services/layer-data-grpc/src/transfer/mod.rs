//! The transfer service: files are staged, read into layers and written out of them; layers are copied.

mod copy;
mod copy_token;
mod export;
mod file;
mod options;
mod programs;
mod run;
mod staging;
mod uploads;

use jmap_proto::layerdata::{
    AbandonImportRequest, AbandonImportResponse, CopyElementsRequest, CopyElementsResponse,
    CreateImportRequest, CreateImportResponse, ExportElementsRequest, ExportElementsResponse,
    GetImportRequest, GetImportResponse, ImportElementsRequest, ImportElementsResponse,
    PrepareCopyRequest, PrepareCopyResponse, RunImportRequest, RunImportResponse,
    UploadChunkRequest, UploadChunkResponse, transfer_service_server::TransferService,
};
use layer_data_core::ports::{Authorizer, LayerStore, Registry};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

pub use staging::{Staging, StagingLimits};

use crate::{Api, api::open, status::status};

/// Parts of an answer that may wait for a slow reader.
const WAITING_PARTS: usize = 4;
/// Most rows that an answer tells of as not taken.
const MAX_ROW_ERRORS: usize = 1_000;

#[tonic::async_trait]
impl<S: LayerStore, A: Authorizer, R: Registry> TransferService for Api<S, A, R> {
    type RunImportStream = ReceiverStream<Result<RunImportResponse, Status>>;
    type ExportElementsStream = ReceiverStream<Result<ExportElementsResponse, Status>>;
    type CopyElementsStream = ReceiverStream<Result<CopyElementsResponse, Status>>;

    async fn create_import(
        &self,
        request: Request<CreateImportRequest>,
    ) -> Result<Response<CreateImportResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.begin_upload(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn upload_chunk(
        &self,
        request: Request<UploadChunkRequest>,
    ) -> Result<Response<UploadChunkResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.take_chunk(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn run_import(
        &self,
        request: Request<RunImportRequest>,
    ) -> Result<Response<Self::RunImportStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.run(call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn get_import(
        &self,
        request: Request<GetImportRequest>,
    ) -> Result<Response<GetImportResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.show_upload(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn abandon_import(
        &self,
        request: Request<AbandonImportRequest>,
    ) -> Result<Response<AbandonImportResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.give_up_upload(&call, request);
        answer.map(Response::new).map_err(status)
    }

    async fn import_elements(
        &self,
        request: Request<Streaming<ImportElementsRequest>>,
    ) -> Result<Response<ImportElementsResponse>, Status> {
        let (call, messages) = open(request)?;
        self.take_elements(&call, messages).await.map(Response::new)
    }

    async fn export_elements(
        &self,
        request: Request<ExportElementsRequest>,
    ) -> Result<Response<Self::ExportElementsStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.export(call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn prepare_copy(
        &self,
        request: Request<PrepareCopyRequest>,
    ) -> Result<Response<PrepareCopyResponse>, Status> {
        let (call, request) = open(request)?;
        let answer = self.plan_copy(&call, request).await;
        answer.map(Response::new).map_err(status)
    }

    async fn copy_elements(
        &self,
        request: Request<CopyElementsRequest>,
    ) -> Result<Response<Self::CopyElementsStream>, Status> {
        let (call, request) = open(request)?;
        let answer = self.begin_copy(call, request).await;
        answer.map(Response::new).map_err(status)
    }
}
