//! Lanes: the edits that wait, by layer, and the writers that work them off.
//!
//! A writer takes what waits in the lanes whose turn it is and commits it together, so that the more edits come, the
//! more share the cost of a commit; two writers would share it less. One that something holds up makes way for another.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jmap_domain::{ActorId, LayerId};
use layer_data_core::{
    edit::{PermittedBatch, PermittedEdit, StoredAnswer},
    ports::StoreError,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot},
    time::timeout,
};

use crate::{
    group,
    store::{Catalogue, Shared},
};

/// Most edit calls that wait, over all lanes. More are refused at once: the caller knows better than a queue what to do.
const QUEUE: u32 = 1_024;
/// Most edit calls in one commit.
const GROUP: usize = 128;
/// Most edits in one commit of several calls: permits live half a second, and a large batch must not let those of its
/// neighbours run out.
const EDITS: usize = 1_000;
/// The same, where the calls are on several layers: who edits one layer waits little for another.
const EDITS_ACROSS: usize = 64;
/// A writer that takes longer than this over a commit is held up, by a large batch or by somebody's lock.
const HELD_UP: Duration = Duration::from_millis(10);

/// An edit call that waits for its answer.
#[derive(Debug)]
pub(crate) struct EditJob {
    pub(crate) batch: PermittedBatch,
    reply: oneshot::Sender<Result<StoredAnswer, StoreError>>,
    _place: OwnedSemaphorePermit,
}

impl EditJob {
    /// Whoever no longer waits gets no answer; an edit that was done stays done all the same.
    pub(crate) fn answer(self, answer: Result<StoredAnswer, StoreError>) {
        let _ = self.reply.send(answer);
    }

    /// The lane it waits in: that of its first layer.
    pub(crate) fn lane(&self) -> Option<LayerId> {
        let first = self.batch.edits.first();
        first.map(|edit| edit.permit().layer())
    }

    /// The layer whose definition is not the one that the call was checked against.
    pub(crate) fn outdated(&self, catalogue: &Catalogue) -> Option<LayerId> {
        let is_outdated = |edit: &&PermittedEdit| {
            let found = catalogue.find(edit.permit().layer());
            found.is_some_and(|(layer, _)| !edit.edit().fits(layer.definition.version()))
        };
        let edit = self.batch.edits.iter().find(is_outdated)?;
        Some(edit.permit().layer())
    }

    fn is_on_several_layers(&self) -> bool {
        let mut layers = self.batch.edits.iter().map(|edit| edit.permit().layer());
        let first = layers.next();
        layers.any(|layer| Some(layer) != first)
    }
}

/// The lanes in which edits wait.
#[derive(Debug)]
pub(crate) struct Lanes {
    waiting: Mutex<Waiting>,
    places: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Waiting {
    lanes: HashMap<LayerId, Lane>,
    /// The lanes with calls that no writer has, the one first that waits longest.
    turn: VecDeque<LayerId>,
    /// Whether there is a writer that nothing holds up.
    has_writer: bool,
}

#[derive(Debug, Default)]
struct Lane {
    jobs: VecDeque<EditJob>,
    is_being_written: bool,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            waiting: Mutex::default(),
            places: Arc::new(Semaphore::new(QUEUE as usize)),
        }
    }
}

impl Lanes {
    /// Finishes what waits, and takes no more.
    pub(crate) async fn close(&self) {
        // With all places in its hands, nothing waits. Closed already, nothing does either.
        let _all = self.places.acquire_many(QUEUE).await;
        self.places.close();
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, lane: LayerId, job: EditJob) {
        let Lane {
            jobs,
            is_being_written,
        } = self.lanes.entry(lane).or_default();
        if jobs.is_empty() && !*is_being_written {
            self.turn.push_back(lane);
        }
        jobs.push_back(job);
    }

    /// The next calls that are committed together, with the lanes they come from; none when nobody waits.
    fn next_group(&mut self) -> (Vec<LayerId>, Vec<EditJob>) {
        let (mut lanes, mut draft) = (Vec::new(), Draft::default());
        while let Some(id) = self.turn.front().copied() {
            // Never: what has its turn has calls.
            let Some(lane) = self.lanes.get_mut(&id) else {
                self.turn.pop_front();
                continue;
            };
            if draft.take(&mut lane.jobs) == 0 {
                break;
            }
            lane.is_being_written = true;
            lanes.push(id);
            self.turn.pop_front();
        }
        (lanes, draft.jobs)
    }

