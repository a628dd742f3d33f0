//! The table of versions that were replaced, and reading it together with the elements.

use jmap_domain::{DataRevision, ElementId};
use layer_data_core::{
    edit::{ExpectedRevision, Restored},
    history::{AsOf, Deeds, Rows, Touched, VersionRecord},
    permit::Scope,
    ports::StoreError,
    value::MAX_EXACT,
};
use sqlx::{QueryBuilder, Sqlite};

use super::{BlobPart, Column, Stamp, Table, Target, push_target};
use crate::error::unexpected;

/// Columns of a statement that reads versions, after all others.
pub(super) const ENDS: &str = ", t.\"_until\", t.\"_until_by\", t.\"_until_time\"";

impl Table {
    /// The name of the table of versions, as GeoPackage's own tables refer to it.
    pub(crate) fn history(&self) -> String {
        self.versions.trim_matches('"').to_owned()
    }

    /// `create table` for the versions; the geometry type is one of GeoPackage's words.
    pub(crate) fn create_history(&self, geometry_type: &str) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("create table ");
        sql.push(&self.versions).push(" (\"fid\" integer not null");
        self.push_columns(&mut sql, geometry_type);
        sql.push(", \"_until\" integer not null, \"_until_by\" integer not null");
        sql.push(", \"_until_time\" integer not null, primary key (\"fid\", \"_revision\"))");
        sql
    }

    pub(crate) fn drop_history(&self) -> QueryBuilder<Sqlite> {
        QueryBuilder::new(format!("drop table {}", self.versions))
    }

    /// Keeps what an element is before it is changed or deleted, under the very conditions of that statement. What the
    /// same edit has made of it nobody ever saw.
    pub(crate) fn keep(&self, target: Target, stamp: Stamp) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.versions).push(" (");
        self.push_names(&mut sql, "");
        sql.push(", \"_until\", \"_until_by\", \"_until_time\") select ");
        self.push_names(&mut sql, "t.");
        for number in [stamp.revision.get(), stamp.actor.get(), stamp.millis] {
            sql.push(", ").push_bind(number);
        }
        sql.push(" from ").push(&self.quoted).push(" as t");
        push_target(&mut sql, target);
        sql.push(" and t.\"_revision\" < ")
            .push_bind(stamp.revision.get());
        sql
    }

    /// The elements of which a version that was replaced after a revision has an integer that no double is exactly,
    /// ascending.
    pub(crate) fn inexact_versions(
        &self,
        column: &Column,
        since: DataRevision,
    ) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select distinct t.\"fid\" from ");
        sql.push(&self.versions).push(" as t where ");
        column.push(&mut sql);
        sql.push(" not between ").push_bind(-MAX_EXACT);
        sql.push(" and ").push_bind(MAX_EXACT);
        sql.push(" and t.\"_until\" > ").push_bind(since.get());
        sql.push(" order by t.\"fid\"");
        sql
    }

    /// Brings an element back from one of its versions, if it is the one that was deleted then, and nothing was done to it
    /// since (R58, R108). Its creator and the time of its creation are those of the version.
    pub(crate) fn restore(
        &self,
        restored: &Restored,
        (scope, stamp): (Scope, Stamp),
    ) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.quoted).push(" (");
        self.push_names(&mut sql, "");
        sql.push(") select t.\"fid\", t.\"geom\"");
        for column in &self.columns {
            sql.push(", t.").push(&column.name);
        }
        sql.push(", ").push_bind(stamp.revision.get());
        sql.push(", t.\"_created_by\", ")
            .push_bind(stamp.actor.get());
        sql.push(", t.\"_create_time\", ").push_bind(stamp.millis);
        sql.push(" from ").push(&self.versions).push(" as t");
        push_target(
            &mut sql,
            Target {
                element: restored.element,
                expected: ExpectedRevision::Revision(restored.version),
                scope,
            },
        );
        sql.push(" and (select max(d.\"_until\") from ")
            .push(&self.versions);
        sql.push(" as d where d.\"fid\" = t.\"fid\") = ")
            .push_bind(restored.deleted.get());
        sql.push(" and not exists (select 1 from ")
            .push(&self.quoted);
        sql.push(" as p where p.\"fid\" = t.\"fid\")");
        self.only_free_versions(&mut sql);
        sql
    }

    /// The revision at which an element was deleted, and its creator: why it was not brought back.
    pub(crate) fn look_deleted(&self, element: ElementId) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"_until\", t.\"_created_by\" from ");
        sql.push(&self.versions).push(" as t where t.\"fid\" = ");
        sql.push_bind(element.get())
            .push(" order by t.\"_until\" desc limit 1");
        sql
    }

    /// Reads the stamps of versions of several elements.
    pub(crate) fn trail(&self, touched: &Touched) -> Result<QueryBuilder<Sqlite>, StoreError> {
        let mut sql = self.select(BlobPart::Nothing, &[], Rows::Versions);
        match touched {
            Touched::Elements(ids) => {
                let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
                let ids = serde_json::to_string(&ids).map_err(unexpected)?;
                sql.push(" and t.\"fid\" in (select value from json_each(")
                    .push_bind(ids)
                    .push("))");
            }
            Touched::By(deeds) => {
                sql.push(" and t.\"fid\" in (select p.\"fid\" from ")
                    .push(&self.quoted);
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
        Ok(sql)
    }

    /// Inserts several versions by one statement.
    pub(crate) fn insert_versions(&self, versions: &[VersionRecord]) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("insert into ");
        sql.push(&self.versions).push(" (");
        self.push_names(&mut sql, "");
        sql.push(", \"_until\", \"_until_by\", \"_until_time\")");
        let mut between = " values (";
        for VersionRecord { element, end } in versions {
            self.push_row(sql.push(between), &element.row());
            for number in [end.revision.get(), end.by.get(), end.time.millis()] {
                sql.push(", ").push_bind(number);
            }
            between = "), (";
        }
        sql.push(")");
        sql
    }

    /// The highest key of a version.
    pub(crate) fn last_version(&self) -> QueryBuilder<Sqlite> {
        let mut sql = QueryBuilder::new("select t.\"fid\", t.\"_revision\" from ");
        sql.push(&self.versions)
            .push(" as t order by t.\"fid\" desc, t.\"_revision\" desc limit 1");
        sql
    }

    /// The rows as something to select from.
    pub(super) fn push_rows(&self, sql: &mut QueryBuilder<Sqlite>, rows: Rows) {
        let (present, past) = (self.quoted.as_str(), self.versions.as_str());
        match rows {
            Rows::Present => {
                sql.push(present);
            }
            Rows::Past(AsOf::Revision(at)) => {
                self.push_past(sql, ["\"_revision\"", "\"_until\""], at.get());
            }
            Rows::Past(AsOf::Time(at)) => {
                self.push_past(sql, ["\"_update_time\"", "\"_until_time\""], at.millis());
            }
            Rows::Replaced => {
                sql.push(past);
            }
            Rows::Versions => {
                sql.push("(select ");
                self.push_names(sql, "p.");
                sql.push(
                    ", null as \"_until\", null as \"_until_by\", null as \"_until_time\" from ",
                );
                sql.push(present).push(" as p union all select ");
                self.push_names(sql, "h.");
                sql.push(", h.\"_until\", h.\"_until_by\", h.\"_until_time\" from ");
                sql.push(past).push(" as h)");
            }
        }
    }

    /// What began at a state or before it, and had not ended.
    fn push_past(&self, sql: &mut QueryBuilder<Sqlite>, [begun, ended]: [&str; 2], at: i64) {
        sql.push("(select ");
        self.push_names(sql, "p.");
        sql.push(" from ").push(&self.quoted).push(" as p where p.");
        sql.push(begun).push(" <= ").push_bind(at);
        sql.push(" union all select ");
        self.push_names(sql, "h.");
        sql.push(" from ")
            .push(&self.versions)
            .push(" as h where h.");
        sql.push(begun).push(" <= ").push_bind(at);
        sql.push(" and h.").push(ended).push(" > ").push_bind(at);
        sql.push(")");
    }
}

/// The columns that tell by which edit, by whom and when a version began.
const BEGUN: [&str; 3] = ["\"_revision\"", "\"_updated_by\"", "\"_update_time\""];

/// Those that tell how it ended.
const ENDED: [&str; 3] = ["\"_until\"", "\"_until_by\"", "\"_until_time\""];

/// Whether a version began or ended by one of these edits.
fn push_deed(sql: &mut QueryBuilder<Sqlite>, row: &str, columns: [&str; 3], deeds: Deeds) {
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
fn push_since(sql: &mut QueryBuilder<Sqlite>, row: &str, columns: [&str; 3], deeds: Deeds) {
    let [revision, _, time] = columns;
    let (column, limit) = match deeds {
        Deeds::Of(at) => (revision, at.get().saturating_sub(1)),
        Deeds::By(_, AsOf::Revision(since)) => (revision, since.get()),
        Deeds::By(_, AsOf::Time(since)) => (time, since.millis()),
    };
    sql.push(format_args!("{row}.{column} > ")).push_bind(limit);
}
