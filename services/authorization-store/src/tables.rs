//! The audited writer: the tables that a move copies row by row, and the only file that composes statements about them.
//!
//! Names are the constants below, values are always bound. A test compares the list with both schemas.

use crate::statement::{Statement, Value, composed};

/// A table. The first columns, as many as `key` says, are its key, in which rows are read.
pub(crate) struct Table {
    pub(crate) name: &'static str,
    key: usize,
    columns: &'static [(&'static str, Kind)],
}

/// What a column holds, on either engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Flag,
    Text,
    Bytes,
}

use Kind::{Bytes, Flag, Integer, Text};

/// All tables but the one row of the installation, those that others refer to first.
pub(crate) static TABLES: [Table; 23] = [
    table("principal", 1, &[("principal_id", Integer)]),
    table(
        "user_account",
        1,
        &[
            ("user_id", Integer),
            ("name", Text),
            ("name_key", Text),
            ("display_name", Text),
            ("for_servers", Flag),
            ("enabled", Flag),
            ("revision", Integer),
        ],
    ),
    table(
        "federated_identity",
        1,
        &[("user_id", Integer), ("issuer", Text), ("subject", Text)],
    ),
    table("user_password", 1, &[("user_id", Integer), ("hash", Text)]),
    table(
        "user_group",
        1,
        &[
            ("group_id", Integer),
            ("name", Text),
            ("name_key", Text),
            ("revision", Integer),
            ("description", Text),
        ],
    ),
    table(
        "membership",
        2,
        &[
            ("group_id", Integer),
            ("user_id", Integer),
            ("federated", Flag),
        ],
    ),
    table(
        "global_grant",
        1,
        &[("principal_id", Integer), ("permissions", Integer)],
    ),
    table(
        "service",
        1,
        &[
            ("service_id", Integer),
            ("name", Text),
            ("name_key", Text),
            ("scopes", Integer),
            ("revision", Integer),
        ],
    ),
    table(
        "service_key",
        1,
        &[("service_id", Integer), ("hash", Bytes)],
    ),
    table(
        "project",
        1,
        &[
            ("project_id", Integer),
            ("name", Text),
            ("name_key", Text),
            ("description", Text),
            ("position", Integer),
            ("revision", Integer),
            ("grants_revision", Integer),
        ],
    ),
    table(
        "project_grant",
        2,
        &[
            ("project_id", Integer),
            ("principal_id", Integer),
            ("rights", Integer),
        ],
    ),
    table(
        "layer",
        1,
        &[
            ("layer_id", Integer),
            ("name", Text),
            ("name_key", Text),
            ("project_id", Integer),
            ("position", Integer),
            ("owner_id", Integer),
            ("editing", Flag),
            ("connection_id", Integer),
            ("pending_until", Integer),
            ("request_by", Integer),
            ("request_id", Bytes),
            ("request_fingerprint", Bytes),
            ("revision", Integer),
            ("grants_revision", Integer),
            ("offered_to", Integer),
        ],
    ),
    table(
        "layer_grant",
        2,
        &[
            ("layer_id", Integer),
            ("principal_id", Integer),
            ("permissions", Integer),
            ("own_only", Flag),
        ],
    ),
    table(
        "tombstone",
        1,
        &[
            ("layer_id", Integer),
            ("deleted_at", Integer),
            ("deleted_by", Integer),
            ("revision", Integer),
            ("confirmed", Flag),
        ],
    ),
    table(
        "change_set",
        1,
        &[
            ("revision", Integer),
            ("decided_at", Integer),
            ("author_user", Integer),
            ("author_session", Integer),
            ("author_service", Integer),
            ("principal_mark", Integer),
            ("project_mark", Integer),
            ("layer_mark", Integer),
            ("service_mark", Integer),
        ],
    ),
    table(
        "change",
        2,
        &[
            ("revision", Integer),
            ("ordinal", Integer),
            ("content", Text),
        ],
    ),
    table(
        "history_base",
        1,
        &[
            ("revision", Integer),
            ("decided_at", Integer),
            ("principal_mark", Integer),
            ("project_mark", Integer),
            ("layer_mark", Integer),
            ("service_mark", Integer),
            ("complete", Flag),
        ],
    ),
    table(
        "history_base_record",
        2,
        &[
            ("revision", Integer),
            ("ordinal", Integer),
            ("content", Text),
        ],
    ),
    table(
        "audit_record",
        1,
        &[
            ("record_id", Integer),
            ("kind", Integer),
            ("first_at", Integer),
            ("last_at", Integer),
            ("count", Integer),
            ("caller_kind", Integer),
            ("caller_user", Integer),
            ("caller_session", Integer),
            ("caller_service", Integer),
            ("caller_name", Text),
            ("outcome", Integer),
            ("reason", Text),
            ("act", Text),
            ("path", Integer),
            ("path_group", Integer),
            ("request_id", Text),
            ("revision", Integer),
            ("concerns_in_all", Integer),
        ],
    ),
    table(
        "audit_concern",
        2,
        &[
            ("record_id", Integer),
            ("ordinal", Integer),
            ("kind", Text),
            ("resource_id", Integer),
            ("project_id", Integer),
            ("name", Text),
        ],
    ),
    table(
        "session",
        1,
        &[
            ("session_id", Integer),
            ("user_id", Integer),
            ("for_servers", Flag),
            ("service_id", Integer),
            ("opened_at", Integer),
            ("expires_at", Integer),
            ("closed_at", Integer),
            ("refresh_family", Bytes),
            ("refresh_current", Bytes),
        ],
    ),
    table(
        "spent_token",
        1,
        &[("hash", Bytes), ("kept_until", Integer)],
    ),
    table(
        "signing_key",
        1,
        &[
            ("kid", Text),
            ("private_pem", Text),
            ("created_at", Integer),
        ],
    ),
];