    fn release(&mut self, id: LayerId) {
        let Some(lane) = self.lanes.get_mut(&id) else {
            return;
        };
        lane.is_being_written = false;
        if lane.jobs.is_empty() {
            self.lanes.remove(&id);
        } else {
            self.turn.push_back(id);
        }
    }
}

/// A group in the making.
#[derive(Default)]
struct Draft {
    jobs: Vec<EditJob>,
    edits: usize,
    requests: HashSet<(ActorId, [u8; 16])>,
    /// Whether nothing more goes with it.
    is_full: bool,
}

impl Draft {
    /// Takes the first calls of a lane, as many as go with the others, and says how many.
    fn take(&mut self, lane: &mut VecDeque<EditJob>) -> usize {
        let before = self.jobs.len();
        let most = if before == 0 { EDITS } else { EDITS_ACROSS };
        while let Some(job) = lane.pop_front() {
            if !self.fits(&job, most) {
                lane.push_front(job);
                break;
            }
            self.add(job);
        }
        self.jobs.len() - before
    }

    /// A call on several layers goes alone, and so does one that may be the retry of another in the group.
    fn fits(&self, job: &EditJob, most: usize) -> bool {
        let is_repeated = key(job).is_some_and(|key| self.requests.contains(&key));
        let fits = self.jobs.len() < GROUP
            && self.edits + job.batch.edits.len() <= most
            && !is_repeated
            && !job.is_on_several_layers();
        self.jobs.is_empty() || (fits && !self.is_full)
    }

    fn add(&mut self, job: EditJob) {
        self.edits += job.batch.edits.len();
        self.requests.extend(key(&job));
        self.is_full = job.is_on_several_layers();
        self.jobs.push(job);
    }
}

fn key(job: &EditJob) -> Option<(ActorId, [u8; 16])> {
    let batch = &job.batch;
    batch.request.map(|request| (batch.actor, request.id))
}

/// A lane that a writer has; given back when dropped, whatever became of its calls.
pub(crate) struct HeldLane {
    shared: Arc<Shared>,
    pub(crate) id: LayerId,
}

impl Drop for HeldLane {
    fn drop(&mut self) {
        self.shared.lanes.waiting().release(self.id);
        wake(&self.shared);
    }
}

/// Puts a call into its lane and waits for what becomes of it.
pub(crate) async fn edit(
    shared: &Arc<Shared>,
    batch: PermittedBatch,
) -> Result<StoredAnswer, StoreError> {
    let place = Arc::clone(&shared.lanes.places).try_acquire_owned();
    let place = place.map_err(|error| match error {
        TryAcquireError::NoPermits => StoreError::Overloaded,
        TryAcquireError::Closed => StoreError::Unavailable,
    })?;
    let (reply, answer) = oneshot::channel();
    let job = EditJob {
        batch,
        reply,
        _place: place,
    };
    let Some(lane) = job.lane() else {
        return Ok(StoredAnswer::conclude(&job.batch, Vec::new()));
    };
    shared.lanes.waiting().push(lane, job);
    wake(shared);
    answer.await.unwrap_or(Err(StoreError::Unavailable))
}

/// Sees to it that somebody writes what waits.
fn wake(shared: &Arc<Shared>) {
    let is_needed = {
        let mut waiting = shared.lanes.waiting();
        let is_needed = !waiting.has_writer && !waiting.turn.is_empty();
        waiting.has_writer |= is_needed;
        is_needed
    };
    if is_needed {
        let shared = Arc::clone(shared);
        // Made by the task itself: one that a closing runtime never runs has nothing to hand on.
        tokio::spawn(async move {
            let is_held_up = false;
            Writer { shared, is_held_up }.work().await;
        });
    }
}

/// A task that commits groups until nothing waits.
struct Writer {
    shared: Arc<Shared>,
    is_held_up: bool,
}

impl Writer {
    async fn work(mut self) {
        while !self.is_held_up {
            let (lanes, jobs) = self.shared.lanes.waiting().next_group();
            if jobs.is_empty() {
                return;
            }
            let lanes = lanes.into_iter().map(|id| HeldLane {
                shared: Arc::clone(&self.shared),
                id,
            });
            let shared = Arc::clone(&self.shared);
            let mut commit = pin!(group::commit(&shared, lanes.collect(), jobs));
            if timeout(HELD_UP, &mut commit).await.is_err() {
                self.make_way();
                commit.await;
            }
        }
    }

    /// Another writer may take this one's place, which ends with its commit.
    fn make_way(&mut self) {
        self.is_held_up = true;
        self.shared.lanes.waiting().has_writer = false;
        wake(&self.shared);
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_held_up {
            self.make_way();
        }
    }
}
