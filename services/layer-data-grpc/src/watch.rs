//! Watching: every change of the elements of some layers, as it is made.
//!
//! A watcher is a place in the feed of each layer. What comes after it is read from the store when the watcher has taken
//! what came before, so a slow one costs little memory, and one that does not read ends; its rights are judged again
//! before each message.

use std::{pin::pin, time::Duration};

use futures::future::select_all;
use jmap_domain::{ActorId, LayerId};
use jmap_proto::layerdata::{
    ChangeHeartbeat, ElementEvent as WireEvent, ElementEventBatch, ElementEventKind, ElementHeader,
    WatchChangesRequest, WatchChangesResponse, watch_changes_response::Event,
};
use jmap_service::places::WatchPlace;
use jmap_wire::{Failure, FieldPath, timestamp};
use layer_data_core::{
    element::Element,
    feed::{ElementEvent, EventKind, FeedError, FeedNews, Follower},
    ports::{Authorizer, Call, LayerStore, Registry},
};
use tokio::{
    select,
    sync::mpsc::{self, Sender},
    time::{Instant, sleep_until, timeout_at},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::{Instrument, Span};

use crate::{
    Api,
    answer::{ElementWriter, header},
    delivery::{room, while_awaited},
    elements::{BATCH, shaped},
    parse::{Start, Watched, watched_layers},
    position::{Position, life},
    status::{self, status},
};

/// How often rights are judged while nothing happens (R119).
const LOOK: Duration = Duration::from_secs(2);

pub(crate) type Messages = ReceiverStream<Result<WatchChangesResponse, Status>>;

/// A layer that is watched.
struct Layer<S, A, R> {
    follower: Follower<S, A, R>,
    watched: Watched,
    /// Whether the header is still to be sent.
    is_new: bool,
    /// When something was sent of it.
    sent_at: Instant,
}

/// What a look at a layer came to.
enum Found {
    Event(Event),
    /// Nothing yet, and there is more to look through.
    More,
    Nothing,
}

/// Who watches, and how far it has come.
struct Watcher<S, A, R> {
    api: Api<S, A, R>,
    layers: Vec<Layer<S, A, R>>,
    heartbeat: Duration,
    /// Where to look first, so that a busy layer keeps no other from its turn.
    turn: usize,
    /// One of the places for watchers.
    _place: WatchPlace,
}

impl<S: LayerStore, A: Authorizer, R: Registry> Api<S, A, R> {
    /// Begins to watch: what refuses it is the call's own answer.
    pub(crate) async fn watch(
        &self,
        call: Call,
        request: WatchChangesRequest,
    ) -> Result<Messages, Failure> {
        let WatchChangesRequest {
            layers: wanted,
            heartbeat: beat,
        } = request;
        let heartbeat = jmap_wire::heartbeat(beat)?;
        let wanted = watched_layers(wanted, &self.pages)?;
        let place = self.watching(&call.caller)?;
        let mut layers = Vec::with_capacity(wanted.len());
        for (index, watched) in wanted.into_iter().enumerate() {
            layers.push(self.follow(&call, index, watched).await?);
        }
        let closing = self.closing().clone().cancelled_owned();
        let deadline = Instant::from_std(call.deadline);
        let watcher = Watcher {
            api: self.clone(),
            layers,
            heartbeat,
            turn: 0,
            _place: place,
        };
        // Not pulled by the reader: one that does not read is to end as well.
        let (sender, receiver) = mpsc::channel(1);
        let watching = async move {
            let ended = timeout_at(deadline, closing);
            select! {
                _ended = ended => (),
                () = watcher.run(&sender) => (),
            }
        };
        tokio::spawn(watching.instrument(Span::current()));
        Ok(ReceiverStream::new(receiver))
    }

    async fn follow(
        &self,
        call: &Call,
        index: usize,
        watched: Watched,
    ) -> Result<Layer<S, A, R>, Failure> {
        let path = FieldPath::of("layers").item(index);
        let following = self.data.follow(call, watched.input.clone()).await;
        let mut follower = following.map_err(|error| status::watched(error, index))?;
        let gone_back = match watched.start {
            Start::Now => Ok(()),
            Start::Revision(revision) => follower.go_back_to(revision).await,
            Start::Position(position) if position.life == life(follower.policy_token()) => {
                follower.go_back(position.progress)
            }
            Start::Position(_) => return Err(status::feed_restored()),
        };
        gone_back.map_err(|error| match (error, watched.start) {
            (FeedError::Read(error), _) => status::watched(error, index),
            // It was given when the layer had come that far, so an older state of the layer was restored.
            (FeedError::Future, Start::Position(_)) => status::feed_restored(),
            (FeedError::Future, Start::Now | Start::Revision(_)) => path
                .field("after_revision")
                .invalid("has not been yet")
                .into(),
        })?;
        Ok(Layer {
            follower,
            watched,
            is_new: true,
            sent_at: Instant::now(),
        })
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Watcher<S, A, R> {
    /// Tells until the reader leaves, or does not read, or may not any more.
    async fn run(mut self, sender: &Sender<Result<WatchChangesResponse, Status>>) {
        // Room comes first, so that what is judged is told at once and does not wait for a slow reader (R119).
        while let Ok(room) = room(sender).await {
            let Ok(next) = while_awaited(sender, self.next()).await else {
                return;
            };
            let is_over = next.is_err();
            room.send(next.map_err(status));
            if is_over {
                return;
            }
        }
    }

    /// The next message, when there is one.
    async fn next(&mut self) -> Result<WatchChangesResponse, Failure> {
        loop {
            let mut has_more = false;
            for _ in 0..self.layers.len() {
                let index = self.turn;
                self.turn = (self.turn + 1) % self.layers.len();
                let (api, heartbeat) = (&self.api, self.heartbeat);
                let Some(layer) = self.layers.get_mut(index) else {
                    continue;
                };
                match layer.next(api, index, heartbeat).await? {
                    Found::Event(event) => {
                        layer.sent_at = Instant::now();
                        return Ok(WatchChangesResponse {
                            layer_index: i32::try_from(index).unwrap_or(i32::MAX),
                            event: Some(event),
                        });
                    }
                    Found::More => has_more = true,
                    Found::Nothing => {}
                }
            }
            if !has_more {
                self.pause().await;
            }
        }
    }

    /// Waits for news, for the next heartbeat, or until the rights are to be judged again.
    async fn pause(&self) {
        let beats = self
            .layers
            .iter()
            .map(|layer| layer.sent_at + self.heartbeat);
        let look = Instant::now() + LOOK;
        let until = beats.min().map_or(look, |beat| beat.min(look));
        let news = self
            .layers
            .iter()
            .map(|layer| Box::pin(layer.follower.news()));
        let mut news = pin!(select_all(news));
        select! {
            _ = &mut news => (),
            () = sleep_until(until) => (),
        }
    }
}

impl<S: LayerStore, A: Authorizer, R: Registry> Layer<S, A, R> {
    /// What there is to tell of it now. One that catches up looks through a part at a time, so that it keeps no other from
    /// its turn.
    async fn next(
        &mut self,
        api: &Api<S, A, R>,
        index: usize,
        heartbeat: Duration,
    ) -> Result<Found, Failure> {
        let failed = |error| status::watched(error, index);
        if self.is_new {
            self.follower.judge().await.map_err(failed)?;
            self.is_new = false;
            return Ok(Found::Event(Event::Header(self.header(api))));
        }
        Ok(match self.follower.next(BATCH).await.map_err(failed)? {
            Some(FeedNews::Definition) => {
                self.is_new = true;
                Found::More
            }
            Some(FeedNews::Events(events)) if !events.is_empty() => {
                Found::Event(self.events(api, events).await?)
            }
            Some(FeedNews::Events(_)) | None if self.sent_at.elapsed() >= heartbeat => {
                let feed_position = self.position(api);
                Found::Event(Event::Heartbeat(ChangeHeartbeat { feed_position }))
            }
            Some(FeedNews::Events(_)) => Found::More,
            None => Found::Nothing,
        })
    }

    fn id(&self) -> LayerId {
        self.follower.layer().layer
    }

    fn position(&self, api: &Api<S, A, R>) -> String {
        let position = Position {
            life: life(self.follower.policy_token()),
            progress: self.follower.progress(),
        };
        position.seal(&api.pages, self.id())
    }

    fn header(&self, api: &Api<S, A, R>) -> ElementHeader {
        let attributes = self.follower.attributes();
        let header = header(self.follower.layer(), Some(&attributes), self.watched.shape);
        ElementHeader {
            feed_position: self.position(api),
            ..header
        }
    }

    async fn events(
        &self,
        api: &Api<S, A, R>,
        events: Vec<ElementEvent>,
    ) -> Result<Event, Failure> {
        let (own, owner) = (
            self.follower.layer().definition.geometry().crs,
            self.follower.owner(),
        );
        let (mut events, elements): (Vec<_>, Vec<_>) = events.into_iter().map(taken_apart).unzip();
        let has_element: Vec<bool> = elements.iter().map(Option::is_some).collect();
        let elements = elements.into_iter().flatten().collect();
        let elements = shaped(elements, own, self.watched.shape).await?;
        let with_element = events.iter_mut().zip(has_element).filter(|(_, has)| *has);
        let writer = ElementWriter::new(&self.watched.mask);
        for ((event, _), element) in with_element.zip(elements) {
            event.element = Some(writer.element(element, owner));
        }
        Ok(Event::Changes(ElementEventBatch {
            events,
            feed_position: self.position(api),
        }))
    }
}

/// An event without its element, and the element.
fn taken_apart(event: ElementEvent) -> (WireEvent, Option<Element>) {
    let ElementEvent {
        element: id,
        revision,
        by,
        time,
        what,
    } = event;
    let (kind, element) = match what {
        EventKind::Created(element) => (ElementEventKind::Created, Some(element)),
        EventKind::Updated(element) => (ElementEventKind::Updated, Some(element)),
        EventKind::Deleted => (ElementEventKind::Deleted, None),
        EventKind::Left => (ElementEventKind::Left, None),
    };
    let wire = WireEvent {
        element_id: id.get(),
        revision: revision.get(),
        time: Some(timestamp(time.millis())),
        actor_id: by.map_or(0, ActorId::get),
        kind: kind.into(),
        element: None,
    };
    (wire, element)
}
