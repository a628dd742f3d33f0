//! Lanes: the edits that wait, by layer. Each layer's lane is worked off by one task, which lives while edits wait.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jmap_domain::LayerId;
use layer_data_core::{
    edit::{PermittedBatch, StoredAnswer},
    ports::StoreError,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};

use crate::{group, store::Shared};

/// Most edit calls that wait, over all lanes. More are refused at once: the caller knows better than a queue what to do.
const QUEUE: u32 = 1_024;
/// Most edit calls in one commit.
const GROUP: usize = 128;
/// Most edits in one commit of several calls: permits live half a second, and a large batch must not let those of its
/// neighbours run out.
const EDITS: usize = 1_000;

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
}

/// The lanes in which edits wait.
#[derive(Debug)]
pub(crate) struct Lanes {
    waiting: Mutex<HashMap<LayerId, VecDeque<EditJob>>>,
    places: Arc<Semaphore>,
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

    fn waiting(&self) -> MutexGuard<'_, HashMap<LayerId, VecDeque<EditJob>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a call to a lane; whether the lane has to be worked off by a new task.
    fn push(&self, lane: LayerId, job: EditJob) -> Worker {
        let mut waiting = self.waiting();
        let is_worked_off = waiting.contains_key(&lane);
        waiting.entry(lane).or_default().push_back(job);
        if is_worked_off {
            Worker::AtWork
        } else {
            Worker::Needed
        }
    }

    /// The next calls that are committed together; none, and the lane is gone, when nobody waits.
    fn next_group(&self, lane: LayerId) -> Vec<EditJob> {
        let mut waiting = self.waiting();
        let Some(jobs) = waiting.get_mut(&lane) else {
            return Vec::new();
        };
        let count = group_of(jobs);
        if count == 0 {
            waiting.remove(&lane);
            return Vec::new();
        }
        jobs.drain(..count).collect()
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Worker {
    AtWork,
    Needed,
}

/// How many of the first calls go together. A call on several layers goes alone, and so does one that may be the retry
/// of another in the group.
fn group_of(jobs: &VecDeque<EditJob>) -> usize {
    let (mut edits, mut requests) = (0, HashSet::new());
    let fits = |(place, job): &(usize, &EditJob)| {
        let batch = &job.batch;
        edits += batch.edits.len();
        let is_new = batch
            .request
            .is_none_or(|request| requests.insert((batch.actor, request.id)));
        *place == 0 || (is_new && edits <= EDITS && !is_on_several_layers(batch))
    };
    match jobs.front() {
        Some(first) if is_on_several_layers(&first.batch) => 1,
        _ => jobs.iter().take(GROUP).enumerate().take_while(fits).count(),
    }
}

fn is_on_several_layers(batch: &PermittedBatch) -> bool {
    let mut layers = batch.edits.iter().map(|edit| edit.permit().layer());
    let first = layers.next();
    layers.any(|layer| Some(layer) != first)
}

/// Puts a call into its lane and waits for what becomes of it.
pub(crate) async fn edit(
    shared: &Arc<Shared>,
    batch: PermittedBatch,
) -> Result<StoredAnswer, StoreError> {
    let Some(lane) = batch.layers().first().copied() else {
        return Ok(StoredAnswer::conclude(&batch, Vec::new()));
    };
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
    if shared.lanes.push(lane, job) == Worker::Needed {
        tokio::spawn(work_off(Arc::clone(shared), lane));
    }
    answer.await.unwrap_or(Err(StoreError::Unavailable))
}

async fn work_off(shared: Arc<Shared>, lane: LayerId) {
    let mut at_work = AtWork {
        lanes: &shared.lanes,
        lane: Some(lane),
    };
    loop {
        let jobs = shared.lanes.next_group(lane);
        if jobs.is_empty() {
            // The lane is gone, and may be another task's by now.
            at_work.lane = None;
            return;
        }
        group::commit(&shared, jobs).await;
    }
}

/// Should the task fail, its lane goes with it, and whoever waits there is told; the next edit makes another.
struct AtWork<'a> {
    lanes: &'a Lanes,
    lane: Option<LayerId>,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        if let Some(lane) = self.lane {
            self.lanes.waiting().remove(&lane);
        }
    }
}
