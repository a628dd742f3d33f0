//! The table of versions that were replaced, and reading it together with the elements.

use jmap_postgres::quoted;
use layer_data_core::{
    definition::LayerDefinition,
    history::{AsOf, Rows},
};
use sqlx::{Postgres, QueryBuilder};

use super::Table;
use crate::values::Instant;

/// Columns of a statement that reads versions, after all others.
pub(super) const ENDS: &str = ", t.\"_until\", t.\"_until_by\", t.\"_until_time\"";

impl Table {
    /// `copy` of whole versions in binary form: of elements, then of what ended them.
    pub(crate) fn copy_versions(&self, values: usize) -> String {
        let (table, names) = (&self.versions, self.names("", values));
        format!(
            "copy {table} ({names}, \"_until\", \"_until_by\", \"_until_time\") \
             from stdin (format binary)"
        )
    }

    /// The highest key of a version.
    pub(crate) fn last_version(&self) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_revision\" from ");
        sql.push(&self.versions);
        sql.push(" as t order by t.\"fid\" desc, t.\"_revision\" desc limit 1");
        sql
    }

    /// The statements that make the table of versions. Roles that read the layers do not read it, whatever they were
    /// given on future tables.
    pub(crate) fn create_history(
        &self,
        definition: &LayerDefinition,
        readers: &[String],
    ) -> String {
        let (name, columns) = (&self.versions, self.common_definitions(definition));
        let label = "Versions of elements that were replaced or deleted";
        let revoke = |reader: &String| format!("; revoke all on {name} from {}", quoted(reader));
        let revoked: String = readers.iter().map(revoke).collect();
        format!(
            "create table {name} (\"fid\" bigint not null, {columns}, \"_until\" bigint not null, \
             \"_until_by\" bigint not null, \"_until_time\" timestamp with time zone not null, \
             primary key (\"fid\", \"_revision\")); comment on table {name} is '{label}'{revoked}; {}",
            self.index_feed()
        )
    }

    /// The part of a statement before that which changes or deletes elements: it keeps what they are, under the very
    /// conditions of that statement. What the same edit has made of them nobody ever saw.
    pub(crate) fn keep(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(", kept as (insert into ").push(&self.versions);
        sql.push(" (").push(self.names("", usize::MAX));
        sql.push(", \"_until\", \"_until_by\", \"_until_time\") select ");
        sql.push(self.names("t.", usize::MAX));
        sql.push(", e.revision, e.actor, n.moment from ")
            .push(&self.marked);
        sql.push(" as t, e, n");
        Self::push_targets(sql);
        sql.push(" and t.\"_revision\" < e.revision) ");
    }

    /// The rows as something to select from.
    pub(super) fn push_rows(&self, sql: &mut QueryBuilder<Postgres>, rows: Rows) {
        match rows {
            Rows::Present => {
                sql.push(&self.marked);
            }
            Rows::Replaced => {
                sql.push(&self.versions);
            }
            // What a state has of them is said outside of this, so that both tables are read in the order of their keys.
            Rows::Past(_) | Rows::Versions => {
                sql.push("(select ").push(self.names("p.", usize::MAX));
                sql.push(", null::bigint as \"_until\", null::bigint as \"_until_by\"");
                sql.push(", null::timestamptz as \"_until_time\" from ");
                sql.push(&self.marked).push(" as p union all select ");
                sql.push(self.names("h.", usize::MAX));
                sql.push(", h.\"_until\", h.\"_until_by\", h.\"_until_time\" from ");
                sql.push(&self.versions).push(" as h)");
            }
        }
    }

    /// Limits a reading statement to what began at the state or before it, and had not ended.
    pub(super) fn push_state_of(sql: &mut QueryBuilder<Postgres>, rows: Rows) {
        let Rows::Past(as_of) = rows else { return };
        let [begun, ended] = match as_of {
            AsOf::Revision(_) => ["\"_revision\"", "\"_until\""],
            AsOf::Time(_) => ["\"_update_time\"", "\"_until_time\""],
        };
        push_state(sql.push(" and t.").push(begun).push(" <= "), as_of);
        sql.push(" and (t.").push(ended).push(" is null or t.");
        push_state(sql.push(ended).push(" > "), as_of);
        sql.push(")");
    }
}

fn push_state(sql: &mut QueryBuilder<Postgres>, as_of: AsOf) {
    match as_of {
        AsOf::Revision(at) => sql.push_bind(at.get()),
        AsOf::Time(at) => sql.push_bind(Instant(at)),
    };
}
