//! The store as the core's port.

use authorization_core::{
    Timestamp,
    audit::{AuditEntry, AuditRecord, RecordsWanted},
    change::{ChangeSet, HighWaterMarks, HistoryBase, PolicyChange, StoredPolicy},
    model::Session,
    ports::{AuditStore, PolicyStore, StoreError},
    secret::{PasswordHash, SecretHash, SigningKey},
};
use jmap_domain::{PolicyRevision, ServiceId, SessionId, UserId};
use jmap_postgres::Lease;

use crate::{
    audit,
    db::{Db, Tx},
    history, history_base,
    lease::FileLease,
    load,
    record::{Unreadable, revision_to_row},
    secrets, sessions, sql,
    statement::{Statement, statement},
    statements,
};

/// The database of one installation, held by this process until the value is dropped.
#[derive(Debug)]
pub struct SqlStore {
    db: Db,
    installation_id: String,
    hold: Hold,
}

/// What keeps other processes out, and the number of this one's tenure.
#[derive(Debug)]
pub(crate) enum Hold {
    /// The system keeps the lock as long as the process lives.
    File { tenure: i64, _lease: FileLease },
    /// The server can be lost, and the lease with it.
    Lease(Lease),
}

impl SqlStore {
    pub(crate) const fn new(db: Db, installation_id: String, hold: Hold) -> Self {
        Self {
            db,
            installation_id,
            hold,
        }
    }

    /// The installation's id, a UUID: made with the database, the same for ever.
    #[must_use]
    pub fn installation_id(&self) -> &str {
        &self.installation_id
    }

    /// Completes when another process has taken the database, so that this one can only end.
    pub async fn taken_over(&self) {
        match &self.hold {
            Hold::File { .. } => std::future::pending().await,
            Hold::Lease(lease) => lease.over().await,
        }
    }

    /// Waits for running work and closes the connections. The database stays this process's until the value is
    /// dropped.
    pub async fn close(&self) {
        self.db.close().await;
    }

    pub(crate) const fn db(&self) -> &Db {
        &self.db
    }

    pub(crate) const fn tenure(&self) -> i64 {
        match &self.hold {
            Hold::File { tenure, _lease } => *tenure,
            Hold::Lease(lease) => lease.tenure(),
        }
    }

    /// Writes, if this process still holds the database. A session's id raises the mark of ids. Answers how many rows
    /// the last statement wrote.
    pub(crate) async fn write(
        &self,
        statements: Vec<Statement>,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let (mut tx, mut written) = (self.db.begin().await.map_err(unavailable)?, 0);
        for statement in statements {
            written = tx.execute(statement).await.map_err(refused)?;
        }
        finish(tx, self.confirm(session)).await?;
        Ok(written)
    }

    /// Checks the tenure, and keeps every other transaction that writes waiting until this one ends.
    fn confirm(&self, session: Option<SessionId>) -> Statement {
        statement(sql!("installation/confirm"))
            .bind(self.tenure())
            .bind(session.map_or(0, SessionId::get))
    }

    pub(crate) async fn begin_reading(&self) -> Result<Tx, StoreError> {
        self.db.begin_reading().await.map_err(unavailable)
    }
}

impl PolicyStore for SqlStore {
    fn is_held(&self) -> bool {
        match &self.hold {
            Hold::File { .. } => true,
            Hold::Lease(lease) => lease.is_confirmed(),
        }
    }

    /// A commit whose end was not seen has ended when this answers: a transaction that can still be committed has
    /// written the row that the first statement here writes, and keeps it locked.
    async fn load(&self) -> Result<StoredPolicy, StoreError> {
        let mut tx = self.db.begin().await.map_err(unavailable)?;
        match tx.execute(self.confirm(None)).await.map_err(unavailable)? {
            1 => (),
            _ => return Err(StoreError::Conflict),
        }
        let policy = load::policy(&mut tx).await?;
        tx.rollback().await.map_err(unavailable)?;
        Ok(policy)
    }

    async fn commit(&self, set: &ChangeSet) -> Result<(), StoreError> {
        let mut statements: Vec<Statement> =
            set.changes.iter().flat_map(statements::of_change).collect();
        statements.extend(set.secrets.iter().map(statements::of_secret));
        statements.extend(statements::of_history(set).map_err(Unreadable::from)?);
        statements.extend(audit::add(self.tenure(), &[&AuditEntry::of_change(set)]));
        let mut tx = self.db.begin().await.map_err(unavailable)?;
        for statement in statements {
            tx.execute(statement).await.map_err(refused)?;
        }
        finish(tx, advance(self.tenure(), set)).await
    }

    async fn history(
        &self,
        after: PolicyRevision,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let sets = history::sets(&mut tx, after, limit).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(sets)
    }

