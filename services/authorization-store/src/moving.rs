//! Moving everything into another database, on whichever engine: all tables in one transaction, then both sides are
//! read and compared. The highest ids given out go with it, so that none is given twice (R116).

use authorization_core::ports::StoreError;
use sha2::{Digest, Sha256};

use crate::{
    SqlStore,
    db::Tx,
    load::{InstallationRow, installation},
    sql,
    statement::{Statement, Value, statement},
    store::{finish, unavailable},
    tables::{TABLES, Table},
};

/// Rows that are read and written at once. Eighteen columns of them are a little more than half of what `SQLite` binds.
const ROWS: u32 = 1_000;

/// A table that is the same on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovedTable {
    /// Its name.
    pub name: &'static str,
    /// How many rows it has.
    pub rows: u64,
    /// SHA-256 over its values in the order of its key, alike on both engines.
    pub checksum: [u8; 32],
}

/// Why a move did not come to its end. Of what was copied in an unfinished move nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A database failed.
    #[error("a database could not be read or written")]
    Database(#[from] sqlx::Error),
    /// Another process took the database, or the move into it was finished already.
    #[error("another process has changed the database that is moved to")]
    Taken,
    /// The two sides are not the same.
    #[error("table `{table}` differs at the row `{key}`; run the same command again")]
    Differs {
        /// The table.
        table: &'static str,
        /// The key of the first row that differs.
        key: String,
    },
    /// The highest ids are not the same.
    #[error("the highest ids given out differ; run the same command again")]
    MarksDiffer,
}

impl SqlStore {
    /// Makes this database, which was opened to arrive, a copy of another. What an unfinished move has left in it goes.
    /// Tells which table is on its way.
    ///
    /// # Errors
    /// [`MoveError`]; nothing is changed then.
    pub async fn copy_from(
        &self,
        source: &Self,
        mut told: impl FnMut(&'static str),
    ) -> Result<(), MoveError> {
        let (mut from, mut to) = (source.db().begin_reading().await?, self.db().begin().await?);
        let taken = self.arrive(&marks(&mut from).await?);
        if to.execute(taken).await? != 1 {
            return Err(MoveError::Taken);
        }
        for table in TABLES.iter().rev() {
            to.execute(table.clear()).await?;
        }
        for table in &TABLES {
            told(table.name);
            let mut pages = Pages::of(table);
            while let Some(rows) = pages.next(&mut from).await? {
                to.execute(table.insert(&rows)).await?;
            }
        }
        to.commit().await?;
        Ok(from.rollback().await?)
    }

    /// Reads both databases and compares every row. Tells which table is being compared.
    ///
    /// # Errors
    /// [`MoveError::Differs`] with the first difference.
    pub async fn compare_with(
        &self,
        source: &Self,
        mut told: impl FnMut(&'static str),
    ) -> Result<Vec<MovedTable>, MoveError> {
        let (mut from, mut to) = (
            source.db().begin_reading().await?,
            self.db().begin_reading().await?,
        );
        let mut compared = Vec::with_capacity(TABLES.len());
        for table in &TABLES {
            told(table.name);
            compared.push(compare(table, &mut from, &mut to).await?);
        }
        let same = marks(&mut from).await? == marks(&mut to).await?;
        from.rollback().await?;
        to.rollback().await?;
        same.then_some(compared).ok_or(MoveError::MarksDiffer)
    }

    /// Ends the move: from now on the database can be served.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be written, or another process has taken it.
    pub async fn arrived(&self) -> Result<(), StoreError> {
        let tx = self.db().begin().await.map_err(unavailable)?;
        let arrived = statement(sql!("installation/arrived")).bind(self.tenure());
        finish(tx, arrived).await
    }

    fn arrive(&self, marks: &InstallationRow) -> Statement {
        statement(sql!("installation/arrive"))
            .bind(self.tenure())
            .bind(marks.epoch)
            .bind(marks.revision)
            .bind(marks.principal_mark)
            .bind(marks.project_mark)
            .bind(marks.layer_mark)
            .bind(marks.service_mark)
            .bind(marks.session_mark)
            .bind(marks.audit_mark)
    }
}

async fn marks(tx: &mut Tx) -> sqlx::Result<InstallationRow> {
    installation(tx).await?.ok_or(sqlx::Error::RowNotFound)
}

/// A table read page by page, in the order of its key.
struct Pages<'t> {
    table: &'t Table,
    after: Option<Vec<Value>>,
    is_over: bool,
}

impl<'t> Pages<'t> {
    const fn of(table: &'t Table) -> Self {
        Self {
            table,
            after: None,
            is_over: false,
        }
    }

