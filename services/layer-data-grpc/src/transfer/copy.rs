//! Copying from layer to layer, with progress, refused elements and a summary at the end.

use std::time::Instant;

use jmap_proto::layerdata::{
    AsOf as WireAsOf, AttributeMapping, AttributeMappings, AttributeRef as WireRef,
    CopyElementError, CopyElementsRequest, CopyElementsResponse, CopyOrder,
    CopyProgress as WireProgress, CopySummary, PrepareCopyRequest, PrepareCopyResponse, as_of::At,
    attribute_ref::Attribute, copy_elements_response::Event,
};
use jmap_wire::{Failure, FieldPath, FieldViolation, id, required, timestamp};
use layer_data_core::{
    copy::{CopyInput, CopyProgress, LayerCopy, Mapping, Pair, PreparedCopy},
    edit::{EditMode, Intent},
    history::AsOf,
    ports::{Authorizer, Call, LayerStore, Registry},
    transfer::RowRefusal,
};
use tokio::sync::mpsc::{self, Sender};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use super::{
    MAX_ROW_ERRORS, WAITING_PARTS,
    copy_token::{Order, Ticket, too_old},
    run::count,
};
use crate::{
    Api,
    delivery::{NotTaken, deliver, while_awaited},
    elements::Ended,
    parse::{attribute_ref, edit_mode, selection},
    status::{self, deadline_exceeded, status},
};

/// The way to whoever runs the copy. Waits while it is behind.
struct Events {
    sender: Sender<Result<CopyElementsResponse, Status>>,
    told: usize,
}

impl Events {
    async fn send(&self, event: Event) -> Result<(), Ended> {
        let response = CopyElementsResponse { event: Some(event) };
        let taken = deliver(&self.sender, Ok(response)).await;
        taken.map_err(|NotTaken| Ended::Abandoned)
    }

    /// Tells of elements that were not taken, as long as there are not too many of them.
    async fn refused(&mut self, refusals: Vec<RowRefusal>) -> Result<(), Ended> {
        let left = MAX_ROW_ERRORS - self.told;
        for RowRefusal { row, refusal } in refusals.into_iter().take(left) {
            self.told += 1;
            let failure = status::refusal(refusal, &FieldPath::default());
            let error = CopyElementError {
                element_id: count(row),
                error: Some(failure.item()),
            };
            self.send(Event::ElementError(error)).await?;
        }
        Ok(())
    }
}

/// A copy that is to be run.
struct Running {
    input: CopyInput,
    order: Order,
    ticket: Ticket,
}

/// How often the elements are looked at.
struct Passes<S, A, R> {
    /// First of all, where one element that does not fit refuses the others.
    check: Option<LayerCopy<S, A, R>>,
    copy: LayerCopy<S, A, R>,
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    pub(super) async fn plan_copy(
        &self,
        call: &Call,
        request: PrepareCopyRequest,
    ) -> Result<PrepareCopyResponse, Failure> {
        let PrepareCopyRequest { order: wanted } = request;
        let wanted = required("order", wanted)?;
        let order = Order::new(call, &wanted, &self.pages);
        let (input, _) = copy_order(wanted)?;
        let prepared = self.data.prepare_copy(call, input).await;
        let PreparedCopy { plan, ignored } = prepared.map_err(status::copy)?;
        let ticket = Ticket::new(plan);
        Ok(PrepareCopyResponse {
            copy_token: order.seal(&ticket),
            as_of: Some(as_of(ticket.plan.as_of)),
            mappings: ticket.plan.pairs.iter().map(mapping).collect(),
            ignored_attributes: ignored,
        })
    }