    async fn history_base(&self) -> Result<Option<HistoryBase>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let base = history_base::find(&mut tx).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(base)
    }

    async fn base_records(&self, base: PolicyRevision) -> Result<Vec<PolicyChange>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let records = history_base::records(&mut tx, base).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(records)
    }

    async fn set_history_base(
        &self,
        base: &HistoryBase,
        records: &[PolicyChange],
    ) -> Result<(), StoreError> {
        self.write_base(base, records).await
    }

    async fn prune_history(&self) -> Result<(), StoreError> {
        self.remove_pruned().await
    }

    async fn revision_at(&self, moment: Timestamp) -> Result<Option<PolicyRevision>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let found = history::revision_at(&mut tx, moment).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let found = secrets::password(&mut tx, user).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn service_key(&self, service: ServiceId) -> Result<Option<SecretHash>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let found = secrets::service_key(&mut tx, service).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn put_session(
        &self,
        session: &Session,
        act: Option<&AuditEntry>,
    ) -> Result<(), StoreError> {
        let act = act.map(|act| audit::add(self.tenure(), &[act]));
        let put = [sessions::put(session)].into_iter();
        let statements = put.chain(act.into_iter().flatten()).collect();
        self.write(statements, Some(session.id)).await.map(drop)
    }

    async fn forget_sessions(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        let forget = vec![sessions::forget(expired_before)];
        self.write(forget, None).await.map(drop)
    }

    async fn spend_token(&self, token: SecretHash, until: Timestamp) -> Result<bool, StoreError> {
        let spend = vec![sessions::spend_token(token, until)];
        Ok(self.write(spend, None).await? == 1)
    }

    async fn forget_tokens(&self, kept_until_before: Timestamp) -> Result<(), StoreError> {
        let forget = vec![sessions::forget_tokens(kept_until_before)];
        self.write(forget, None).await.map(drop)
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let found = secrets::signing_keys(&mut tx).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn add_signing_key(&self, key: &SigningKey) -> Result<(), StoreError> {
        let add = vec![secrets::add_signing_key(key)];
        self.write(add, None).await.map(drop)
    }
}

impl AuditStore for SqlStore {
    async fn record(&self, acts: &[AuditEntry]) -> Result<(), StoreError> {
        let acts: Vec<&AuditEntry> = acts.iter().collect();
        let add = audit::add(self.tenure(), &acts);
        self.write(add, None).await.map(drop)
    }

    async fn last_record(&self) -> Result<i64, StoreError> {
        let mut tx = self.begin_reading().await?;
        let last = audit::last(&mut tx).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(last)
    }

    async fn records(&self, wanted: &RecordsWanted<'_>) -> Result<Vec<AuditRecord>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let records = audit::list(&mut tx, wanted).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(records)
    }

    async fn prune_records(&self, before: Timestamp, most: usize) -> Result<usize, StoreError> {
        let prune = vec![audit::prune(before, most)];
        let pruned = self.write(prune, None).await?;
        Ok(usize::try_from(pruned).unwrap_or(usize::MAX))
    }
}

/// Takes the set's revision, if it follows the stored one and this process still holds the database.
fn advance(tenure: i64, set: &ChangeSet) -> Statement {
    let HighWaterMarks {
        principal,
        project,
        layer,
        service,
    } = set.marks;
    let revision = revision_to_row(set.revision);
    statement(sql!("installation/advance"))
        .bind(tenure)
        .bind(revision - 1)
        .bind(revision)
        .bind(principal)
        .bind(project)
        .bind(layer)
        .bind(service)
}

/// Commits if the last statement found its row; otherwise nothing was written.
pub(crate) async fn finish(mut tx: Tx, last: Statement) -> Result<(), StoreError> {
    if tx.execute(last).await.map_err(refused)? != 1 {
        tx.rollback().await.map_err(unavailable)?;
        return Err(StoreError::Conflict);
    }
    tx.commit().await.map_err(refused)
}

/// A violated constraint means that the change was decided on a state that is not the stored one.
fn refused(error: sqlx::Error) -> StoreError {
    let is_violation = error.as_database_error().is_some_and(|error| {
        error.is_unique_violation()
            || error.is_foreign_key_violation()
            || error.is_check_violation()
    });
    let cause = unavailable(error);
    if is_violation {
        StoreError::Conflict
    } else {
        cause
    }
}

/// The driver's words stay in the log.
#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
pub(crate) fn unavailable(error: sqlx::Error) -> StoreError {
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the database failed"
    );
    if let sqlx::Error::ColumnDecode {
        index: _,
        source: _,
    }
    | sqlx::Error::Decode(_) = error
    {
        return StoreError::Corrupt;
    }
    StoreError::Unavailable
}
