//! The engine: holds the current snapshot, lets one writer at a time change it, and waits out what it took away.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};
use event_listener::Event;
use futures::lock::Mutex;
use imbl::OrdMap;
use jmap_domain::{Caller, PolicyToken, Scope, ServiceCaller, SessionId, TallyLimits};

use crate::{
    Snapshot, Standing,
    audit::{self, AuditEntry, Notes, SampleRate},
    bootstrap,
    change::{Author, Changed},
    draft::Draft,
    guard,
    model::Session,
    past::PastPolicies,
    ports::{Platform, PolicyStore},
    refusal::{Refusal, Resource},
    revocation::{self, Permits},
    throttle::Throttle,
};

/// How long things live, and how many there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// An access token; 10 minutes.
    pub access_token: Duration,
    /// A user's session without a refresh; 30 days.
    pub idle_session: Duration,
    /// A service's session, which cannot be refreshed; 12 hours.
    pub service_session: Duration,
    /// A permit given to a service; 500 milliseconds.
    pub permit: Duration,
    /// A reservation of a layer; 10 minutes.
    pub reservation: Duration,
    /// How many personal layers one account may have; 100. Who has more keeps them.
    pub personal_layers: u32,
    /// The history of changes; for ever.
    pub history: Option<Duration>,
    /// Which part of the checks is recorded; none.
    pub check_sample: SampleRate,
    /// How many different refusals and checks are gathered before they are written.
    pub noted: TallyLimits,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_token: Duration::from_mins(10),
            idle_session: Duration::from_hours(30 * 24),
            service_session: Duration::from_hours(12),
            permit: Duration::from_millis(500),
            reservation: Duration::from_mins(10),
            personal_layers: 100,
            history: None,
            check_sample: SampleRate::default(),
            noted: TallyLimits::default(),
        }
    }
}

/// The sessions that are known, open or not.
pub(crate) type Sessions = OrdMap<SessionId, Arc<Session>>;

/// Decides, and lets itself be changed. One per process; shared by reference.
pub struct Authority<S, P> {
    pub(crate) store: S,
    pub(crate) platform: P,
    pub(crate) settings: Settings,
    pub(crate) permits: Permits,
    /// What is to be recorded, and was not written yet.
    pub(crate) notes: Notes,
    pub(crate) throttle: Throttle,
    pub(crate) sessions: ArcSwap<Sessions>,
    /// Held while sessions are written.
    pub(crate) session_writer: Mutex<SessionWriter>,
    pub(crate) past: PastPolicies,
    /// Told of every new policy.
    pub(crate) changed: Event,
    policy: ArcSwap<Snapshot>,
    writer: Mutex<Writer>,
}

/// What the one who writes sessions knows.
#[derive(Debug)]
pub(crate) struct SessionWriter {
    /// The highest session id given out.
    pub(crate) last: i64,
    /// Sessions that are closed in memory, and perhaps still open in the store, with what is recorded of it.
    pub(crate) unstored: BTreeMap<SessionId, AuditEntry>,
}

/// Whether memory and store are known to agree.
#[derive(Debug)]
enum Writer {
    InStep,
    /// A commit was begun and its end was not seen: the call was given up, or the store failed in between.
    Unsure,
}

