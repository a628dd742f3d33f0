//! Sets of changes, as history keeps them: when, by whom, and the marks afterwards.

use authorization_core::{
    Timestamp,
    audit::ChangeNote,
    change::{Author, ChangeSet, HighWaterMarks, PolicyChange},
};
use jmap_domain::{ServiceId, SessionId, UserId};
use sqlx::FromRow;

use super::{Unreadable, revision, revision_to_row};

#[derive(Debug, FromRow)]
pub(crate) struct ChangeSetRow {
    pub(crate) revision: i64,
    pub(crate) decided_at: i64,
    pub(crate) author_user: Option<i64>,
    pub(crate) author_session: Option<i64>,
    pub(crate) author_service: Option<i64>,
    pub(crate) principal_mark: i64,
    pub(crate) project_mark: i64,
    pub(crate) layer_mark: i64,
    pub(crate) service_mark: i64,
}

impl From<&ChangeSet> for ChangeSetRow {
    fn from(set: &ChangeSet) -> Self {
        let HighWaterMarks {
            principal,
            project,
            layer,
            service,
        } = set.marks;
        let (author_user, author_session, author_service) = match set.by {
            Author::System => (None, None, None),
            Author::User { user, session, via } => (
                Some(user.get()),
                Some(session.get()),
                via.map(ServiceId::get),
            ),
            Author::Service { service, session } => {
                (None, Some(session.get()), Some(service.get()))
            }
        };
        Self {
            revision: revision_to_row(set.revision),
            decided_at: set.at.as_millis(),
            author_user,
            author_session,
            author_service,
            principal_mark: principal,
            project_mark: project,
            layer_mark: layer,
            service_mark: service,
        }
    }
}

impl ChangeSetRow {
    /// The set with its changes; secrets are not kept with history.
    pub(crate) fn with(self, changes: Vec<PolicyChange>) -> Result<ChangeSet, Unreadable> {
        Ok(ChangeSet {
            revision: revision(self.revision)?,
            at: Timestamp::from_millis(self.decided_at),
            by: self.author()?,
            changes,
            marks: HighWaterMarks {
                principal: self.principal_mark,
                project: self.project_mark,
                layer: self.layer_mark,
                service: self.service_mark,
            },
            secrets: Vec::new(),
            note: ChangeNote::default(),
        })
    }

    fn author(&self) -> Result<Author, Unreadable> {
        match (self.author_user, self.author_session, self.author_service) {
            (None, None, None) => Ok(Author::System),
            (Some(user), Some(session), via) => Ok(Author::User {
                user: UserId::new(user)?,
                session: SessionId::new(session)?,
                via: via.map(ServiceId::new).transpose()?,
            }),
            (None, Some(session), Some(service)) => Ok(Author::Service {
                service: ServiceId::new(service)?,
                session: SessionId::new(session)?,
            }),
            _ => Err(Unreadable::Contradiction),
        }
    }
}
