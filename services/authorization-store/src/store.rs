//! The store as the core's port.

use authorization_core::{
    Timestamp,
    change::{ChangeSet, HighWaterMarks, StoredPolicy},
    model::Session,
    ports::{PolicyStore, StoreError},
    secret::{PasswordHash, SecretHash, SigningKey},
};
use jmap_domain::{PolicyRevision, ServiceId, SessionId, UserId};
use jmap_postgres::Lease;

use crate::{
    db::{Db, Tx},
    history,
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

    /// Writes one statement, if this process still holds the database, and answers how many rows it wrote. A session's
    /// id raises the mark of ids.
    async fn write(
        &self,
        statement: Statement,
        session: Option<SessionId>,
    ) -> Result<u64, StoreError> {
        let mut tx = self.db.begin().await.map_err(unavailable)?;
        let rows = tx.execute(statement).await.map_err(refused)?;
        finish(tx, self.confirm(session)).await?;
        Ok(rows)
    }

    /// Checks the tenure, and keeps every other transaction that writes waiting until this one ends.
    fn confirm(&self, session: Option<SessionId>) -> Statement {
        statement(sql!("installation/confirm"))
            .bind(self.tenure())
            .bind(session.map_or(0, SessionId::get))
    }

    async fn begin_reading(&self) -> Result<Tx, StoreError> {
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

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.write(sessions::put(session), Some(session.id)).await?;
        Ok(())
    }

    async fn forget_sessions(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        self.write(sessions::forget(expired_before), None).await?;
        Ok(())
    }

    async fn spend_token(&self, token: SecretHash, until: Timestamp) -> Result<bool, StoreError> {
        let rows = self
            .write(sessions::spend_token(token, until), None)
            .await?;
        Ok(rows == 1)
    }

    async fn forget_tokens(&self, kept_until_before: Timestamp) -> Result<(), StoreError> {
        let forget = sessions::forget_tokens(kept_until_before);
        self.write(forget, None).await?;
        Ok(())
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        let mut tx = self.begin_reading().await?;
        let found = secrets::signing_keys(&mut tx).await?;
        tx.commit().await.map_err(unavailable)?;
        Ok(found)
    }

    async fn add_signing_key(&self, key: &SigningKey) -> Result<(), StoreError> {
        self.write(secrets::add_signing_key(key), None).await?;
        Ok(())
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
