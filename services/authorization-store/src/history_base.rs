//! Where kept history begins: the state after the last change that was pruned, written and removed in small
//! transactions, so that nobody waits long for them.

use authorization_core::{
    Timestamp,
    change::{HighWaterMarks, HistoryBase, PolicyChange},
    ports::StoreError,
};
use jmap_domain::PolicyRevision;
use sqlx::FromRow;

use crate::{
    SqlStore,
    db::Tx,
    history::change,
    record::{ChangeRecord, Unreadable, revision, revision_to_row},
    sql,
    statement::{Statement, statement},
    store::unavailable,
};

/// Records of a base that one transaction writes or removes.
const RECORDS: usize = 500;
/// Sets of history that one transaction removes.
const SETS: i64 = 200;

#[derive(FromRow)]
struct BaseRow {
    revision: i64,
    decided_at: i64,
    principal_mark: i64,
    project_mark: i64,
    layer_mark: i64,
    service_mark: i64,
}

impl TryFrom<BaseRow> for HistoryBase {
    type Error = Unreadable;

    fn try_from(row: BaseRow) -> Result<Self, Unreadable> {
        Ok(Self {
            revision: revision(row.revision)?,
            at: Timestamp::from_millis(row.decided_at),
            marks: HighWaterMarks {
                principal: row.principal_mark,
                project: row.project_mark,
                layer: row.layer_mark,
                service: row.service_mark,
            },
        })
    }
}

/// The base that counts.
pub(crate) async fn find(tx: &mut Tx) -> Result<Option<HistoryBase>, StoreError> {
    let found = tx.find(statement(sql!("history_base/find"))).await;
    let row: Option<BaseRow> = found.map_err(unavailable)?;
    Ok(row.map(TryInto::try_into).transpose()?)
}

/// The records of a base, in their order.
pub(crate) async fn records(
    tx: &mut Tx,
    base: PolicyRevision,
) -> Result<Vec<PolicyChange>, StoreError> {
    let list = statement(sql!("history_base/list_records")).bind(revision_to_row(base));
    let rows: Vec<(String,)> = tx.list(list).await.map_err(unavailable)?;
    let records = rows.iter().map(|(content,)| change(content));
    Ok(records.collect::<Result<_, _>>()?)
}

fn put(base: &HistoryBase) -> Statement {
    let HistoryBase {
        revision,
        at,
        marks:
            HighWaterMarks {
                principal,
                project,
                layer,
                service,
            },
    } = base;
    statement(sql!("history_base/put"))
        .bind(revision_to_row(*revision))
        .bind(at.as_millis())
        .bind(*principal)
        .bind(*project)
        .bind(*layer)
        .bind(*service)
        .bind(false)
}

fn put_record(base: i64, (ordinal, record): (i64, &PolicyChange)) -> Result<Statement, Unreadable> {
    let content = serde_json::to_string(&ChangeRecord::from(record))?;
    Ok(statement(sql!("history_base/put_record"))
        .bind(base)
        .bind(ordinal)
        .bind(content))
}

impl SqlStore {
    /// Writes a base; with its last transaction it is the one that counts.
    pub(crate) async fn write_base(
        &self,
        base: &HistoryBase,
        records: &[PolicyChange],
    ) -> Result<(), StoreError> {
        self.remove_other_bases().await?;
        let number = revision_to_row(base.revision);
        self.write(vec![put(base)], None).await?;
        let numbered: Vec<(i64, &PolicyChange)> = (0..).zip(records).collect();
        for chunk in numbered.chunks(RECORDS) {
            let statements = chunk.iter().map(|record| put_record(number, *record));
            let statements = statements.collect::<Result<_, _>>()?;
            self.write(statements, None).await?;
        }
        let complete = statement(sql!("history_base/complete")).bind(number);
        self.write(vec![complete], None).await.map(drop)
    }

    /// Removes the sets up to the base, the oldest first, and what other bases left.
    pub(crate) async fn remove_pruned(&self) -> Result<(), StoreError> {
        let mut tx = self.begin_reading().await?;
        let base = find(&mut tx).await?;
        tx.commit().await.map_err(unavailable)?;
        if let Some(base) = base {
            self.remove_sets(revision_to_row(base.revision)).await?;
        }
        self.remove_other_bases().await
    }

    async fn remove_sets(&self, last: i64) -> Result<(), StoreError> {
        while let Some(oldest) = self.oldest_set().await?.filter(|oldest| *oldest <= last) {
            let until = last.min(oldest + SETS - 1);
            let remove = vec![
                statement(sql!("history/delete_changes")).bind(until),
                statement(sql!("history/delete_sets")).bind(until),
            ];
            self.write(remove, None).await?;
        }
        Ok(())
    }

    async fn oldest_set(&self) -> Result<Option<i64>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let oldest = tx.find(statement(sql!("history/oldest"))).await;
        let oldest: Option<(i64,)> = oldest.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(oldest.map(|(revision,)| revision))
    }

    /// Removes the bases that do not count: earlier ones, and those that were not finished.
    async fn remove_other_bases(&self) -> Result<(), StoreError> {
        let mut tx = self.begin_reading().await?;
        let base = find(&mut tx).await?;
        let base = base.map_or(0, |base| revision_to_row(base.revision));
        let others = tx.list(statement(sql!("history_base/list_others")).bind(base));
        let others: Vec<(i64,)> = others.await.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        for (other,) in others {
            self.remove_base(other).await?;
        }
        Ok(())
    }

    async fn remove_base(&self, base: i64) -> Result<(), StoreError> {
        let most = i64::try_from(RECORDS).unwrap_or(i64::MAX);
        let some = || {
            statement(sql!("history_base/delete_records"))
                .bind(base)
                .bind(most)
        };
        while self.write(vec![some()], None).await? > 0 {}
        let remove = statement(sql!("history_base/delete")).bind(base);
        self.write(vec![remove], None).await.map(drop)
    }
}
