//! Streaming reads: for each query a header, batches and a trailer, in constant memory.

use std::{num::NonZeroU32, time::Instant};

use jmap_proto::layerdata::{
    ElementBatch, ElementTrailer, LayerQuery, ReadElementsRequest, ReadElementsResponse,
    read_elements_response::Part,
};
use jmap_service::refusals;
use jmap_wire::{Failure, FieldPath, FieldViolation, Violation, id};
use layer_data_core::{
    ports::{Authorizer, Call, ChunkLimit, LayerStore, Registry},
    query::{OutputInput, QueryInput},
    reads::{PageStart, ReadPurpose},
};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use crate::{
    Api,
    answer::ElementWriter,
    delivery::{NotTaken, deliver, while_awaited},
    parse::{Mask, Shape, limited_maximum, mask, order_by, selection, shape},
    status::{self, deadline_exceeded, status},
};

use super::shape::written;

/// Most queries of one call.
const MAX_QUERIES: usize = 100;
/// Parts that may wait for a slow reader.
pub(crate) const WAITING_PARTS: usize = 2;
/// One batch: small enough that the first elements arrive soon, large enough that they arrive fast.
pub(crate) const BATCH: ChunkLimit = ChunkLimit {
    rows: match NonZeroU32::new(1_000) {
        Some(rows) => rows,
        None => NonZeroU32::MIN,
    },
    bytes: 1 << 20,
};

/// A query that is to be streamed.
struct Query {
    input: QueryInput,
    mask: Mask,
    shape: Shape,
    path: FieldPath,
}

/// Why a query's stream ended early.
pub(crate) enum Ended {
    /// Nobody reads any more.
    Abandoned,
    /// The query failed.
    Failed(Failure),
}

impl From<Failure> for Ended {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The way to the reader, for the parts of one query. Waits while the reader is behind.
struct Parts<'a> {
    sender: &'a Sender<Result<ReadElementsResponse, Status>>,
    query_index: i32,
}

impl Parts<'_> {
    async fn send(&self, part: Part) -> Result<(), Ended> {
        let response = ReadElementsResponse {
            query_index: self.query_index,
            part: Some(part),
        };
        let taken = deliver(self.sender, Ok(response)).await;
        taken.map_err(|NotTaken| Ended::Abandoned)
    }

    async fn awaited<W>(&self, work: impl Future<Output = W>) -> Result<W, Ended> {
        let done = while_awaited(self.sender, work).await;
        done.map_err(|NotTaken| Ended::Abandoned)
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) fn stream(
        &self,
        call: Call,
        request: ReadElementsRequest,
    ) -> Result<ReceiverStream<Result<ReadElementsResponse, Status>>, Failure> {
        let ReadElementsRequest {
            queries: wanted,
            partial,
        } = request;
        let queries = queries(wanted)?;
        let (sender, receiver) = mpsc::channel(WAITING_PARTS);
        // The work goes on in a task of its own, outside the call's.
        let (api, notes) = (self.clone(), refusals::current());
        let streaming = async move {
            for (query_index, query) in (0..).zip(queries) {
                let parts = Parts {
                    sender: &sender,
                    query_index,
                };
                let failure = match api.stream_query(&call, query, &parts).await {
                    Ok(()) => continue,
                    Err(Ended::Abandoned) => return,
                    Err(Ended::Failed(failure)) => failure,
                };
                if !partial {
                    // Should the reader be gone, nobody is left to be told.
                    let _ = sender.send(Err(status(failure))).await;
                    return;
                }
                let item = failure.item();
                if let Some(notes) = &notes {
                    notes.refused_item(&item);
                }
                if parts.send(Part::Error(item)).await.is_err() {
                    return;
                }
            }
        };
        tokio::spawn(streaming.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }

    async fn stream_query(
        &self,
        call: &Call,
        query: Query,
        parts: &Parts<'_>,
    ) -> Result<(), Ended> {
        let Query {
            input,
            mask,
            shape,
            path,
        } = query;
        let writer = ElementWriter::new(&mask);
        let failed = |error| status::read(error, &path);
        let start = PageStart::default();
        let reader = self.data.read(call, input, ReadPurpose::Display, start);
        let mut reader = reader.await.map_err(failed)?;
        let wanted = mask.output.attributes.as_deref();
        let header = self.read_header(reader.layer(), (wanted, shape), &reader.begin());
        parts.send(Part::Header(header)).await?;
        // What finds nothing for long would not notice otherwise that nobody waits for it.
        while let Some(chunk) = parts.awaited(reader.next(BATCH)).await?.map_err(failed)? {
            if !chunk.elements.is_empty() {
                let own = reader.definition().geometry().crs;
                let found = (chunk.elements, reader.owner());
                let elements = written(found, own, shape, writer).await?;
                parts.send(Part::Batch(ElementBatch { elements })).await?;
            }
            if Instant::now() >= call.deadline {
                return Err(deadline_exceeded().into());
            }
        }
        let element_count = i64::try_from(reader.seen()).unwrap_or(i64::MAX);
        parts
            .send(Part::Trailer(ElementTrailer { element_count }))
            .await
    }
}

fn queries(wanted: Vec<LayerQuery>) -> Result<Vec<Query>, FieldViolation> {
    let path = FieldPath::of("queries");
    if wanted.is_empty() {
        return Err(path.violates(Violation::Missing));
    }
    if wanted.len() > MAX_QUERIES {
        let maximum = MAX_QUERIES;
        return Err(path.violates(Violation::TooMany { maximum }));
    }
    let parse = |(index, query)| layer_query(path.item(index), query);
    wanted.into_iter().enumerate().map(parse).collect()
}

fn layer_query(path: FieldPath, query: LayerQuery) -> Result<Query, FieldViolation> {
    let LayerQuery {
        layer_id,
        selection: wanted,
        mask: wanted_of_each,
        maximum,
        output_epsg,
        order_by: keys,
        simplify_tolerance,
        quantization,
    } = query;
    let shape = shape(&path, (output_epsg, simplify_tolerance, quantization))?;
    let mask = mask(&path.field("mask"), wanted_of_each)?;
    let input = QueryInput {
        layer: id(path.field("layer_id"), layer_id)?,
        selection: selection(&path.field("selection"), wanted)?,
        output: OutputInput {
            order: order_by(&path.field("order_by"), keys)?,
            ..mask.output.clone()
        },
        maximum: limited_maximum(path.field("maximum"), maximum)?,
    };
    Ok(Query {
        input,
        mask,
        shape,
        path,
    })
}
