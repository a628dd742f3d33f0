//! Uploading files in chunks.

use jmap_domain::Caller;
use jmap_proto::layerdata::{
    AbandonImportRequest, AbandonImportResponse, CreateImportRequest, CreateImportResponse,
    GetImportRequest, GetImportResponse, UploadChunkRequest, UploadChunkResponse,
};
use jmap_wire::{Failure, FieldPath, Violation, id, request_id, required};
use layer_data_core::{
    edit::Intent,
    ports::{Authorizer, Call, LayerStore, Registry},
};
use tonic::Code;

use super::{
    options::ImportOptions,
    staging::{Holder, StagingError, Upload},
};
use crate::{Api, status};

/// Most bytes of a chunk.
const MAX_CHUNK: usize = 1 << 20;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn begin_upload(
        &self,
        call: &Call,
        request: CreateImportRequest,
    ) -> Result<CreateImportResponse, Failure> {
        let CreateImportRequest {
            layer_id,
            options: as_asked,
            request_id: retry_id,
        } = request;
        let (layer, path) = (id("layer_id", layer_id)?, FieldPath::of("options"));
        let as_asked = required(path.clone(), as_asked)?;
        let options = ImportOptions::parse(&path, as_asked.clone())?;
        // Whoever could not run it shall not fill the disk either.
        let import = self.data.import(call, layer, Intent::Validate).await;
        import.map_err(status::import)?;
        let upload = Upload {
            holder: holder(call),
            layer,
            options,
            as_asked,
            request_id: request_id("request_id", &retry_id)?,
        };
        let staged = self
            .staging
            .begin(upload)
            .await
            .map_err(|error| staging(&error))?;
        Ok(CreateImportResponse {
            import: Some(staged.describe().await),
        })
    }

    pub(super) async fn take_chunk(
        &self,
        call: &Call,
        request: UploadChunkRequest,
    ) -> Result<UploadChunkResponse, Failure> {
        let UploadChunkRequest {
            import_id,
            offset,
            data,
        } = request;
        let path = FieldPath::of("data");
        match data.len() {
            0 => return Err(path.violates(Violation::Missing).into()),
            1..=MAX_CHUNK => {}
            _ => {
                let message = format!("`data`: a chunk has at most {MAX_CHUNK} bytes");
                return Err(too_large(message));
            }
        }
        let offset = u64::try_from(offset)
            .map_err(|_negative| FieldPath::of("offset").invalid("is negative"))?;
        let staged = self
            .staging
            .find(&import_id, holder(call))
            .map_err(|error| staging(&error))?;
        // The right may be gone since the import was begun (R10, R117).
        let allowed = self
            .data
            .import(call, staged.upload.layer, Intent::Validate)
            .await;
        allowed.map_err(status::import)?;
        let received = self.staging.write(&staged, offset, &data).await;
        let received = received.map_err(|error| staging(&error))?;
        Ok(UploadChunkResponse {
            received_bytes: i64::try_from(received).unwrap_or(i64::MAX),
        })
    }

    pub(super) async fn show_upload(
        &self,
        call: &Call,
        request: GetImportRequest,
    ) -> Result<GetImportResponse, Failure> {
        let GetImportRequest { import_id } = request;
        let staged = self
            .staging
            .find(&import_id, holder(call))
            .map_err(|error| staging(&error))?;
        Ok(GetImportResponse {
            import: Some(staged.describe().await),
        })
    }

    pub(super) fn give_up_upload(
        &self,
        call: &Call,
        request: AbandonImportRequest,
    ) -> Result<AbandonImportResponse, Failure> {
        let AbandonImportRequest { import_id } = request;
        let staged = self
            .staging
            .find(&import_id, holder(call))
            .map_err(|error| staging(&error))?;
        self.staging
            .take(&staged)
            .map_err(|error| staging(&error))?;
        Ok(AbandonImportResponse {})
    }
}

/// Whose an upload is. Services cannot import, so they never get here with one.
pub(super) const fn holder(call: &Call) -> Holder {
    match call.caller {
        Caller::Session(caller) => Some(caller.user),
        Caller::Anonymous | Caller::Service(_) => None,
    }
}

pub(super) fn staging(error: &StagingError) -> Failure {
    let message = error.to_string();
    match error {
        StagingError::TooMany | StagingError::TooManyOwn(_) => {
            Failure::new(Code::ResourceExhausted, "OVERLOADED", message)
                .retry_after(status::RETRY_AFTER)
        }
        StagingError::Reused => status::request_reused(),
        StagingError::NotFound => Failure::new(Code::NotFound, "NOT_FOUND", message),
        StagingError::Gap(_) => Failure::field(FieldPath::of("offset").invalid(message)),
        StagingError::TooLarge(_) => too_large(message),
        StagingError::Io(_) => status::inside(error),
    }
}

fn too_large(message: String) -> Failure {
    Failure::new(Code::ResourceExhausted, "TOO_LARGE", message)
}
