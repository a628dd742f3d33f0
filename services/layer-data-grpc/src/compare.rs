//! What lies between two states of a layer, as a stream: a header, batches and a trailer.

use std::time::Instant;

use jmap_proto::layerdata::{
    CompareRevisionsRequest, CompareRevisionsResponse, ComparisonTrailer, ElementDifference,
    ElementDifferenceBatch, ElementDifferenceKind, compare_revisions_response::Part,
};
use jmap_wire::{Failure, FieldPath, id, required};
use layer_data_core::{
    compare::{Comparison, ComparisonInput, Difference},
    ports::{Authorizer, Call, LayerStore, Registry},
    reads::Owner,
};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use crate::{
    Api,
    answer::{ElementWriter, header},
    delivery::{NotTaken, deliver, while_awaited},
    elements::{BATCH, Ended, WAITING_PARTS},
    parse::{Mask, Shape, as_of, mask, selection},
    status::{self, deadline_exceeded, status},
};

type Parts = Sender<Result<CompareRevisionsResponse, Status>>;

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    /// Begins a comparison: what refuses it is the call's own answer.
    pub(crate) async fn begin_comparison(
        &self,
        call: Call,
        request: CompareRevisionsRequest,
    ) -> Result<ReceiverStream<Result<CompareRevisionsResponse, Status>>, Failure> {
        let CompareRevisionsRequest {
            layer_id,
            from,
            to,
            selection: wanted,
            mask: wanted_of_each,
        } = request;
        let path = FieldPath::of("selection");
        let selection = selection(&path, wanted)?;
        if selection.as_of.is_some() {
            return Err(path
                .field("as_of")
                .invalid("the states are `from` and `to`")
                .into());
        }
        let mask = mask(&"mask".into(), wanted_of_each)?;
        let input = ComparisonInput {
            layer: id("layer_id", layer_id)?,
            from: as_of(&"from".into(), required("from", from)?)?,
            to: to.map(|to| as_of(&"to".into(), to)).transpose()?,
            selection,
            output: mask.output.clone(),
        };
        let begun = self.data.compare(&call, input).await;
        let comparison = begun.map_err(|error| status::read(error, &FieldPath::default()))?;
        let (parts, receiver) = mpsc::channel(WAITING_PARTS);
        // The work goes on in a task of its own, outside the call's.
        let streaming = async move {
            if let Err(Ended::Failed(failure)) = stream(&call, comparison, &mask, &parts).await {
                // Should the reader be gone, nobody is left to be told.
                let _ = parts.send(Err(status(failure))).await;
            }
        };
        tokio::spawn(streaming.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }
}

async fn stream<S: LayerStore, A: Authorizer, R: Registry>(
    call: &Call,
    mut comparison: Comparison<S, A, R>,
    mask: &Mask,
    parts: &Parts,
) -> Result<(), Ended> {
    let (writer, wanted) = (ElementWriter::new(mask), mask.output.attributes.as_deref());
    send(
        parts,
        Part::Header(header(comparison.layer(), wanted, Shape::default())),
    )
    .await?;
    let mut trailer = ComparisonTrailer::default();
    loop {
        let next = while_awaited(parts, comparison.next(BATCH)).await;
        let next = next.map_err(|NotTaken| Ended::Abandoned)?;
        let next = next.map_err(|error| status::read(error, &FieldPath::default()))?;
        let Some(differences) = next else { break };
        let owner = comparison.owner();
        let written = differences.into_iter();
        let differences: Vec<_> = written.map(|one| difference(one, writer, owner)).collect();
        for difference in &differences {
            count(&mut trailer, difference.kind());
        }
        if !differences.is_empty() {
            send(parts, Part::Batch(ElementDifferenceBatch { differences })).await?;
        }
        if Instant::now() >= call.deadline {
            return Err(deadline_exceeded().into());
        }
    }
    send(parts, Part::Trailer(trailer)).await
}

async fn send(parts: &Parts, part: Part) -> Result<(), Ended> {
    let response = CompareRevisionsResponse { part: Some(part) };
    let taken = deliver(parts, Ok(response)).await;
    taken.map_err(|NotTaken| Ended::Abandoned)
}

fn difference(difference: Difference, writer: ElementWriter, owner: Owner) -> ElementDifference {
    let (kind, before, after) = match difference {
        Difference::Added(after) => (ElementDifferenceKind::Added, None, Some(after)),
        Difference::Changed { before, after } => {
            (ElementDifferenceKind::Changed, Some(before), Some(after))
        }
        Difference::Removed(before) => (ElementDifferenceKind::Removed, Some(before), None),
    };
    ElementDifference {
        kind: kind.into(),
        before: before.map(|element| writer.element(element, owner)),
        after: after.map(|element| writer.element(element, owner)),
    }
}

const fn count(trailer: &mut ComparisonTrailer, kind: ElementDifferenceKind) {
    match kind {
        ElementDifferenceKind::Unspecified => {}
        ElementDifferenceKind::Added => trailer.added_count += 1,
        ElementDifferenceKind::Changed => trailer.changed_count += 1,
        ElementDifferenceKind::Removed => trailer.removed_count += 1,
    }
}