const fn table(name: &'static str, key: usize, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, key, columns }
}

impl Table {
    /// What the columns hold, in order.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Kind> {
        self.columns.iter().map(|(_, kind)| *kind)
    }

    /// The key of a row.
    pub(crate) fn key_of<'r>(&self, row: &'r [Value]) -> &'r [Value] {
        row.get(..self.key).unwrap_or(row)
    }

    /// The next rows after a key, in its order.
    pub(crate) fn page(&self, after: Option<&[Value]>, rows: u32) -> Statement {
        let (name, columns, key) = (self.name, self.names(usize::MAX), self.names(self.key));
        let values = after.unwrap_or_default().to_vec();
        let beyond = if values.is_empty() {
            String::new()
        } else {
            format!("where ({key}) > {} ", placeholders(0, values.len()))
        };
        let text = format!("select {columns} from {name} {beyond}order by {key} limit {rows}");
        composed(text, values)
    }

    /// Adds rows.
    pub(crate) fn insert(&self, rows: &[Vec<Value>]) -> Statement {
        let width = self.columns.len();
        let places: Vec<String> = (0..rows.len())
            .map(|row| placeholders(row * width, width))
            .collect();
        let (name, columns) = (self.name, self.names(usize::MAX));
        let text = format!(
            "insert into {name} ({columns}) values {}",
            places.join(", ")
        );
        composed(text, rows.concat())
    }

    /// Removes all rows.
    pub(crate) fn clear(&self) -> Statement {
        composed(format!("delete from {}", self.name), Vec::new())
    }

    /// The first columns.
    fn names(&self, count: usize) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.get(..count).unwrap_or(&names).join(", ")
    }
}

/// `($3, $4)` for two values after the first two.
fn placeholders(before: usize, count: usize) -> String {
    let numbers: Vec<String> = (before + 1..=before + count)
        .map(|number| format!("${number}"))
        .collect();
    format!("({})", numbers.join(", "))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::{Connection, SqliteConnection, query_as};

    use super::*;

    /// Columns by table, with the words of the schema for what they hold.
    type Columns = BTreeMap<String, Vec<String>>;

    /// The list, in the words of a schema. `SQLite` has no word for flags.
    fn listed() -> Columns {
        let described = TABLES.iter().map(|table| {
            let columns = table.columns.iter().map(|(name, kind)| {
                let kind = match kind {
                    Integer | Flag => "INTEGER",
                    Text => "TEXT",
                    Bytes => "BLOB",
                };
                format!("{name} {kind}")
            });
            (table.name.to_owned(), columns.collect())
        });
        described.collect()
    }

    #[tokio::test]
    async fn a_move_copies_every_column_of_every_table() {
        let mut db = SqliteConnection::connect(":memory:").await.unwrap();
        sqlx::migrate!("migrations/sqlite")
            .run(&mut db)
            .await
            .unwrap();
        let rows: Vec<(String, String, String)> = query_as(
            "select m.name, c.name, c.type from sqlite_master m, pragma_table_info(m.name) c
             where m.type = 'table' and m.name not in ('installation', '_sqlx_migrations')
             order by m.name, c.cid",
        )
        .fetch_all(&mut db)
        .await
        .unwrap();
        let mut migrated = Columns::new();
        for (table, column, kind) in rows {
            migrated
                .entry(table)
                .or_default()
                .push(format!("{column} {kind}"));
        }
        assert_eq!(listed(), migrated);
    }
}
