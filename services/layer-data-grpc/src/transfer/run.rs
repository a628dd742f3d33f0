//! Running an import: a staged file goes into a layer, with progress, row errors and a summary at the end.

use std::{sync::Arc, time::Instant};

use jmap_proto::layerdata::{
    ImportProgress, ImportSummary, RowError as WireRowError, RunImportRequest, RunImportResponse,
    run_import_response::Event,
};
use jmap_wire::{Failure, FieldPath};
use layer_data_core::{
    edit::{EditMode, Intent},
    ports::{Authorizer, Call, LayerStore, Registry},
    transfer::{Import, RowRefusal},
};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use super::{
    MAX_ROW_ERRORS, WAITING_PARTS,
    file::{Batch, read},
    staging::Staged,
    uploads::{holder, staging},
};
use crate::{
    Api,
    delivery::{NotTaken, deliver},
    status::{self, deadline_exceeded, status},
};

/// The way to whoever runs the import. Waits while it is behind.
struct Events {
    sender: Sender<Result<RunImportResponse, Status>>,
    told: usize,
}

/// Nobody listens any more.
struct Abandoned;

/// Why a pass over the file ended early.
enum Ended {
    Abandoned,
    Failed(Failure),
}

impl From<Abandoned> for Ended {
    fn from(Abandoned: Abandoned) -> Self {
        Self::Abandoned
    }
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Events {
    async fn send(&self, event: Event) -> Result<(), Abandoned> {
        let response = RunImportResponse { event: Some(event) };
        let taken = deliver(&self.sender, Ok(response)).await;
        taken.map_err(|NotTaken| Abandoned)
    }

    /// Tells of a row that was not taken, as long as there are not too many of them.
    async fn row_error(&mut self, row: u64, failure: Failure) -> Result<(), Abandoned> {
        if self.told >= MAX_ROW_ERRORS {
            return Ok(());
        }
        self.told += 1;
        self.send(Event::RowError(row_error(row, failure))).await
    }
}

/// A row that was not taken.
pub(super) fn row_error(row: u64, failure: Failure) -> WireRowError {
    WireRowError {
        row: count(row),
        error: Some(failure.item()),
    }
}

/// A count on the wire.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn run(
        &self,
        call: Call,
        request: RunImportRequest,
    ) -> Result<ReceiverStream<Result<RunImportResponse, Status>>, Failure> {
        let RunImportRequest { import_id } = request;
        let staged = self
            .staging
            .find(&import_id, holder(&call))
            .map_err(|error| staging(&error))?;
        // A refusal now leaves the upload where it is.
        let import = self
            .data
            .import(&call, staged.upload.layer, Intent::Validate);
        import.await.map_err(status::import)?;
        let staged = self
            .staging
            .take(&staged)
            .map_err(|error| staging(&error))?;
        let (sender, receiver) = mpsc::channel(WAITING_PARTS);
        let (api, mut events) = (self.clone(), Events { sender, told: 0 });
        let running = async move {
            if let Err(Ended::Failed(failure)) = api.run_all(&call, &staged, &mut events).await {
                // Should the reader be gone, nobody is left to be told.
                let _ = events.sender.send(Err(status(failure))).await;
            }
        };
        tokio::spawn(running.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }

    /// One pass; or two when one bad row refuses the file, the first of which writes nothing.
    async fn run_all(
        &self,
        call: &Call,
        staged: &Staged,
        events: &mut Events,
    ) -> Result<(), Ended> {
        let summary = match staged.upload.options.mode {
            EditMode::Partial => self.pass(call, staged, Intent::Commit, events).await?,
            EditMode::Atomic => {
                let checked = self.pass(call, staged, Intent::Validate, events).await?;
                if checked.failed_rows == 0 {
                    self.pass(call, staged, Intent::Commit, events).await?
                } else {
                    ImportSummary {
                        created_elements: 0,
                        repaired_geometries: 0,
                        repaired_rows: Vec::new(),
                        ..checked
                    }
                }
            }
        };
        Ok(events.send(Event::Summary(summary)).await?)
    }

    async fn pass(
        &self,
        call: &Call,
        staged: &Staged,
        intent: Intent,
        events: &mut Events,
    ) -> Result<ImportSummary, Ended> {
        let import = self.data.import(call, staged.upload.layer, intent).await;
        let mut import = import.map_err(status::import)?;
        let total_bytes = count(staged.bytes().await);
        let definition = Arc::new(import.definition().clone());
        let options = staged.upload.options.clone();
        let mut batches = read(staged.path().to_owned(), options, definition);
        let (mut unreadable, mut ignored_columns) = (0, Vec::new());
        while let Some(batch) = batches.recv().await {
            let batch = batch.map_err(|error| status::import_file(&error))?;
            let read_bytes = count(batch.read_bytes);
            unreadable += batch.errors.len() as u64;
            ignored_columns.clone_from(&batch.ignored);
            take(&mut import, batch, events).await?;
            let counts = import.counts();
            let progress = ImportProgress {
                read_bytes,
                total_bytes,
                created_elements: if intent == Intent::Commit {
                    count(counts.created)
                } else {
                    0
                },
                failed_rows: count(unreadable + counts.refused),
                repaired_geometries: count(counts.repaired),
            };
            events.send(Event::Progress(progress)).await?;
            if Instant::now() >= call.deadline {
                return Err(deadline_exceeded().into());
            }
        }
        Ok(ImportSummary {
            created_elements: count(import.counts().created),
            failed_rows: count(unreadable + import.counts().refused),
            ignored_columns,
            repaired_geometries: count(import.counts().repaired),
            repaired_rows: import.repaired_rows().iter().copied().map(count).collect(),
        })
    }
}

/// Puts the rows of a batch into the layer and tells of those that were not taken.
async fn take<S: LayerStore, A: Authorizer, R: Registry>(
    import: &mut Import<S, A, R>,
    batch: Batch,
    events: &mut Events,
) -> Result<(), Ended> {
    for error in &batch.errors {
        events.row_error(error.row, status::row(error)).await?;
    }
    let refusals = import.push(batch.rows).await.map_err(status::import)?;
    for RowRefusal { row, refusal } in refusals {
        let failure = status::refusal(refusal, &FieldPath::default());
        events.row_error(row, failure).await?;
    }
    Ok(())
}
