//! Exporting: the elements of a layer as a file, in constant memory.

use std::{num::NonZeroU32, sync::Arc, time::Instant};

use jmap_proto::layerdata::{
    ExportElementsRequest, ExportElementsResponse, ExportSummary, export_elements_response::Part,
};
use jmap_wire::{Failure, FieldPath, id};
use layer_data_core::{
    ports::{Authorizer, Call, ChunkLimit, LayerStore, Registry},
    query::{OutputInput, QueryInput},
    reads::{PageStart, ReadPurpose, Reader},
};
use layer_data_formats::Writer;
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use super::{WAITING_PARTS, options::format, run::count};
use crate::{
    Api,
    delivery::{NotTaken, deliver, while_awaited},
    parse::{known_crs, selection},
    status::{self, deadline_exceeded, status},
};

/// About how many bytes of the file one part carries.
const PART_BYTES: usize = 256 << 10;
/// How much is read from the storage at a time.
const CHUNK: ChunkLimit = ChunkLimit {
    rows: match NonZeroU32::new(1_000) {
        Some(rows) => rows,
        None => NonZeroU32::MIN,
    },
    bytes: 1 << 20,
};

type Answers = Sender<Result<ExportElementsResponse, Status>>;

/// Why an export ended early.
enum Ended {
    /// Nobody reads any more.
    Abandoned,
    /// It failed.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn export(
        &self,
        call: Call,
        request: ExportElementsRequest,
    ) -> Result<ReceiverStream<Result<ExportElementsResponse, Status>>, Failure> {
        let ExportElementsRequest {
            layer_id,
            format: number,
            selection: wanted,
            output_epsg,
        } = request;
        let wanted_crs = known_crs("output_epsg".into(), output_epsg)?;
        let format = format("format".into(), number)?;
        let input = QueryInput {
            layer: id("layer_id", layer_id)?,
            selection: selection(&"selection".into(), wanted)?,
            output: OutputInput::default(),
            maximum: None,
        };
        let start = PageStart::default();
        let reader = self
            .data
            .read(&call, input, ReadPurpose::Export, start)
            .await;
        let reader = reader.map_err(|error| status::read(error, &FieldPath::default()))?;
        let definition = Arc::clone(&reader.layer().definition);
        let crs = wanted_crs.unwrap_or(definition.geometry().crs);
        let writer = Writer::new(format, definition, crs);
        let writer = writer.map_err(|error| status::export_file(&error))?;
        let (answers, receiver) = mpsc::channel(WAITING_PARTS);
        let exporting = async move {
            if let Err(Ended::Failed(failure)) = write(&call, reader, writer, &answers).await {
                // Should the reader be gone, nobody is left to be told.
                let _ = answers.send(Err(status(failure))).await;
            }
        };
        tokio::spawn(exporting.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }
}

async fn write<S: LayerStore, A: Authorizer, R: Registry>(
    call: &Call,
    mut reader: Reader<S, A, R>,
    mut writer: Writer,
    answers: &Answers,
) -> Result<(), Ended> {
    let mut buffer = Vec::with_capacity(PART_BYTES);
    writer.header(&mut buffer);
    loop {
        let chunk = while_awaited(answers, reader.next(CHUNK)).await;
        let chunk = chunk.map_err(|NotTaken| Ended::Abandoned)?;
        let chunk = chunk.map_err(|error| status::read(error, &FieldPath::default()))?;
        let Some(chunk) = chunk else { break };
        for element in &chunk.elements {
            let written = writer.element(element, &mut buffer);
            written.map_err(|error| status::export_file(&error))?;
            if buffer.len() >= PART_BYTES {
                let full = std::mem::replace(&mut buffer, Vec::with_capacity(PART_BYTES));
                send(answers, Part::Data(full.into())).await?;
            }
        }
        if Instant::now() >= call.deadline {
            return Err(deadline_exceeded().into());
        }
    }
    writer.footer(&mut buffer);
    send(answers, Part::Data(buffer.into())).await?;
    let element_count = count(reader.seen());
    send(answers, Part::Summary(ExportSummary { element_count })).await
}

async fn send(answers: &Answers, part: Part) -> Result<(), Ended> {
    let response = ExportElementsResponse { part: Some(part) };
    let taken = deliver(answers, Ok(response)).await;
    taken.map_err(|NotTaken| Ended::Abandoned)
}
