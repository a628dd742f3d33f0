//! Refusals and sampled checks: gathered in memory within bounds, and written every now and then (R122).

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jmap_domain::{
    Caller, Decision, GlobalPermission, LayerAct, Name, PolicyToken, ProjectAct, Question,
    Resource, Scope, Seen, ServiceId, SessionId, Subject, Tallied, Tally, TallyLimits, UserId,
};

use super::{
    AuditEntry, AuditKind, Concern, Outcome, Who,
    concerns::{concern_of, name_of},
};
use crate::{
    Asking, Authority, Path, Refusal, Standing, Timestamp, explain,
    ports::{Platform, PolicyStore},
};

/// Records that one transaction removes.
const PRUNED_AT_ONCE: usize = 1_000;

/// What equal things have in common, besides who did them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Act {
    kind: AuditKind,
    outcome: Outcome,
    reason: Option<String>,
    what: Option<Arc<str>>,
    resource: Option<Resource>,
    path: Option<Path>,
}

/// What is told of the first of equal things.
#[derive(Clone, Debug)]
struct First {
    request: Option<Arc<str>>,
    name: Option<Name>,
    concern: Option<Concern>,
}

/// The account behind an act, in whatever session: what is counted for each is bounded.
type Account = (Option<UserId>, Option<ServiceId>);

type Noted = Tally<Account, (Who, Act), First>;

/// What was not written yet.
#[derive(Debug)]
pub(crate) struct Notes(Mutex<Noted>);

impl Notes {
    pub(crate) fn new(limits: TallyLimits) -> Self {
        Self(Mutex::new(Tally::new(limits)))
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A refused call.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The path of its method.
    pub method: Option<Arc<str>>,
    /// Why, a value of an `ErrorReason` of the contract.
    pub reason: String,
    /// What the refusal is about, where it is one thing.
    pub resource: Option<Resource>,
    /// The request id.
    pub request: Option<Arc<str>>,
}

/// Whose call another service refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBy {
    /// Nobody's that is known: its token was not accepted.
    Unknown,
    /// Whoever is not signed in.
    Anonymous,
    /// The holder of a session.
    Session(SessionId),
}

/// Equal calls that another service refused.
#[derive(Clone, Debug)]
pub struct RefusedElsewhere {
    /// Whose calls.
    pub by: RefusedBy,
    /// The calls.
    pub refused: Refused,
    /// When the first one was.
    pub first_at: Timestamp,
    /// When the last one was.
    pub last_at: Timestamp,
    /// How many there were.
    pub count: u64,
}

impl<S: PolicyStore, P: Platform> Authority<S, P> {
    /// Takes note of a refused call. Does not wait for anything.
    pub fn note_refusal(&self, who: Who, refused: Refused) {
        let at = self.platform.now().as_millis();
        self.note_refused(who, refused, Seen::once(at, ()));
    }

    /// Takes note of what another service has refused (R122), and of how many it could not hold.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`] unless a service with scope *check* reports.
    pub fn report_refusals(
        &self,
        caller: &Caller,
        reports: Vec<RefusedElsewhere>,
        dropped: u64,
    ) -> Result<(), Refusal> {
        let reporter = self.admit_service(caller, Scope::Check)?.service;
        for report in reports {
            let RefusedElsewhere {
                by,
                refused,
                first_at,
                last_at,
                count,
            } = report;
            let seen = Seen {
                first_at: first_at.as_millis(),
                last_at: last_at.as_millis(),
                count,
                detail: (),
            };
            self.note_refused(self.refused_by(by, reporter), refused, seen);
        }
        self.notes.lock().lose(dropped);
        Ok(())
    }

    /// Takes note of some of the answers that were given, all on one policy.
    pub(crate) fn note_checks(
        &self,
        asking: Asking<'_>,
        questions: &[Question],
        (decisions, token): (&[Decision], PolicyToken),
    ) {
        let sample = self.settings.check_sample;
        if sample.is_none() {
            return;
        }
        let [a, b, c, d, ..] = self.platform.random();
        if !sample.chooses(u32::from_be_bytes([a, b, c, d])) {
            return;
        }
        let at = self.platform.now().as_millis();
        for (question, decision) in questions.iter().zip(decisions) {
            let (outcome, reason) = outcome(*decision);
            let act = Act {
                kind: AuditKind::Check,
                outcome,
                reason: reason.map(str::to_owned),
                what: Some(words(*question).into()),
                resource: Some(Resource::of(*question)),
                path: self.path_of(asking, *question, token),
            };
            self.add(self.checked(asking), act, Seen::once(at, None));
        }
    }

    /// Writes what was gathered. To be called every now and then, and at the end. What cannot be written is kept, as
    /// far as there is room.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot be written.
    pub async fn write_notes(&self) -> Result<(), Refusal> {
        let taken = {
            let mut notes = self.notes.lock();
            if notes.is_empty() {
                return Ok(());
            }
            notes.take()
        };
        let written = self
            .store
            .record(&entries(&taken, self.platform.now()))
            .await;
        if written.is_err() {
            self.notes.lock().give_back(taken);
        }
        Ok(written?)
    }

    /// Removes the records that are older than their life, a thousand at a time.
    ///
    /// # Errors
    /// [`Refusal::Store`] when the store cannot be written.
    pub async fn prune_records(&self, life: Duration) -> Result<(), Refusal> {
        let now = self.platform.now().as_millis();
        let life = i64::try_from(life.as_millis()).unwrap_or(i64::MAX);
        let before = Timestamp::from_millis(now.saturating_sub(life));
        while self.store.prune_records(before, PRUNED_AT_ONCE).await? == PRUNED_AT_ONCE {}
        Ok(())
    }

