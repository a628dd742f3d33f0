//! What a record says.

use std::sync::Arc;

use jmap_domain::{
    Caller, Name, PolicyRevision, ProjectId, Resource, ServiceId, SessionId, UserId,
};

use crate::{
    Path, Timestamp,
    change::{Author, ChangeSet},
    model::{Account, Session},
};

/// Most things of one record that are read back; a deleted project has had any number of layers.
pub const SHOWN_CONCERNS: usize = 100;

/// What kind of act a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuditKind {
    /// The policy was changed.
    Change,
    /// Somebody signed in.
    SignIn,
    /// Somebody signed out.
    SignOut,
    /// A session was closed otherwise.
    SessionClosed,
    /// A call, or an item of one, was refused.
    Refusal,
    /// A question was answered; recorded for a part of them only.
    Check,
    /// Refusals or checks were not recorded, because there were too many different ones; the count says how many.
    Dropped,
}

impl AuditKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Change,
        Self::SignIn,
        Self::SignOut,
        Self::SessionClosed,
        Self::Refusal,
        Self::Check,
        Self::Dropped,
    ];

    /// The kind as a bit, for storage and sets.
    #[must_use]
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was done, or allowed without a limit.
    Done,
    /// It was allowed for own elements (R51).
    Own,
    /// It was refused.
    Refused,
}

/// Who acted. Ids are for ever (R59).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// The service itself.
    System,
    /// Nobody that is known: no token that was accepted, or nobody signed in yet.
    Unknown {
        /// The service at which the call was refused; `None` for this one.
        via: Option<ServiceId>,
    },
    /// Nobody signed in (R118).
    Anonymous {
        /// The service that passed the call on.
        via: Option<ServiceId>,
    },
    /// A user.
    User {
        /// The account.
        user: UserId,
        /// The session.
        session: SessionId,
        /// The service that passed the call on.
        via: Option<ServiceId>,
    },
    /// A service for itself.
    Service {
        /// The account.
        service: ServiceId,
        /// The session.
        session: SessionId,
    },
}

impl Who {
    /// A caller, who may act through a service.
    #[must_use]
    pub const fn of(caller: &Caller, via: Option<ServiceId>) -> Self {
        match caller {
            Caller::Anonymous => Self::Anonymous { via },
            Caller::Session(own) => Self::User {
                user: own.user,
                session: own.session,
                via,
            },
            Caller::Service(own) => Self::Service {
                service: own.service,
                session: own.session,
            },
        }
    }

    /// The holder of a session, who may act through a service.
    #[must_use]
    pub const fn holding(session: &Session, via: Option<ServiceId>) -> Self {
        match session.account {
            Account::User { user, kind: _ } => Self::User {
                user,
                session: session.id,
                via,
            },
            Account::Service { service } => Self::Service {
                service,
                session: session.id,
            },
        }
    }

    /// The account, anonymous included.
    #[must_use]
    pub const fn user(self) -> Option<UserId> {
        match self {
            Self::Anonymous { via: _ } => Some(UserId::ANONYMOUS),
            Self::User {
                user,
                session: _,
                via: _,
            } => Some(user),
            Self::System
            | Self::Unknown { via: _ }
            | Self::Service {
                service: _,
                session: _,
            } => None,
        }
    }

    /// The session.
    #[must_use]
    pub const fn session(self) -> Option<SessionId> {
        match self {
            Self::User {
                user: _,
                session,
                via: _,
            }
            | Self::Service {
                service: _,
                session,
            } => Some(session),
            Self::System | Self::Unknown { via: _ } | Self::Anonymous { via: _ } => None,
        }
    }

    /// The service that acted for itself, or passed the act on.
    #[must_use]
    pub const fn service(self) -> Option<ServiceId> {
        match self {
            Self::System => None,
            Self::Unknown { via } | Self::Anonymous { via } => via,
            Self::User {
                user: _,
                session: _,
                via,
            } => via,
            Self::Service {
                service,
                session: _,
            } => Some(service),
        }
    }
}

