//! Following a layer: every change of its elements, as it is made.

use std::time::Duration;

use clap::Args;
use jmap_proto::layerdata::{
    ElementEvent, ElementEventBatch, ElementEventKind, ElementHeader, ElementMask, LayerWatch,
    WatchChangesRequest, layer_watch::Start, watch_changes_response::Event,
};
use jmap_wire::duration_to_proto;
use serde::Serialize;
use serde_json::json;
use tokio::time::sleep;

use crate::{
    client::Client,
    command::{
        Context,
        element::{ElementView, row},
        layers,
        selection::BoxSpec,
        watch::{PAUSE, write},
    },
    error::{Failure, Kind},
    output::{Format, Report},
    resolve::LayerReference,
};

pub(crate) const EXAMPLES: &str = "\
Examples:
  jmapctl watch-changes Atlas/cities                        every change from now on, one line each
  jmapctl watch-changes Atlas/cities --after 40 --limit 10  the first ten after revision 40
  jmapctl watch-changes Atlas/cities --bbox -10,35,5,45     what happens in a box; what leaves it is told as left
  jmapctl watch-changes Atlas/cities --ids-only --json | jq -c .events
  jmapctl watch-changes Atlas/cities --after POSITION       go on where an earlier answer ended

With --json each line is an object with the position after it, or null where `--limit` cut it; one without events is a
heartbeat. When the connection breaks, it goes on after the last change that was shown. Without a box, or after a revision,
it needs `export`.
A position that history does not reach back to any more is refused: read the layer again.";

/// Follow the changes of a layer's elements
#[derive(Args, Debug)]
pub(crate) struct WatchChanges {
    /// PROJECT/LAYER, @me/LAYER or id
    layer: LayerReference,
    /// The revision or position to begin after; the present state if left out
    #[arg(long, value_name = "REVISION|POSITION")]
    after: Option<String>,
    /// Only elements whose bounding box meets this one; EPSG when it is not the layer's own
    #[arg(
        long,
        value_name = "MIN_X,MIN_Y,MAX_X,MAX_Y[,EPSG]",
        allow_hyphen_values = true
    )]
    bbox: Option<BoxSpec>,
    /// Tell ids and revisions alone
    #[arg(long)]
    ids_only: bool,
    /// Show geometries in this reference system instead of the layer's own
    #[arg(
        long,
        value_name = "CODE",
        default_value_t = 0,
        hide_default_value = true
    )]
    epsg: i32,
    /// End after so many changes
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
    /// Seconds of silence before a heartbeat, 1 to 300
    #[arg(long, value_name = "SECONDS", default_value_t = 15)]
    heartbeat: u64,
}

/// A change as programs see it.
#[derive(Debug, Serialize)]
struct EventView {
    revision: i64,
    time: String,
    actor_id: i64,
    change: &'static str,
    element_id: i64,
    /// What the element was like afterwards; null when it was deleted or left.
    element: Option<ElementView>,
}

/// Where following has come to.
struct Following {
    format: Format,
    header: ElementHeader,
    /// The last position that was told.
    position: String,
    left: Option<u64>,
}