    fn note_refused(&self, who: Who, refused: Refused, seen: Seen<()>) {
        let Refused {
            method,
            reason,
            resource,
            request,
        } = refused;
        let act = Act {
            kind: AuditKind::Refusal,
            outcome: Outcome::Refused,
            reason: Some(reason),
            what: method,
            resource,
            path: None,
        };
        self.add(who, act, seen.with(request));
    }

    fn add(&self, who: Who, act: Act, seen: Seen<Option<Arc<str>>>) {
        let snapshot = self.snapshot();
        let first = First {
            request: seen.detail.clone(),
            name: name_of(&snapshot, who),
            concern: act.resource.map(|one| concern_of(&snapshot, one)),
        };
        let account = (who.user(), who.service());
        self.notes.lock().add(account, (who, act), seen.with(first));
    }

    fn refused_by(&self, by: RefusedBy, reporter: ServiceId) -> Who {
        let via = Some(reporter);
        match by {
            RefusedBy::Unknown => Who::Unknown { via },
            RefusedBy::Anonymous => Who::Anonymous { via },
            RefusedBy::Session(id) => self.holder(id, via),
        }
    }

    fn holder(&self, id: SessionId, via: Option<ServiceId>) -> Who {
        let sessions = self.sessions.load();
        let session = sessions.get(&id);
        session.map_or(Who::Unknown { via }, |session| Who::holding(session, via))
    }

    /// Who is recorded for a question: a service asks for others, everybody else for itself.
    fn checked(&self, asking: Asking<'_>) -> Who {
        match (asking.caller, asking.subject) {
            (Caller::Service(service), Some(Subject::Session(id))) => {
                self.holder(id, Some(service.service))
            }
            (Caller::Service(service), Some(Subject::Anonymous)) => Who::Anonymous {
                via: Some(service.service),
            },
            (caller, _) => Who::of(caller, None),
        }
    }

    /// By which path an allowed question is allowed; nothing when the policy changed in between.
    fn path_of(&self, asking: Asking<'_>, question: Question, token: PolicyToken) -> Option<Path> {
        let snapshot = self.snapshot();
        let standing: Standing = match asking.subject {
            Some(subject) => self.present().subject(&snapshot, subject),
            None => self.admit(asking.caller).ok()?,
        };
        let explanation = explain::explain(&snapshot, standing, question);
        let is_allowed = !matches!(explanation.decision, Decision::Denied(_));
        if snapshot.token() != token || !is_allowed {
            return None;
        }
        // The last need is what was asked for itself.
        let mut grants = explanation.needs.iter().rev().flat_map(|need| &need.grants);
        grants
            .find(|grant| grant.ineffective.is_none())
            .map(|grant| grant.path)
    }
}

/// What was gathered, as records.
fn entries(taken: &Tallied<Account, (Who, Act), First>, now: Timestamp) -> Vec<AuditEntry> {
    let each = taken.entries.iter();
    let dropped = (taken.dropped > 0).then(|| AuditEntry {
        count: taken.dropped,
        ..AuditEntry::done(AuditKind::Dropped, now, Who::System)
    });
    let noted = each.map(|(_, (who, act), seen)| AuditEntry {
        last_at: Timestamp::from_millis(seen.last_at),
        count: seen.count,
        name: seen.detail.name.clone(),
        outcome: act.outcome,
        reason: act.reason.clone(),
        act: act.what.clone(),
        path: act.path,
        request: seen.detail.request.clone(),
        concerns: seen.detail.concern.iter().cloned().collect(),
        ..AuditEntry::done(act.kind, Timestamp::from_millis(seen.first_at), *who)
    });
    noted.chain(dropped).collect()
}

const fn outcome(decision: Decision) -> (Outcome, Option<&'static str>) {
    match decision {
        Decision::All => (Outcome::Done, None),
        Decision::Own { creator: _ } => (Outcome::Own, None),
        Decision::Denied(reason) => (Outcome::Refused, Some(reason.word())),
    }
}

/// What a question asks for, in the words of the permission screen.
const fn words(question: Question) -> &'static str {
    match question {
        Question::Layer(_, LayerAct::Elements(permission)) => permission.title(),
        Question::Layer(_, LayerAct::ReadConfiguration) => "read configuration",
        Question::Layer(_, LayerAct::ChangeStructure) => "change structure",
        Question::Layer(_, LayerAct::Delete) => "delete layer",
        Question::Project(_, ProjectAct::Open) => "open",
        Question::Project(_, ProjectAct::Access) => "access",
        Question::Project(_, ProjectAct::Administrate) => "administrate",
        Question::Project(_, ProjectAct::Own) => "owner",
        Question::Connection(_, _) => "connection",
        Question::Global(GlobalPermission::SuperAdministrator) => "super administrator",
        Question::Global(GlobalPermission::CreateProjects) => "create projects",
        Question::Global(GlobalPermission::CreateRemoteConnections) => "create remote connections",
        Question::Global(GlobalPermission::CreatePersonalLayers) => "create personal layers",
        Question::Global(GlobalPermission::AdministerPersonalLayers) => {
            "administer personal layers"
        }
    }
}
