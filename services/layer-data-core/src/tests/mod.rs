//! The use cases over a store in memory and an authorizer that says what it is told to.

mod compare;
mod copies;
mod deletions;
mod edits;
mod feed;
mod figures;
mod history;
mod imports;
mod layers;
mod memory;
mod pruning;
mod reads;
mod retries;
mod reversals;
mod unique;
mod upserts;
mod widening;

use std::{
    collections::HashMap,
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use jmap_domain::{
    Caller, Decision, DenyReason, EffectivePermissions, LayerAct, LayerId, Permission, Question,
    UserId,
};

use crate::{
    LayerData, Limits,
    conformance::{actor, layer},
    memory::MemoryStore,
    ports::{
        Answer, Authorizer, AuthorizerError, Call, EditingSwitch, LayerFilter, LayerPage,
        LayerPlacement, PageRequest, RegisteredLayer, Registry, RegistryError, Removal,
        Reservation, ReservationState, Reserved,
    },
};

/// Runs what never waits: nothing in memory does.
pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("a test in memory waits"),
    }
}

/// Runs two things at once, each a step at a time.
pub(crate) fn run_both<T>(one: impl Future<Output = T>, other: impl Future<Output = T>) -> [T; 2] {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let mut context = Context::from_waker(Waker::noop());
    let mut done = [None, None];
    while let [None, _] | [_, None] = done {
        for (place, work) in [one.as_mut() as Work<'_, T>, other.as_mut()]
            .into_iter()
            .enumerate()
        {
            if done[place].is_none()
                && let Poll::Ready(value) = work.poll(&mut context)
            {
                done[place] = Some(value);
            }
        }
    }
    done.map(Option::unwrap)
}

type Work<'w, T> = std::pin::Pin<&'w mut dyn Future<Output = T>>;

/// Lets others go first, once.
async fn pause() {
    let mut paused = false;
    poll_fn(|_| {
        if std::mem::replace(&mut paused, true) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

/// Says what it is told to say, about the suite's layer.
#[derive(Debug, Default)]
struct FakeAuthorizer {
    decisions: Mutex<HashMap<LayerAct, Decision>>,
    asked: AtomicU32,
    /// How many answers are already out of date when they are given.
    stale_answers: AtomicU32,
    down: Mutex<bool>,
    /// Whether it lets others go first before each answer.
    pauses: AtomicBool,
    /// Whether the last decision is left out of every answer.
    incomplete: Mutex<bool>,
}

impl FakeAuthorizer {
    fn say(&self, act: LayerAct, decision: Decision) {
        self.decisions.lock().unwrap().insert(act, decision);
    }

    fn decide(&self, question: &Question) -> Decision {
        match question {
            Question::Layer(asked, act) if *asked == layer() => {
                let decisions = self.decisions.lock().unwrap();
                decisions
                    .get(act)
                    .copied()
                    .unwrap_or(Decision::Denied(DenyReason::NoGrant))
            }
            Question::Layer(..)
            | Question::Project(..)
            | Question::Connection(..)
            | Question::Global(_) => Decision::Denied(DenyReason::NotVisible),
        }
    }
}

impl Authorizer for FakeAuthorizer {
    async fn ask(&self, call: &Call, questions: &[Question]) -> Result<Answer, AuthorizerError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.pauses.load(Ordering::Relaxed) {
            pause().await;
        }
        if *self.down.lock().unwrap() {
            return Err(AuthorizerError::Unavailable);
        }
        let user = match call.caller {
            Caller::Session(session) => session.user,
            Caller::Anonymous => UserId::ANONYMOUS,
            Caller::Service(_) => return Err(AuthorizerError::NotASubject),
        };
        let stale = self
            .stale_answers
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            });
        let validity = if stale.is_ok() {
            Duration::ZERO
        } else {
            Duration::from_mins(1)
        };
        let mut decisions: Vec<Decision> = questions
            .iter()
            .map(|question| self.decide(question))
            .collect();
        if *self.incomplete.lock().unwrap() {
            decisions.pop();
        }
        Ok(Answer {
            decisions,
            actor: user.into(),
            valid_until: Instant::now() + validity,
            policy_token: "token".to_owned(),
        })
    }

    async fn layers(
        &self,
        _: &Call,
        filter: &LayerFilter,
        _: &PageRequest,
    ) -> Result<LayerPage, AuthorizerError> {
        let layers = match filter {
            LayerFilter::Project(_) => Vec::new(),
            LayerFilter::Layers(layers) => layers.clone(),
        };
        let registered = |layer| RegisteredLayer {
            layer,
            name: "hydrants".to_owned(),
            placement: LayerPlacement::Project(1.try_into().unwrap()),
            connection: None,
            editing: EditingSwitch::Enabled,
            permissions: EffectivePermissions::default(),
        };
        Ok(LayerPage {
            layers: layers.into_iter().map(registered).collect(),
            next_token: String::new(),
            policy_token: String::new(),
        })
    }
}

/// Remembers what it was told.
#[derive(Debug, Default)]
struct FakeRegistry {
    log: Mutex<Vec<String>>,
    removals: Mutex<Vec<Removal>>,
    active: Mutex<bool>,
}

impl FakeRegistry {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl Registry for FakeRegistry {
    async fn reserve(
        &self,
        _: &Call,
        reservation: &Reservation,
    ) -> Result<Reserved, RegistryError> {
        self.note("reserve");
        let active = *self.active.lock().unwrap();
        let state = if active {
            ReservationState::Active
        } else {
            ReservationState::Pending
        };
        Ok(Reserved {
            layer: layer(),
            name: reservation.name.trim().to_owned(),
            state,
        })
    }

    async fn activate(&self, _: &Call, layer: LayerId) -> Result<String, RegistryError> {
        self.note(format!("activate {layer}"));
        *self.active.lock().unwrap() = true;
        Ok("token".to_owned())
    }

    async fn abandon(&self, _: &Call, layer: LayerId) -> Result<(), RegistryError> {
        self.note(format!("abandon {layer}"));
        Ok(())
    }

    async fn unregister(
        &self,
        _: &Call,
        layer: LayerId,
        confirm_name: &str,
    ) -> Result<String, RegistryError> {
        self.note(format!("unregister {layer} {confirm_name}"));
        self.removals.lock().unwrap().push(Removal { layer });
        Ok("token".to_owned())
    }

    async fn removals(&self) -> Result<Vec<Removal>, RegistryError> {
        Ok(self.removals.lock().unwrap().clone())
    }

    async fn confirm_removals(&self, layers: &[LayerId]) -> Result<(), RegistryError> {
        self.note(format!("confirm {layers:?}"));
        self.removals
            .lock()
            .unwrap()
            .retain(|removal| !layers.contains(&removal.layer));
        Ok(())
    }
}

/// The use cases, with their fakes at hand.
struct World {
    service: LayerData<MemoryStore, FakeAuthorizer, FakeRegistry>,
    authorizer: Arc<FakeAuthorizer>,
    registry: Arc<FakeRegistry>,
    store: Arc<MemoryStore>,
}

impl World {
    /// The suite's layer, and a caller who holds these permissions without limit.
    fn with(permissions: &[Permission]) -> Self {
        let world = Self::empty();
        run(crate::conformance::make_layer(&*world.store));
        for permission in permissions {
            world
                .authorizer
                .say(LayerAct::Elements(*permission), Decision::All);
        }
        world
    }

    fn empty() -> Self {
        let (store, authorizer, registry) = (Arc::default(), Arc::default(), Arc::default());
        let limits = Limits {
            display: 3.try_into().unwrap(),
            edits: 5,
        };
        let service = LayerData::new(
            Arc::clone(&store),
            Arc::clone(&authorizer),
            Arc::clone(&registry),
            limits,
        );
        Self {
            service,
            authorizer,
            registry,
            store,
        }
    }

    fn say(&self, permission: Permission, decision: Decision) {
        self.authorizer
            .say(LayerAct::Elements(permission), decision);
    }

    fn asked(&self) -> u32 {
        self.authorizer.asked.load(Ordering::Relaxed)
    }
}

/// A call by a user.
fn call(user: i64) -> Call {
    crate::conformance::lives::call(actor(user))
}