impl From<Author> for Who {
    fn from(author: Author) -> Self {
        match author {
            Author::System => Self::System,
            Author::User { user, session, via } => Self::User { user, session, via },
            Author::Service { service, session } => Self::Service { service, session },
        }
    }
}

/// The call that an act belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallInfo {
    /// The id that follows the call through both services.
    pub request_id: Arc<str>,
    /// The path of its method; `None` for one that is not in the contract.
    pub method: Option<Arc<str>>,
}

/// A thing that an act concerns, with its name at that time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// The thing.
    pub resource: Resource,
    /// The project in which it concerns whoever administrates it: the project itself, or that of a layer.
    pub project: Option<ProjectId>,
    /// Its name; `None` for one that is not known.
    pub name: Option<Name>,
}

/// What is recorded of a change set besides the changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeNote {
    /// The call that made it.
    pub call: Option<CallInfo>,
    /// The author's name.
    pub name: Option<Name>,
    /// By which path the author has the right to it.
    pub path: Option<Path>,
    /// What it concerns.
    pub concerns: Vec<Concern>,
}

/// An act to be recorded. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// What kind of act.
    pub kind: AuditKind,
    /// When it was, or the first of equal ones.
    pub first_at: Timestamp,
    /// When the last of equal ones was.
    pub last_at: Timestamp,
    /// How many equal ones there were; at least 1.
    pub count: u64,
    /// Who acted.
    pub who: Who,
    /// The actor's name at that time: it stays when the account goes (R59).
    pub name: Option<Name>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it was refused, or why a session was closed.
    pub reason: Option<String>,
    /// The path of the call's method, or what a question asked for.
    pub act: Option<Arc<str>>,
    /// By which path a grant allowed it.
    pub path: Option<Path>,
    /// The request id; of equal ones that of the first.
    pub request: Option<Arc<str>>,
    /// The revision that a change gave the policy.
    pub revision: Option<PolicyRevision>,
    /// What it concerns.
    pub concerns: Vec<Concern>,
}

impl AuditEntry {
    /// An act that was done by somebody at a moment.
    #[must_use]
    pub const fn done(kind: AuditKind, at: Timestamp, who: Who) -> Self {
        Self {
            kind,
            first_at: at,
            last_at: at,
            count: 1,
            who,
            name: None,
            outcome: Outcome::Done,
            reason: None,
            act: None,
            path: None,
            request: None,
            revision: None,
            concerns: Vec::new(),
        }
    }

    /// The record of a change set.
    #[must_use]
    pub fn of_change(set: &ChangeSet) -> Self {
        let ChangeNote {
            call,
            name,
            path,
            concerns,
        } = set.note.clone();
        Self {
            name,
            path,
            revision: Some(set.revision),
            concerns,
            ..Self::done(AuditKind::Change, set.at, set.by.into())
        }
        .within(call)
    }

    /// The same, as part of a call.
    #[must_use]
    pub fn within(self, call: Option<CallInfo>) -> Self {
        match call {
            None => self,
            Some(CallInfo { request_id, method }) => Self {
                request: Some(request_id),
                act: method,
                ..self
            },
        }
    }
}

/// A recorded act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number: in the order of recording, without gaps, never reused.
    pub id: i64,
    /// What was recorded; of its concerns at most [`SHOWN_CONCERNS`].
    pub entry: AuditEntry,
    /// How many concerns there are in all.
    pub concerns_in_all: u64,
}

/// Why sessions are closed, and by whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Closing {
    pub(crate) kind: AuditKind,
    pub(crate) by: Who,
    /// Why, where the kind does not say it.
    pub(crate) reason: Option<&'static str>,
}

impl Closing {
    /// By the holder itself.
    pub(crate) const fn sign_out(by: Who) -> Self {
        Self {
            kind: AuditKind::SignOut,
            by,
            reason: None,
        }
    }

    /// For a reason.
    pub(crate) const fn because(reason: &'static str, by: Who) -> Self {
        Self {
            kind: AuditKind::SessionClosed,
            by,
            reason: Some(reason),
        }
    }
}