impl WatchChanges {
    pub(crate) async fn run(self, context: &Context) -> Result<Report, Failure> {
        let layer = layers::get(&context.client, &self.layer).await?;
        let mut following = Following {
            format: context.format,
            header: ElementHeader::default(),
            position: String::new(),
            left: self.limit,
        };
        while following.left != Some(0) {
            let start = match following.position.as_str() {
                "" => self.after.as_deref().map(start),
                position => Some(Start::AfterPosition(position.to_owned())),
            };
            let message = self.request(layer.layer_id, start);
            match following.follow(&context.client, message).await {
                Ok(()) => {}
                Err(failure)
                    if !following.position.is_empty() && failure.kind == Kind::Unavailable =>
                {
                    sleep(PAUSE).await;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(Report::silent())
    }

    fn request(&self, layer_id: i64, start: Option<Start>) -> WatchChangesRequest {
        WatchChangesRequest {
            layers: vec![LayerWatch {
                layer_id,
                start,
                r#box: self.bbox.map(BoxSpec::extent),
                mask: self.ids_only.then(ElementMask::default),
                output_epsg: self.epsg,
            }],
            heartbeat: Some(duration_to_proto(Duration::from_secs(self.heartbeat))),
        }
    }
}

/// What consists of digits is a revision.
fn start(after: &str) -> Start {
    after.parse().map_or_else(
        |_no_number| Start::AfterPosition(after.to_owned()),
        Start::AfterRevision,
    )
}

impl Following {
    /// Shows what comes until the stream ends, or enough was shown.
    async fn follow(
        &mut self,
        client: &Client,
        message: WatchChangesRequest,
    ) -> Result<(), Failure> {
        let request = client.stream_request(message).await?;
        let mut stub = client.history().await?;
        let mut stream = stub.watch_changes(request).await?.into_inner();
        while self.left != Some(0) {
            let Some(message) = stream.message().await? else {
                return Ok(());
            };
            match message.event {
                Some(Event::Header(header)) => {
                    self.position.clone_from(&header.feed_position);
                    self.header = header;
                }
                Some(Event::Changes(batch)) => self.take(batch)?,
                Some(Event::Heartbeat(beat)) => self.heard(beat.feed_position)?,
                None => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, mut batch: ElementEventBatch) -> Result<(), Failure> {
        let room = self.left.and_then(|left| usize::try_from(left).ok());
        let all = batch.events.len();
        batch.events.truncate(room.unwrap_or(usize::MAX));
        let shown = batch.events.len();
        self.left = self.left.map(|left| left.saturating_sub(shown as u64));
        self.position = batch.feed_position;
        // The position is after all of them.
        let position = (shown == all).then_some(&self.position);
        match self.format {
            Format::People => batch
                .events
                .iter()
                .try_for_each(|event| write(&line(event))),
            Format::Programs => {
                let events = batch.events.iter().map(|event| self.view(event));
                let events: Vec<_> = events.collect();
                write(&json!({ "events": events, "position": position }))
            }
        }
    }

    /// People see what happens, programs also that nothing does.
    fn heard(&mut self, position: String) -> Result<(), Failure> {
        self.position = position;
        match self.format {
            Format::People => Ok(()),
            Format::Programs => write(&json!({ "position": self.position })),
        }
    }

    fn view(&self, event: &ElementEvent) -> EventView {
        let element = event.element.as_ref();
        EventView {
            revision: event.revision,
            time: time(event),
            actor_id: event.actor_id,
            change: word(event.kind()),
            element_id: event.element_id,
            element: element.map(|element| ElementView::new(&self.header, element)),
        }
    }
}

/// A change in a line of its own.
fn line(event: &ElementEvent) -> String {
    let first = format!(
        "{:>8}  {}  actor {:<4}  {:<7}  {}",
        event.revision,
        time(event),
        event.actor_id,
        word(event.kind()),
        event.element_id,
    );
    let cells = event.element.as_ref().map(row).unwrap_or_default();
    let cells = cells.into_iter().filter(|cell| !cell.is_empty());
    [first]
        .into_iter()
        .chain(cells)
        .collect::<Vec<_>>()
        .join("  ")
}

fn time(event: &ElementEvent) -> String {
    let time = event.time.as_ref();
    let time = time.and_then(|time| jiff::Timestamp::new(time.seconds, time.nanos).ok());
    time.map(|time| time.to_string()).unwrap_or_default()
}

const fn word(kind: ElementEventKind) -> &'static str {
    match kind {
        ElementEventKind::Unspecified => "unknown",
        ElementEventKind::Created => "created",
        ElementEventKind::Updated => "changed",
        ElementEventKind::Deleted => "deleted",
        ElementEventKind::Left => "left",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_a_revision_and_anything_else_is_a_position() {
        assert_eq!(start("40"), Start::AfterRevision(40));
        assert_eq!(start("4x"), Start::AfterPosition("4x".to_owned()));
    }

    #[test]
    fn a_change_is_one_line() {
        let event = ElementEvent {
            element_id: 17,
            revision: 9,
            actor_id: 3,
            kind: ElementEventKind::Deleted.into(),
            ..Default::default()
        };
        let line = line(&event);
        assert!(line.contains("deleted") && line.ends_with("17"), "{line}");
        assert!(!line.contains('\n'));
    }
}
