//! Writing sessions, and the tokens that open one once.

use authorization_core::{Timestamp, model::Session, secret::SecretHash};

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

pub(crate) fn spend_token(token: SecretHash, until: Timestamp) -> Statement {
    statement(sql!("spent_token/add"))
        .bind(token.0.to_vec())
        .bind(until.as_millis())
}

pub(crate) fn forget_tokens(kept_until_before: Timestamp) -> Statement {
    statement(sql!("spent_token/forget")).bind(kept_until_before.as_millis())
}
