//! The table of versions that were replaced, and reading it together with the elements.

use jmap_domain::DataRevision;
use jmap_postgres::quoted;
use layer_data_core::{
    definition::LayerDefinition,
    history::{AsOf, Deeds, Rows, Touched},
    value::MAX_EXACT,
};
use sqlx::{Postgres, QueryBuilder};

use super::{Column, GeometryColumn, Table, unique::Placed};
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

    /// The elements of which a version that was replaced after a revision has an integer that no double is exactly,
    /// ascending.
    pub(crate) fn inexact_versions(
        &self,
        column: &Column,
        since: DataRevision,
    ) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select distinct t.\"fid\" from ");
        sql.push(&self.versions).push(" as t where ");
        column.push(&mut sql);
        sql.push(" not between ").push_bind(-MAX_EXACT);
        sql.push(" and ").push_bind(MAX_EXACT);
        sql.push(" and t.\"_until\" > ").push_bind(since.get());
        sql.push(" order by t.\"fid\"");
        sql
    }

    /// The part of a statement before that which changes or deletes elements: it keeps what they are, under the very
    /// conditions of that statement. What the same edit has made of them nobody ever saw.
    pub(crate) fn keep(&self, sql: &mut QueryBuilder<Postgres>, unique: &[Placed<'_>]) {
        sql.push(", kept as (insert into ").push(&self.versions);
        sql.push(" (").push(self.names("", usize::MAX));
        sql.push(", \"_until\", \"_until_by\", \"_until_time\") select ");
        sql.push(self.names("t.", usize::MAX));
        sql.push(", e.revision, e.actor, n.moment from ")
            .push(&self.marked);
        sql.push(" as t, e, n");
        self.push_targets(sql, unique);
        sql.push(" and t.\"_revision\" < e.revision) ");
    }

    /// The statement, after its rows and their moment, that brings elements back from versions, if they are the ones
    /// that were deleted then, and nothing was done to them since (R58, R108). Their creators and the times of their
    /// creation are those of the versions.
    pub(crate) fn restore(&self, sql: &mut QueryBuilder<Postgres>) {
        sql.push(" insert into ").push(&self.marked);
        sql.push(" as t (").push(self.names("", usize::MAX));
        sql.push(") select h.\"fid\", h.\"geom\"");
        for column in &self.columns {
            sql.push(", h.").push(&column.name);
        }
        sql.push(", e.revision, h.\"_created_by\", e.actor, h.\"_create_time\", n.moment from ");
        sql.push(&self.versions)
            .push(" as h, e, n where h.\"fid\" = e.fid and h.\"_revision\" = e.version");
        sql.push(" and (e.anybodys or h.\"_created_by\" = e.creator)");
        sql.push(" and (select max(d.\"_until\") from ")
            .push(&self.versions);
        sql.push(" as d where d.\"fid\" = e.fid) = e.deleted");
        sql.push(" and not exists (select from ").push(&self.marked);
        sql.push(" as p where p.\"fid\" = e.fid)");
        self.only_free_versions(sql);
        sql.push(" returning t.\"fid\"");
    }

    /// The newest revisions and the creators of elements that are there or were deleted: why they were not brought back.
    pub(crate) fn look_deleted(&self, elements: Vec<i64>) -> QueryBuilder<Postgres> {
        let mut sql = QueryBuilder::new("select t.\"fid\", max(coalesce(t.\"_until\", ");
        sql.push("t.\"_revision\")), max(t.\"_created_by\")");
        self.push_from(&mut sql, Rows::Versions);
        sql.push(" and t.\"fid\" = any (").push_bind(elements);
        sql.push(") group by t.\"fid\"");
        sql
    }

    /// Reads the stamps of versions of several elements.
    pub(crate) fn trail(&self, touched: &Touched) -> QueryBuilder<Postgres> {
        let mut sql = self.select(GeometryColumn::LeftOut, &[], Rows::Versions);
        match touched {
            Touched::Elements(ids) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
                sql.push(" and t.\"fid\" = any (").push_bind(ids).push(")");
            }
            Touched::By(deeds) => {
                sql.push(" and t.\"fid\" in (select p.\"fid\" from ")
                    .push(&self.marked);
                sql.push(" as p where ");
                push_deed(&mut sql, "p", BEGUN, *deeds);
                sql.push(" union select h.\"fid\" from ")
                    .push(&self.versions);
                sql.push(" as h where ");
                push_deed(&mut sql, "h", BEGUN, *deeds);
                sql.push(" or ");
                push_deed(&mut sql, "h", ENDED, *deeds);
                sql.push(") and (t.\"_until\" is null or ");
                push_since(&mut sql, "t", ENDED, *deeds);
                sql.push(")");
            }
        }
        sql.push(" order by t.\"fid\", t.\"_revision\"");
        sql
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

/// The columns that tell by which edit, by whom and when a version began.
const BEGUN: [&str; 3] = ["\"_revision\"", "\"_updated_by\"", "\"_update_time\""];

/// Those that tell how it ended.
const ENDED: [&str; 3] = ["\"_until\"", "\"_until_by\"", "\"_until_time\""];

/// Whether a version began or ended by one of these edits.
fn push_deed(sql: &mut QueryBuilder<Postgres>, row: &str, columns: [&str; 3], deeds: Deeds) {
    sql.push("(");
    push_since(sql, row, columns, deeds);
    let [revision, actor, _] = columns;
    match deeds {
        Deeds::Of(at) => {
            sql.push(format_args!(" and {row}.{revision} <= "))
                .push_bind(at.get());
        }
        Deeds::By(by, _) => {
            sql.push(format_args!(" and {row}.{actor} = "))
                .push_bind(by.get());
        }
    }
    sql.push(")");
}

/// Whether it began or ended no earlier than by the first of these edits.
fn push_since(sql: &mut QueryBuilder<Postgres>, row: &str, columns: [&str; 3], deeds: Deeds) {
    let [revision, _, time] = columns;
    match deeds {
        Deeds::Of(at) => sql
            .push(format_args!("{row}.{revision} >= "))
            .push_bind(at.get()),
        Deeds::By(_, AsOf::Revision(since)) => sql
            .push(format_args!("{row}.{revision} > "))
            .push_bind(since.get()),
        Deeds::By(_, AsOf::Time(since)) => sql
            .push(format_args!("{row}.{time} > "))
            .push_bind(Instant(since)),
    };
}
