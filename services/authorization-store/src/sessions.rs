//! Writing sessions.

use authorization_core::{Timestamp, model::Session};

use crate::{
    record::SessionRow,
    sql,
    statement::{Statement, statement},
};

pub(crate) fn put(session: &Session) -> Statement {
    let row = SessionRow::from(session);
    statement(sql!("session/put"))
        .bind(row.session_id)
        .bind(row.user_id)
        .bind(row.for_servers)
        .bind(row.service_id)
        .bind(row.opened_at)
        .bind(row.expires_at)
        .bind(row.closed_at)
        .bind(row.refresh_family)
        .bind(row.refresh_current)
}

pub(crate) fn forget(expired_before: Timestamp) -> Statement {
    statement(sql!("session/forget")).bind(expired_before.as_millis())
}