    /// The next rows; `None` when there are no more.
    async fn next(&mut self, tx: &mut Tx) -> sqlx::Result<Option<Vec<Vec<Value>>>> {
        if self.is_over {
            return Ok(None);
        }
        let page = self.table.page(self.after.as_deref(), ROWS);
        let rows = tx.values(page, self.table.kinds()).await?;
        self.is_over = rows.len() < ROWS as usize;
        self.after = rows.last().map(|row| self.table.key_of(row).to_vec());
        Ok((!rows.is_empty()).then_some(rows))
    }
}

async fn compare(table: &Table, from: &mut Tx, to: &mut Tx) -> Result<MovedTable, MoveError> {
    let (mut left, mut right) = (Pages::of(table), Pages::of(table));
    let (mut rows, mut sum) = (0, Sha256::new());
    loop {
        let (ours, theirs) = (left.next(from).await?, right.next(to).await?);
        let (ours, theirs) = match (ours, theirs) {
            (None, None) => break,
            (ours, theirs) => (ours.unwrap_or_default(), theirs.unwrap_or_default()),
        };
        if let Some(row) = first_difference(&ours, &theirs) {
            return Err(MoveError::Differs {
                table: table.name,
                key: table
                    .key_of(row)
                    .iter()
                    .map(shown)
                    .collect::<Vec<_>>()
                    .join(", "),
            });
        }
        rows += ours.len() as u64;
        ours.iter().flatten().for_each(|value| add(&mut sum, value));
    }
    Ok(MovedTable {
        name: table.name,
        rows,
        checksum: sum.finalize().into(),
    })
}

/// The first row that only one side has, or that differs.
fn first_difference<'r>(ours: &'r [Vec<Value>], theirs: &'r [Vec<Value>]) -> Option<&'r [Value]> {
    let longer = if ours.len() < theirs.len() {
        theirs
    } else {
        ours
    };
    let same = ours.iter().zip(theirs).take_while(|(a, b)| a == b).count();
    longer.get(same).map(Vec::as_slice)
}

/// Keys are ids, numbers and names of keys: none is a secret.
fn shown(key: &Value) -> String {
    match key {
        Value::Integer(Some(number)) => number.to_string(),
        Value::Text(Some(text)) => text.clone(),
        Value::Integer(None) | Value::Text(None) | Value::Flag(_) | Value::Bytes(_) => {
            "?".to_owned()
        }
    }
}

/// Adds a value, behind its length, so that no two rows are alike by chance; a null has no length.
fn add(sum: &mut Sha256, value: &Value) {
    let number;
    let bytes = match value {
        Value::Integer(integer) => {
            number = integer.map(i64::to_be_bytes);
            number.as_ref().map(<[u8; 8]>::as_slice)
        }
        Value::Flag(true) => Some([1].as_slice()),
        Value::Flag(false) => Some([0].as_slice()),
        Value::Text(text) => text.as_ref().map(String::as_bytes),
        Value::Bytes(bytes) => bytes.as_deref(),
    };
    match bytes {
        None => sum.update([0]),
        Some(bytes) => {
            sum.update([1]);
            sum.update((bytes.len() as u64).to_be_bytes());
            sum.update(bytes);
        }
    }
}
