//! Reading history: the sets of changes as they were committed.

use std::collections::BTreeMap;

use authorization_core::{
    Timestamp,
    change::{ChangeSet, PolicyChange},
    ports::StoreError,
};
use jmap_domain::PolicyRevision;

use crate::{
    db::Tx,
    record::{ChangeRecord, ChangeSetRow, Unreadable, revision, revision_to_row},
    sql,
    statement::statement,
    store::unavailable,
};

/// The sets after a revision, oldest first.
pub(crate) async fn sets(
    tx: &mut Tx,
    after: PolicyRevision,
    limit: usize,
) -> Result<Vec<ChangeSet>, StoreError> {
    let after = revision_to_row(after);
    let sets: Vec<ChangeSetRow> = tx
        .list(
            statement(sql!("history/list_sets"))
                .bind(after)
                .bind(i64::try_from(limit).unwrap_or(i64::MAX)),
        )
        .await
        .map_err(unavailable)?;
    let last = sets.last().map_or(after, |set| set.revision);
    let mut changes = changes(tx, after, last).await?;
    let sets = sets.into_iter().map(|row| {
        let changes = changes.remove(&row.revision).unwrap_or_default();
        row.with(changes)
    });
    Ok(sets.collect::<Result<_, _>>()?)
}

/// The newest set that was decided at a moment or before.
pub(crate) async fn revision_at(
    tx: &mut Tx,
    moment: Timestamp,
) -> Result<Option<PolicyRevision>, StoreError> {
    let find = statement(sql!("history/revision_at")).bind(moment.as_millis());
    let found: Option<(i64,)> = tx.find(find).await.map_err(unavailable)?;
    Ok(found.map(|(number,)| revision(number)).transpose()?)
}

async fn changes(
    tx: &mut Tx,
    after: i64,
    last: i64,
) -> Result<BTreeMap<i64, Vec<PolicyChange>>, StoreError> {
    let rows: Vec<(i64, String)> = tx
        .list(
            statement(sql!("history/list_changes"))
                .bind(after)
                .bind(last),
        )
        .await
        .map_err(unavailable)?;
    let mut changes: BTreeMap<i64, Vec<PolicyChange>> = BTreeMap::new();
    for (number, content) in rows {
        changes.entry(number).or_default().push(change(&content)?);
    }
    Ok(changes)
}

/// A recorded change.
pub(crate) fn change(content: &str) -> Result<PolicyChange, Unreadable> {
    serde_json::from_str::<ChangeRecord>(content)?.try_into()
}
