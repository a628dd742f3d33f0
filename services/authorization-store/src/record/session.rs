//! Sessions.

use authorization_core::{
    Timestamp,
    model::{Account, Session, SessionState},
    secret::{RefreshHashes, SecretHash},
};
use jmap_domain::{ServiceId, SessionId, SessionKind, UserId};
use sqlx::FromRow;

use super::{Unreadable, bytes};

#[derive(Debug, FromRow)]
pub(crate) struct SessionRow {
    pub(crate) session_id: i64,
    pub(crate) user_id: Option<i64>,
    pub(crate) for_servers: bool,
    pub(crate) service_id: Option<i64>,
    pub(crate) opened_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) closed_at: Option<i64>,
    pub(crate) refresh_family: Option<Vec<u8>>,
    pub(crate) refresh_current: Option<Vec<u8>>,
}

impl From<&Session> for SessionRow {
    fn from(session: &Session) -> Self {
        let Session {
            id,
            account,
            opened_at,
            expires_at,
            state,
            refresh,
        } = session;
        let (user_id, for_servers, service_id) = match account {
            Account::User {
                user,
                kind: SessionKind::Ordinary,
            } => (Some(user.get()), false, None),
            Account::User {
                user,
                kind: SessionKind::Server,
            } => (Some(user.get()), true, None),
            Account::Service { service } => (None, false, Some(service.get())),
        };
        Self {
            session_id: id.get(),
            user_id,
            for_servers,
            service_id,
            opened_at: opened_at.as_millis(),
            expires_at: expires_at.as_millis(),
            closed_at: match state {
                SessionState::Open => None,
                SessionState::Closed { at } => Some(at.as_millis()),
            },
            refresh_family: refresh.map(|hashes| hashes.family.0.to_vec()),
            refresh_current: refresh.map(|hashes| hashes.current.0.to_vec()),
        }
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Unreadable;

    fn try_from(row: SessionRow) -> Result<Self, Unreadable> {
        Ok(Self {
            id: SessionId::new(row.session_id)?,
            account: account(&row)?,
            opened_at: Timestamp::from_millis(row.opened_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            state: row
                .closed_at
                .map_or(SessionState::Open, |at| SessionState::Closed {
                    at: Timestamp::from_millis(at),
                }),
            refresh: refresh(&row)?,
        })
    }
}

fn account(row: &SessionRow) -> Result<Account, Unreadable> {
    let kind = if row.for_servers {
        SessionKind::Server
    } else {
        SessionKind::Ordinary
    };
    match (row.user_id, row.service_id) {
        (Some(user), None) => Ok(Account::User {
            user: UserId::new(user)?,
            kind,
        }),
        (None, Some(service)) => Ok(Account::Service {
            service: ServiceId::new(service)?,
        }),
        _ => Err(Unreadable::Contradiction),
    }
}

fn refresh(row: &SessionRow) -> Result<Option<RefreshHashes>, Unreadable> {
    match (&row.refresh_family, &row.refresh_current) {
        (None, None) => Ok(None),
        (Some(family), Some(current)) => Ok(Some(RefreshHashes {
            family: SecretHash(bytes(family)?),
            current: SecretHash(bytes(current)?),
        })),
        _ => Err(Unreadable::Contradiction),
    }
}