impl<S, P> fmt::Debug for Authority<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = self.policy.load().token();
        f.debug_struct("Authority")
            .field("token", &token)
            .finish_non_exhaustive()
    }
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Loads the policy; a new database gets its special principals first (R1).
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot be read or written.
    pub async fn start(store: S, platform: P, settings: Settings) -> Result<Self, Refusal> {
        let mut stored = store.load().await?;
        if stored.revision == jmap_domain::PolicyRevision::default() {
            store.commit(&bootstrap::first_set(platform.now())).await?;
            stored = store.load().await?;
        }
        let sessions: Sessions = stored
            .sessions
            .iter()
            .map(|s| (s.id, Arc::new(s.clone())))
            .collect();
        Ok(Self {
            store,
            platform,
            settings,
            permits: Permits::new(settings.permit),
            notes: Notes::new(settings.noted),
            throttle: Throttle::default(),
            sessions: ArcSwap::from_pointee(sessions),
            session_writer: Mutex::new(SessionWriter {
                last: stored.last_session,
                unstored: BTreeMap::new(),
            }),
            past: PastPolicies::default(),
            changed: Event::new(),
            policy: ArcSwap::from_pointee(Snapshot::rebuild(&stored)),
            writer: Mutex::new(Writer::InStep),
        })
    }

    /// The current policy.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.policy.load_full()
    }

    /// Which point of the policy's history is the current one.
    #[must_use]
    pub fn token(&self) -> PolicyToken {
        self.policy.load().token()
    }

    /// The store, for what needs no rules: signing keys and history.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// The current policy for a moment's look: nothing that all threads share is written, not even a count of users.
    pub(crate) fn policy(&self) -> Guard<Arc<Snapshot>> {
        self.policy.load()
    }

    /// Plans a change on behalf of a caller, commits it, and answers once nothing old can be used any more.
    pub(crate) async fn change<R, E: From<Refusal>>(
        &self,
        caller: &Caller,
        plan: impl FnOnce(&mut Draft) -> Result<R, E> + Send,
    ) -> Result<Changed<R>, E> {
        let (standing, author) = self.admit_author(caller)?;
        self.change_as(standing, author, plan).await
    }

    /// Plans and commits a change that the service makes by itself.
    pub(crate) async fn change_by_itself<R, E: From<Refusal>>(
        &self,
        plan: impl FnOnce(&mut Draft) -> Result<R, E> + Send,
    ) -> Result<R, E> {
        let changed = self.change_as(Standing::Service, Author::System, plan);
        changed.await.map(|changed| changed.value)
    }

    /// Plans a change by a known author, commits it, and answers once nothing old can be used any more.
    pub(crate) async fn change_as<R, E: From<Refusal>>(
        &self,
        standing: Standing,
        author: Author,
        plan: impl FnOnce(&mut Draft) -> Result<R, E> + Send,
    ) -> Result<Changed<R>, E> {
        let mut writer = self.writer.lock().await;
        self.get_in_step(&mut writer).await?;
        let policy = self.snapshot();
        let mut draft = Draft::new(Arc::clone(&policy), standing, author, self.platform.now());
        let value = plan(&mut draft)?;
        let Some((before, mut set)) = draft.finish() else {
            return Ok(Changed { value, policy });
        };
        let policy = Arc::new(before.apply(&set));
        guard::keep_holders(&before, &policy, &set.changes)?;
        let call = self.platform.current();
        set.note = audit::change_note(&before, &policy, &set, standing, call);
        *writer = Writer::Unsure;
        self.store.commit(&set).await.map_err(Refusal::from)?;
        self.publish(Arc::clone(&policy));
        *writer = Writer::InStep;
        drop(writer);
        // The right is gone already; only the answer waits (R123).
        if revocation::takes_away(&before, &set) {
            self.permits.run_out(&self.platform).await;
        }
        Ok(Changed { value, policy })
    }

    /// Reads the policy again if the end of a commit was not seen, as when its call was given up half-way, and stores
    /// what could not be stored of closed sessions. To be called often: until then decisions go by the policy before
    /// that commit.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot be read or written.
    pub async fn keep_in_step(&self) -> Result<(), Refusal> {
        let mut writer = self.writer.lock().await;
        self.get_in_step(&mut writer).await?;
        drop(writer);
        self.store_closed_sessions().await
    }

    /// Reads the policy again if the end of a commit was not seen.
    async fn get_in_step(&self, writer: &mut Writer) -> Result<(), Refusal> {
        match writer {
            Writer::InStep => Ok(()),
            Writer::Unsure => {
                let stored = self.store.load().await?;
                self.publish(Arc::new(Snapshot::rebuild(&stored)));
                *writer = Writer::InStep;
                Ok(())
            }
        }
    }

    /// Makes a policy the current one, and tells those who wait for it.
    fn publish(&self, policy: Arc<Snapshot>) {
        self.policy.store(policy);
        self.changed.notify(usize::MAX);
    }

    /// A service that holds a scope, by its token and by its account as it is now.
    pub(crate) fn admit_service(
        &self,
        caller: &Caller,
        scope: Scope,
    ) -> Result<ServiceCaller, Refusal> {
        let Caller::Service(service) = caller else {
            return Err(Refusal::Forbidden(Resource::Installation));
        };
        self.admit(caller)?;
        require_scope(&self.policy.load(), service, scope)?;
        Ok(*service)
    }

    /// A caller that changes something: never anonymous.
    pub(crate) fn admit_author(&self, caller: &Caller) -> Result<(Standing, Author), Refusal> {
        let author = match caller {
            Caller::Anonymous => return Err(Refusal::NotSignedIn),
            Caller::Session(s) => Author::User {
                user: s.user,
                session: s.session,
                via: None,
            },
            Caller::Service(s) => Author::Service {
                service: s.service,
                session: s.session,
            },
        };
        Ok((self.admit(caller)?, author))
    }
}

/// Whether a service that was let in holds a scope, by its token and by its account.
pub(crate) fn require_scope(
    snapshot: &Snapshot,
    service: &ServiceCaller,
    scope: Scope,
) -> Result<(), Refusal> {
    let account = snapshot
        .service(service.service)
        .ok_or(Refusal::AccountDisabled)?;
    if service.scopes.contains(scope) && account.scopes.contains(scope) {
        Ok(())
    } else {
        Err(Refusal::Forbidden(Resource::Installation))
    }
}