    /// Begins or goes on: what refuses it is the call's own answer.
    pub(super) async fn begin_copy(
        &self,
        call: Call,
        request: CopyElementsRequest,
    ) -> Result<ReceiverStream<Result<CopyElementsResponse, Status>>, Failure> {
        let CopyElementsRequest {
            order: wanted,
            copy_token,
        } = request;
        let wanted = required("order", wanted)?;
        let order = Order::new(&call, &wanted, &self.pages);
        let (input, mode) = copy_order(wanted)?;
        let ticket = order.open(&copy_token)?;
        let running = Running {
            input,
            order,
            ticket,
        };
        // What was begun was checked before.
        let is_new = running.ticket.progress.after.is_none();
        let check = match mode {
            EditMode::Atomic if is_new => Some(self.copy(&call, &running, Intent::Validate).await?),
            EditMode::Atomic | EditMode::Partial => None,
        };
        let copy = self.copy(&call, &running, Intent::Commit).await?;
        let (sender, receiver) = mpsc::channel(WAITING_PARTS);
        let mut events = Events { sender, told: 0 };
        let copying = async move {
            let done = run(&call, running, Passes { check, copy }, &mut events).await;
            if let Err(Ended::Failed(failure)) = done {
                // Should the reader be gone, nobody is left to be told.
                let _ = events.sender.send(Err(status(failure))).await;
            }
        };
        tokio::spawn(copying.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }

    async fn copy(
        &self,
        call: &Call,
        running: &Running,
        intent: Intent,
    ) -> Result<LayerCopy<S, A, R>, Failure> {
        let Running {
            input,
            order,
            ticket,
        } = running;
        let what = (input.clone(), &ticket.plan);
        let begun = (order.request(ticket), ticket.progress);
        let copy = self.data.copy(call, what, begun, intent).await;
        copy.map_err(status::copy)
    }
}

/// Copies; before that, where one element that does not fit refuses the others, checks them all.
async fn run<S: LayerStore, A: Authorizer, R: Registry>(
    call: &Call,
    running: Running,
    passes: Passes<S, A, R>,
    events: &mut Events,
) -> Result<(), Ended> {
    let Passes { check, copy } = passes;
    if let Some(check) = check {
        let checked = pass(call, &running, check, (Intent::Validate, events)).await?;
        if checked.refused > 0 {
            return events.send(summary(0, checked.refused)).await;
        }
    }
    let done = pass(call, &running, copy, (Intent::Commit, events)).await?;
    events.send(summary(done.copied, done.refused)).await
}

fn summary(copied: u64, refused: u64) -> Event {
    Event::Summary(CopySummary {
        copied_elements: count(copied),
        failed_elements: count(refused),
    })
}

async fn pass<S: LayerStore, A: Authorizer, R: Registry>(
    call: &Call,
    running: &Running,
    mut copy: LayerCopy<S, A, R>,
    (intent, events): (Intent, &mut Events),
) -> Result<CopyProgress, Ended> {
    loop {
        if !running.ticket.is_good() {
            return Err(too_old().into());
        }
        // What finds nothing for long would not notice otherwise that nobody waits for it.
        let next = while_awaited(&events.sender, copy.next()).await;
        let next = next.map_err(|NotTaken| Ended::Abandoned)?;
        let Some(refused) = next.map_err(status::copy)? else {
            return Ok(copy.progress());
        };
        events.refused(refused).await?;
        if intent == Intent::Commit {
            let progress = running.progress(copy.progress());
            events.send(Event::Progress(progress)).await?;
        }
        if Instant::now() >= call.deadline {
            return Err(deadline_exceeded().into());
        }
    }
}

impl Running {
    fn progress(&self, progress: CopyProgress) -> WireProgress {
        let ticket = Ticket {
            progress,
            ..self.ticket.clone()
        };
        WireProgress {
            copied_elements: count(progress.copied),
            failed_elements: count(progress.refused),
            copy_token: self.order.seal(&ticket),
        }
    }
}

fn copy_order(order: CopyOrder) -> Result<(CopyInput, EditMode), FieldViolation> {
    let CopyOrder {
        source_layer_id,
        selection: wanted,
        target_layer_id,
        mapping,
        mode,
    } = order;
    let path = FieldPath::of("order");
    let input = CopyInput {
        source: id(path.field("source_layer_id"), source_layer_id)?,
        selection: selection(&path.field("selection"), wanted)?,
        target: id(path.field("target_layer_id"), target_layer_id)?,
        mapping: mapping.map_or(Ok(Mapping::ByName), |given| {
            mappings(&path.field("mapping").field("mappings"), given)
        })?,
    };
    let mode = edit_mode(path.field("mode"), mode, EditMode::Partial)?;
    Ok((input, mode))
}

fn mappings(path: &FieldPath, given: AttributeMappings) -> Result<Mapping, FieldViolation> {
    let AttributeMappings { mappings } = given;
    let parse = |(index, mapping): (usize, AttributeMapping)| {
        let path = path.item(index);
        let AttributeMapping { source, target } = mapping;
        Ok((
            attribute_ref(&path.field("source"), source)?,
            attribute_ref(&path.field("target"), target)?,
        ))
    };
    let pairs = mappings.into_iter().enumerate().map(parse);
    Ok(Mapping::Given(pairs.collect::<Result<_, _>>()?))
}

fn mapping(pair: &Pair) -> AttributeMapping {
    let by_id = |id: i64| WireRef {
        attribute: Some(Attribute::AttributeId(id)),
    };
    AttributeMapping {
        source: Some(by_id(pair.source.get())),
        target: Some(by_id(pair.target.get())),
    }
}

fn as_of(as_of: AsOf) -> WireAsOf {
    WireAsOf {
        at: Some(match as_of {
            AsOf::Revision(revision) => At::Revision(revision.get()),
            AsOf::Time(time) => At::Time(timestamp(time.millis())),
        }),
    }
}
