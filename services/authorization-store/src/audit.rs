//! The audit record: numbers are taken from the installation's row, so that they come in the order of commits.

use authorization_core::{
    Timestamp,
    audit::{AuditEntry, AuditRecord, Order, RecordsWanted, SHOWN_CONCERNS},
    ports::StoreError,
};
use jmap_domain::{Name, ProjectId, Resource, ServiceId, UserId};

use crate::{
    db::Tx,
    record::{AuditRow, ConcernRow},
    sql,
    statement::{Statement, statement},
    store::unavailable,
};

/// The statements that record acts. The first one takes their numbers, and keeps every other transaction that writes
/// waiting until this one ends, so that none sees a later number first.
pub(crate) fn add(tenure: i64, acts: &[&AuditEntry]) -> Vec<Statement> {
    let count = i64::try_from(acts.len()).unwrap_or(i64::MAX);
    let take = statement(sql!("audit/take")).bind(tenure).bind(count);
    let rows = (0..count).rev().zip(acts);
    let rows = rows.flat_map(|(before_last, act)| add_one(before_last, act));
    std::iter::once(take).chain(rows).collect()
}

fn add_one(before_last: i64, act: &AuditEntry) -> Vec<Statement> {
    let row = AuditRow::from(act);
    let add = statement(sql!("audit/add"))
        .bind(before_last)
        .bind(row.kind)
        .bind(row.first_at)
        .bind(row.last_at)
        .bind(row.count)
        .bind(row.caller_kind)
        .bind(row.caller_user)
        .bind(row.caller_session)
        .bind(row.caller_service)
        .bind(row.caller_name)
        .bind(row.outcome)
        .bind(row.reason)
        .bind(row.act)
        .bind(row.path)
        .bind(row.path_group)
        .bind(row.request_id)
        .bind(row.revision)
        .bind(row.concerns_in_all);
    let concerns = (0_i64..).zip(&act.concerns).map(|(ordinal, concern)| {
        statement(sql!("audit/add_concern"))
            .bind(before_last)
            .bind(ordinal)
            .bind(concern.resource.word())
            .bind(concern.resource.id())
            .bind(concern.project.map(ProjectId::get))
            .bind(concern.name.as_ref().map(Name::to_string))
    });
    std::iter::once(add).chain(concerns).collect()
}

/// The number of the newest record.
pub(crate) async fn last(tx: &mut Tx) -> Result<i64, StoreError> {
    let mark: Option<(i64,)> = tx
        .find(statement(sql!("audit/last")))
        .await
        .map_err(unavailable)?;
    mark.map(|(mark,)| mark).ok_or(StoreError::Corrupt)
}

/// The records that are wanted.
pub(crate) async fn list(
    tx: &mut Tx,
    wanted: &RecordsWanted<'_>,
) -> Result<Vec<AuditRecord>, StoreError> {
    let rows: Vec<AuditRow> = tx.list(select(wanted)).await.map_err(unavailable)?;
    let mut records = Vec::with_capacity(rows.len());
    for row in rows {
        let concerns = concerns(tx, row.record_id, wanted.project).await?;
        records.push(row.with(concerns)?);
    }
    Ok(records)
}

fn select(wanted: &RecordsWanted<'_>) -> Statement {
    let RecordsWanted {
        filter,
        project,
        span,
        order,
        limit,
    } = wanted;
    let text = match order {
        Order::OldestFirst => sql!("audit/list_oldest_first"),
        Order::NewestFirst => sql!("audit/list_newest_first"),
    };
    statement(text)
        .bind(span.after)
        .bind(span.until)
        .bind(filter.from.map(Timestamp::as_millis))
        .bind(filter.until.map(Timestamp::as_millis))
        .bind(filter.user.map(UserId::get))
        .bind(filter.service.map(ServiceId::get))
        .bind(i64::from(filter.kinds.mask()))
        .bind(filter.outcome.map(|outcome| outcome as i64))
        .bind(filter.about.map(|about| about.word().to_owned()))
        .bind(filter.about.and_then(Resource::id))
        .bind(project.map(ProjectId::get))
        .bind(i64::try_from(*limit).unwrap_or(i64::MAX))
}

async fn concerns(
    tx: &mut Tx,
    record: i64,
    project: Option<ProjectId>,
) -> Result<Vec<ConcernRow>, StoreError> {
    let shown = i64::try_from(SHOWN_CONCERNS).unwrap_or(i64::MAX);
    let list = statement(sql!("audit/list_concerns"))
        .bind(record)
        .bind(project.map(ProjectId::get))
        .bind(shown);
    tx.list(list).await.map_err(unavailable)
}

/// The statement that removes old records.
pub(crate) fn prune(before: Timestamp, most: usize) -> Statement {
    statement(sql!("audit/prune"))
        .bind(before.as_millis())
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
}
