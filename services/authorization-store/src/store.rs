//! The store as the core's port.

use authorization_core::{
    Timestamp,
    change::{ChangeSet, HighWaterMarks, StoredPolicy},
    model::Session,
    ports::{PolicyStore, StoreError},
    secret::{PasswordHash, SecretHash, SigningKey},
};
use jmap_domain::{PolicyRevision, ServiceId, SessionId, UserId};
use sqlx::{Sqlite, SqlitePool, Transaction, query};

use crate::{
    history,
    lease::Lease,
    load,
    record::{Unreadable, revision_to_row},
    secrets, sessions, sql,
    statements::{self, Statement},
};

/// Takes the write lock at once: a transaction that reads first could not write after another one has.
const BEGIN: &str = "begin immediate";

/// The database of one installation, held by this process until the value is dropped.
#[derive(Debug)]
pub struct SqliteStore {
    db: SqlitePool,
    installation_id: String,
    tenure: i64,
    _lease: Lease,
}

impl SqliteStore {
    pub(crate) const fn new(
        db: SqlitePool,
        installation_id: String,
        tenure: i64,
        lease: Lease,
    ) -> Self {
        Self {
            db,
            installation_id,
            tenure,
            _lease: lease,
        }
    }

    /// The installation's id, a UUID: made with the database, the same for ever.
    #[must_use]
    pub fn installation_id(&self) -> &str {
        &self.installation_id
    }

    /// Waits for running work and closes the files. The database stays this process's until the value is dropped.
    pub async fn close(&self) {
        self.db.close().await;
    }

    /// Writes one statement, if this process still holds the database. A session's id raises the mark of ids.
    async fn write(
        &self,
        statement: Statement,
        session: Option<SessionId>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.begin_with(BEGIN).await.map_err(unavailable)?;
        run(&mut tx, vec![statement]).await?;
        let mark = session.map_or(0, SessionId::get);
        finish(
            tx,
            query(sql!("installation/confirm"))
                .bind(self.tenure)
                .bind(mark),
        )
        .await
    }
}

impl PolicyStore for SqliteStore {
    async fn load(&self) -> Result<StoredPolicy, StoreError> {
        let mut tx = self.db.begin().await.map_err(unavailable)?;
        load::policy(&mut tx).await
    }

    async fn commit(&self, set: &ChangeSet) -> Result<(), StoreError> {
        let mut statements: Vec<Statement> =
            set.changes.iter().flat_map(statements::of_change).collect();
        statements.extend(set.secrets.iter().map(statements::of_secret));
        statements.extend(statements::of_history(set).map_err(Unreadable::from)?);
        let mut tx = self.db.begin_with(BEGIN).await.map_err(unavailable)?;
        run(&mut tx, statements).await?;
        finish(tx, advance(self.tenure, set)).await
    }

    async fn history(
        &self,
        after: PolicyRevision,
        limit: usize,
    ) -> Result<Vec<ChangeSet>, StoreError> {
        let mut tx = self.db.begin().await.map_err(unavailable)?;
        history::sets(&mut tx, after, limit).await
    }

    async fn password(&self, user: UserId) -> Result<Option<PasswordHash>, StoreError> {
        secrets::password(&self.db, user).await
    }

    async fn service_key(&self, service: ServiceId) -> Result<Option<SecretHash>, StoreError> {
        secrets::service_key(&self.db, service).await
    }

    async fn put_session(&self, session: &Session) -> Result<(), StoreError> {
        self.write(sessions::put(session), Some(session.id)).await
    }

    async fn forget_sessions(&self, expired_before: Timestamp) -> Result<(), StoreError> {
        self.write(sessions::forget(expired_before), None).await
    }

    async fn signing_keys(&self) -> Result<Vec<SigningKey>, StoreError> {
        secrets::signing_keys(&self.db).await
    }

    async fn add_signing_key(&self, key: &SigningKey) -> Result<(), StoreError> {
        self.write(secrets::add_signing_key(key), None).await
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
    query(sql!("installation/advance"))
        .bind(tenure)
        .bind(revision - 1)
        .bind(revision)
        .bind(principal)
        .bind(project)
        .bind(layer)
        .bind(service)
}

async fn run(
    tx: &mut Transaction<'_, Sqlite>,
    statements: Vec<Statement>,
) -> Result<(), StoreError> {
    for statement in statements {
        statement.execute(&mut **tx).await.map_err(refused)?;
    }
    Ok(())
}

/// Commits if the last statement found its row; otherwise nothing was written.
async fn finish(mut tx: Transaction<'_, Sqlite>, last: Statement) -> Result<(), StoreError> {
    let done = last.execute(&mut *tx).await.map_err(refused)?;
    if done.rows_affected() != 1 {
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
