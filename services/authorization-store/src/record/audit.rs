//! Audit records, and what they concern.

use authorization_core::{
    Path, Timestamp,
    audit::{AuditEntry, AuditKind, AuditRecord, Concern, Outcome, Who},
};
use jmap_domain::{GroupId, Name, ProjectId, Resource, ServiceId, SessionId, UserId};
use sqlx::FromRow;

use super::{Unreadable, revision, revision_to_row};

#[derive(Debug, FromRow)]
pub(crate) struct AuditRow {
    pub(crate) record_id: i64,
    pub(crate) kind: i64,
    pub(crate) first_at: i64,
    pub(crate) last_at: i64,
    pub(crate) count: i64,
    pub(crate) caller_kind: i64,
    pub(crate) caller_user: Option<i64>,
    pub(crate) caller_session: Option<i64>,
    pub(crate) caller_service: Option<i64>,
    pub(crate) caller_name: Option<String>,
    pub(crate) outcome: i64,
    pub(crate) reason: Option<String>,
    pub(crate) act: Option<String>,
    pub(crate) path: Option<i64>,
    pub(crate) path_group: Option<i64>,
    pub(crate) request_id: Option<String>,
    pub(crate) revision: Option<i64>,
    pub(crate) concerns_in_all: i64,
}

#[derive(Debug, FromRow)]
pub(crate) struct ConcernRow {
    kind: String,
    resource_id: Option<i64>,
    project_id: Option<i64>,
    name: Option<String>,
}

impl From<&AuditEntry> for AuditRow {
    fn from(entry: &AuditEntry) -> Self {
        let AuditEntry {
            kind,
            first_at,
            last_at,
            count,
            who,
            name,
            outcome,
            reason,
            act,
            path,
            request,
            revision,
            concerns,
        } = entry;
        let (path, path_group) = path.map(path_to_row).unzip();
        Self {
            // The statement numbers it.
            record_id: 0,
            kind: kind.bit().into(),
            first_at: first_at.as_millis(),
            last_at: last_at.as_millis(),
            count: i64::try_from(*count).unwrap_or(i64::MAX),
            caller_kind: caller_kind(*who),
            caller_user: who.user().map(UserId::get),
            caller_session: who.session().map(SessionId::get),
            caller_service: who.service().map(ServiceId::get),
            caller_name: name.as_ref().map(Name::to_string),
            outcome: *outcome as i64,
            reason: reason.clone(),
            act: act.as_deref().map(str::to_owned),
            path,
            path_group: path_group.flatten(),
            request_id: request.as_deref().map(str::to_owned),
            revision: revision.map(revision_to_row),
            concerns_in_all: i64::try_from(concerns.len()).unwrap_or(i64::MAX),
        }
    }
}

impl AuditRow {
    pub(crate) fn with(self, concerns: Vec<ConcernRow>) -> Result<AuditRecord, Unreadable> {
        let who = self.who()?;
        let path = self.path()?;
        let concerns = concerns.into_iter().map(ConcernRow::concern);
        let entry = AuditEntry {
            kind: kind(self.kind)?,
            first_at: Timestamp::from_millis(self.first_at),
            last_at: Timestamp::from_millis(self.last_at),
            count: u64::try_from(self.count)?,
            who,
            name: self.caller_name.as_deref().map(Name::parse).transpose()?,
            outcome: outcome(self.outcome)?,
            reason: self.reason,
            act: self.act.map(Into::into),
            path,
            request: self.request_id.map(Into::into),
            revision: self.revision.map(revision).transpose()?,
            concerns: concerns.collect::<Result<_, _>>()?,
        };
        Ok(AuditRecord {
            id: self.record_id,
            entry,
            concerns_in_all: u64::try_from(self.concerns_in_all)?,
        })
    }

    fn who(&self) -> Result<Who, Unreadable> {
        let service = self.caller_service.map(ServiceId::new).transpose()?;
        let session = self.caller_session.map(SessionId::new).transpose()?;
        let user = self.caller_user.map(UserId::new).transpose()?;
        match (self.caller_kind, user, session) {
            (0, None, None) => Ok(Who::System),
            (1, None, None) => Ok(Who::Unknown { via: service }),
            (2, Some(UserId::ANONYMOUS), None) => Ok(Who::Anonymous { via: service }),
            (3, Some(user), Some(session)) => Ok(Who::User {
                user,
                session,
                via: service,
            }),
            (4, None, Some(session)) => Ok(Who::Service {
                service: service.ok_or(Unreadable::Contradiction)?,
                session,
            }),
            _ => Err(Unreadable::Contradiction),
        }
    }

    fn path(&self) -> Result<Option<Path>, Unreadable> {
        let group = self.path_group.map(GroupId::new).transpose()?;
        Ok(Some(match (self.path, group) {
            (None, None) => return Ok(None),
            (Some(0), None) => Path::Direct,
            (Some(1), Some(group)) => Path::Group(group),
            (Some(2), None) => Path::Authenticated,
            (Some(3), None) => Path::Everyone,
            (Some(4), None) => Path::Owner,
            (Some(5), None) => Path::SuperAdministrator,
            _ => return Err(Unreadable::Contradiction),
        }))
    }
}

impl ConcernRow {
    fn concern(self) -> Result<Concern, Unreadable> {
        let resource = match self.resource_id {
            None => Resource::Installation,
            Some(id) => Resource::named(&self.kind, id)?.ok_or(Unreadable::Contradiction)?,
        };
        Ok(Concern {
            resource,
            project: self.project_id.map(ProjectId::new).transpose()?,
            name: self.name.as_deref().map(Name::parse).transpose()?,
        })
    }
}

const fn caller_kind(who: Who) -> i64 {
    match who {
        Who::System => 0,
        Who::Unknown { via: _ } => 1,
        Who::Anonymous { via: _ } => 2,
        Who::User {
            user: _,
            session: _,
            via: _,
        } => 3,
        Who::Service {
            service: _,
            session: _,
        } => 4,
    }
}

fn path_to_row(path: Path) -> (i64, Option<i64>) {
    match path {
        Path::Direct => (0, None),
        Path::Group(group) => (1, Some(group.get())),
        Path::Authenticated => (2, None),
        Path::Everyone => (3, None),
        Path::Owner => (4, None),
        Path::SuperAdministrator => (5, None),
    }
}

fn kind(row: i64) -> Result<AuditKind, Unreadable> {
    let mut kinds = AuditKind::ALL.into_iter();
    kinds
        .find(|kind| i64::from(kind.bit()) == row)
        .ok_or(Unreadable::Bits)
}

fn outcome(row: i64) -> Result<Outcome, Unreadable> {
    match row {
        0 => Ok(Outcome::Done),
        1 => Ok(Outcome::Own),
        2 => Ok(Outcome::Refused),
        _ => Err(Unreadable::Bits),
    }
}
